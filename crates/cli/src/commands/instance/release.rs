//! Letting go of a vault's word: the agents keep what they hold, and what was one agent's own stays that.

use crate::commands::{Context, identity, shared};
use crate::document::InstancesDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::OpenFor;
use crate::root::holdings::{self, Need};
use crate::ui::{Text, Ui};
use keyshoal_core::Fact;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::{AskPolicy, Look, LookOptions};
use keyshoal_local::Installation;

pub(super) fn release(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let wanted = OpenFor { offline: true, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, wanted)?;
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let had = installation.vault_id()?;
    if had.is_some()
        && let Err(error) = keep_own(ui, context, &installation)
    {
        ui.warn(&format!("what the vault gave single agents could not be marked as deliberate: {error}"));
    }
    installation.set_vault_id(None)?;
    ui.say(&Text::of(match had {
        Some(id) => format!(
            "vault {id} says no longer what is right here; what agents inherit from is right from now on. keyshoal instance add   takes it back"
        ),
        None => "no vault said what is right here; nothing was changed".to_owned(),
    }));
    ui.document(&InstancesDocument::of(Vec::new()))?;
    Ok(Outcome::Fine)
}

/// Marks what the vault has given single agents, as far as they hold it: nobody shall have to guess whether it is meant. Nothing of it keeps
/// anybody from letting go of a vault that is lost.
fn keep_own(ui: &mut Ui, context: &Context<'_>, installation: &Installation) -> Result<(), CommandError> {
    if holdings::hold(ui, context.world, context.globals, installation, Need::IfAtHand)?.is_none() {
        return Ok(());
    }
    let options = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
    let look = shared::look(ui, installation, &options)?;
    installation.learn(&own(&look)).map_err(CommandError::from)
}

fn own(look: &Look) -> Vec<Fact> {
    let Some(wish) = &look.desired.wish else { return Vec::new() };
    let mut facts = Vec::new();
    for ((agent, profile), line) in &wish.own {
        let store = look.observed.agent(agent).map(|agent| &agent.store);
        let view = store.and_then(|store| look.observed.profile(store, profile));
        let held = view.and_then(|view| view.material.fingerprint());
        if let (Some(value), Some(held)) = (&line.value, held)
            && value.fingerprint == held
        {
            let (agent, profile) = (agent.clone(), profile.clone());
            facts.push(Fact::Kept { agent, profile, fingerprint: held, by: KeptBy::Person });
        }
    }
    facts
}
