//! Letting go of a vault's word: the agents keep what they hold, and what was one agent's own stays that.

use crate::commands::rotate::half_done;
use crate::commands::{Context, identity, shared};
use crate::document::InstancesDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
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
    if had.is_some() {
        let held = holdings::hold(ui, context.world, context.globals, &installation, Need::IfAtHand)?;
        // Files that are no stores are nothing that a vault knows of.
        let is_open = installation.open_run()?.is_some_and(|run| run.files.is_empty());
        if let Some(held) = held.as_ref().filter(|_| !is_open)
            && let Some(half) = half_done(held)?.into_iter().next()
        {
            installation.let_go();
            return Err(CommandError::user(format!(
                "a rotation of {} is half done, and without the vault nobody can say which agents are to have the new value: nothing was released",
                half.profile
            ))
            .hint(half.fix)
            .hint("then release it"));
        }
        if held.is_some()
            && !is_open
            && let Err(error) = keep_own(ui, &installation)
        {
            ui.warn(&format!("what the vault gave single agents could not be marked as deliberate: {error}"));
        }
        installation.let_go();
        if is_open && held.is_some() {
            return Err(CommandError::user(
                "a change that the vault decides is not finished, and without the vault nobody can say how it ends: nothing was released",
            )
            .hint("keyshoal recover   shows it and the ways out; then release it"));
        }
        if is_open {
            ui.warn("a run is not finished: keyshoal recover goes by its journal from now on");
        }
    }
    installation.set_vault_id(None)?;
    ui.say(&Text::of(match had {
        Some(id) => format!(
            "vault {id} says no longer what is right here; what agents inherit from is right from now on. keyshoal instance add   takes it back"
        ),
        None => "no vault said what is right here; nothing was changed".to_owned(),
    }));
    if let Some(text) = still_referred(ui, &installation) {
        ui.warn(&text);
    }
    ui.document(&InstancesDocument::of(Vec::new()))?;
    Ok(Outcome::Fine)
}

/// Marks what the vault has given single agents, as far as they hold it: nobody shall have to guess whether it is meant.
fn keep_own(ui: &mut Ui, installation: &Installation) -> Result<(), CommandError> {
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

/// Says how many profiles go on referring to the file that the vault delivered. An installation that cannot be looked at is released all
/// the same.
fn still_referred(ui: &mut Ui, installation: &Installation) -> Option<String> {
    let look = shared::look(ui, installation, &LookOptions::default()).ok()?;
    let profiles = look.observed.stores.values().flat_map(|store| store.profiles.values());
    let referring = profiles.filter_map(|view| view.material.reference()).filter(|one| one.is_delivered());
    let count = referring.count();
    (count > 0).then(|| {
        format!(
            "{} in the stores still {} to {}: the agents go on depending on that file, and without the vault nothing makes it again. Keep it \
             where it is, or put the keys into the stores: keyshoal instance add, then keyshoal instance set --delivery inline",
            render::words::count(count, "profile"),
            if count == 1 { "refers" } else { "refer" },
            installation.delivered_path().display()
        )
    })
}
