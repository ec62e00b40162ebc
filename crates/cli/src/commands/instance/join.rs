//! Having an installation be an instance that the vault has already: the vault was restored, and the installation's own memory is lost.

use super::add;
use crate::commands::{Context, elsewhere, identity, shared};
use crate::document::InstanceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::holdings::{self, Need};
use crate::root::{OpenFor, vault};
use crate::ui::{Text, Ui};
use keyshoal_core::InstanceId;
use keyshoal_core::vault::VaultInstance;
use keyshoal_local::Installation;
use keyshoal_openclaw::files::real_path;
use keyshoal_vault::Vault;

/// What was asked for.
pub(super) struct Join<'a> {
    pub name: &'a str,
    pub organisation: &'a str,
    pub dry_run: bool,
    pub yes: bool,
}

/// Shows what the vault has of it, asks, and has its word count here.
pub(super) fn join(ui: &mut Ui, context: &Context<'_>, wanted: &Join<'_>) -> Result<Outcome, CommandError> {
    let opened = OpenFor { offline: true, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, opened)?;
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let own = installation.instance_id().ok_or_else(|| {
        CommandError::io(
            "this installation's memory cannot be written, so no vault could know which one it is",
        )
    })?;
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let known = super::named(&vault, wanted.organisation, wanted.name)?;
    refuse_who_is_another(&installation, &vault, &known, &own)?;
    refuse_where_it_is_still(ui, context, &installation, &known)?;
    installation.hold(&holdings::holdings(&vault, &known, None)?)?;
    let prints = installation.held_prints();
    ui.data(&render::instance::whole(&known, &prints));
    if wanted.dry_run {
        ui.say(&Text::of(format!(
            "this installation would be {}, and the vault's word would count",
            known.name
        )));
        ui.document(&InstanceDocument::of(&known, &prints))?;
        return Ok(Outcome::Attention);
    }
    let place = known.state_dir.as_deref().unwrap_or("no place that it knows");
    let question = format!(
        "is this installation {}, which the vault knows in {place}? Its word counts here from then on",
        known.name
    );
    if let Some(outcome) = shared::agree(ui, &question, wanted.yes)? {
        ui.document(&InstanceDocument::of(&known, &prints))?;
        return Ok(outcome);
    }
    installation.become_instance(&known.id)?;
    let author = vault::author(context.world, Some("joined"));
    add::bind(ui, &installation, &vault, &known, &author)
}

/// Refuses an installation that is somebody already.
fn refuse_who_is_another(
    installation: &Installation,
    vault: &Vault,
    known: &VaultInstance,
    own: &InstanceId,
) -> Result<(), CommandError> {
    if known.id == *own {
        return Err(CommandError::user(format!("this installation is {} already", known.name))
            .hint("keyshoal instance add   has the vault's word count here, where it does not"));
    }
    if let Some(other) = vault.instances()?.into_iter().find(|one| one.id == *own) {
        return Err(CommandError::user(format!("this installation is {} in the vault", other.name)).hint(
            format!("keyshoal instance remove {}   has it be nobody there; then this again", other.name),
        ));
    }
    match installation.vault_id()? {
        Some(id) if id != vault.id() => {
            Err(CommandError::user(format!("another vault ({id}) says what is right for this installation"))
                .hint("keyshoal instance release   goes on without that one; then this again"))
        }
        _ => Ok(()),
    }
}

/// Refuses where the instance is at its own place: two installations would be one in the vault.
fn refuse_where_it_is_still(
    ui: &mut Ui,
    context: &Context<'_>,
    installation: &Installation,
    known: &VaultInstance,
) -> Result<(), CommandError> {
    let opened = OpenFor { offline: true, vault: Need::Not, read_only: true, ..OpenFor::default() };
    let Ok(there) = elsewhere::installation(ui, context, opened, known) else { return Ok(()) };
    if real_path(there.state_dir()) == real_path(installation.state_dir()) {
        return Ok(());
    }
    Err(CommandError::user(format!(
        "{} is in {} still: one of the two only can be it",
        known.name,
        there.state_dir().display()
    ))
    .hint("keyshoal instance add --name NAME   takes this installation in as one of its own")
    .hint("where this one takes its place: move that directory aside; then this again"))
}
