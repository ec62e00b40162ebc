//! Taking an instance out of the vault, with everything that it has of it.

use crate::commands::{Context, shared};
use crate::document::InstancesDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::words;
use crate::root::vault;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::{Delivery, VaultInstance};

/// What is to be removed, and how.
pub struct Remove<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whose it is.
    pub organisation: &'a str,
    /// Only show it.
    pub dry_run: bool,
    /// Do it without asking.
    pub yes: bool,
}

/// Removes it, once that is agreed to. What it leaves behind is said before, whoever agrees.
pub fn remove(ui: &mut Ui, context: &Context<'_>, wanted: &Remove<'_>) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let found = super::named(&vault, wanted.organisation, wanted.name)?;
    let held = found.credentials.iter().filter(|one| one.current().is_some()).count();
    let what = format!(
        "{} with {} and {}",
        found.name,
        words::count(found.agents.len(), "agent"),
        words::count(held, "credential")
    );
    say_what_stays(ui, &found);
    if wanted.dry_run {
        ui.say(&Text::of(format!("dry run: nothing was removed. It would be {what}")));
        ui.document(&InstancesDocument::of(vault.instances()?))?;
        return Ok(Outcome::Attention);
    }
    let question = format!("remove {what} from the vault?");
    if let Some(outcome) = shared::agree_expressly(ui, &question, wanted.yes)? {
        ui.document(&InstancesDocument::of(vault.instances()?))?;
        return Ok(outcome);
    }
    let author = vault::author(context.world, None);
    vault.remove_instance(&found.id, found.revision, &author, keyshoal_local::clock::now())?;
    ui.say(&Text::of(format!("{} is in the vault no more", found.name)));
    ui.document(&InstancesDocument::of(vault.instances()?))?;
    Ok(Outcome::Fine)
}

/// Says what the agents have then.
fn say_what_stays(ui: &mut Ui, found: &VaultInstance) {
    match found.delivery {
        Delivery::Inline => ui.say(&Text::of("What the agents hold stays with them.")),
        // The file that they refer to is then the only copy.
        Delivery::Refs => ui.warn(
            "the agents hold references to the file that the vault delivered: without the vault nothing makes it again, and a key that is lost \
             there is lost. keyshoal instance set --delivery inline   puts the keys into the stores first",
        ),
    }
}
