//! Letting go of a vault's word: the agents keep what they hold, and what was one agent's own stays that.

use crate::commands::rotate::half_done_here;
use crate::commands::{Context, identity, shared};
use crate::document::{InstancesDocument, OwnValue, ReleaseDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::root::holdings::{self, Held, Need};
use crate::ui::{Text, Ui};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::{CredentialKind, Fact, Material, StoreId};
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::{AskPolicy, Look, LookOptions};
use keyshoal_local::Installation;

pub(super) fn release(
    ui: &mut Ui,
    context: &Context<'_>,
    dry_run: bool,
    yes: bool,
) -> Result<Outcome, CommandError> {
    let wanted = OpenFor { offline: true, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, wanted)?;
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let Some(vault) = installation.vault_id()? else {
        ui.say(&Text::of("no vault said what is right here; nothing was changed"));
        ui.document(&InstancesDocument::of(Vec::new()))?;
        return Ok(Outcome::Fine);
    };
    let held = holdings::hold(ui, context.world, context.globals, &installation, Need::IfAtHand)?;
    let is_open = has_open_run(&installation, held.as_ref())?;
    // An installation that cannot be looked at is released all the same.
    let options = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
    let look = shared::look(ui, &installation, &options);
    let plan = match (&look, &held) {
        (Ok(look), Some(_)) => ReleaseDocument::of(look, given(look), Vec::new()),
        (Ok(look), None) => ReleaseDocument::of(look, Vec::new(), differing(look)),
        (Err(error), _) => {
            ui.warn(&format!("what single agents have of their own gets no mark: {error}"));
            ReleaseDocument::default()
        }
    };
    show(ui, &installation, &vault, &plan, is_open);
    let document = |applied| InstancesDocument::of(Vec::new()).release(plan.clone().done(applied));
    if dry_run {
        ui.say(&Text::of("dry run: nothing was released"));
        ui.document(&document(false))?;
        return Ok(Outcome::Attention);
    }
    if let Some(outcome) = shared::agree(ui, "release it?", yes)? {
        ui.document(&document(false))?;
        return Ok(outcome);
    }
    // A person may have taken long to answer.
    has_open_run(&installation, held.as_ref())?;
    let mark = |one: &OwnValue| {
        let OwnValue { agent, profile, fingerprint } = one.clone();
        Fact::Kept { agent, profile, fingerprint, by: KeptBy::Person }
    };
    let marks: Vec<Fact> = plan.marked.iter().map(mark).collect();
    if let Err(error) = installation.learn(&marks) {
        ui.warn(&format!("what the vault gave single agents could not be marked as deliberate: {error}"));
    }
    installation.let_go();
    installation.set_vault_id(None)?;
    ui.say(&Text::of(format!(
        "vault {vault} says no longer what is right here. keyshoal instance add   takes it back"
    )));
    ui.document(&document(true))?;
    Ok(Outcome::Fine)
}

/// Tells whether a run is open that goes on by its journal then. Refused where the vault can still bring to its end what is under way.
fn has_open_run(installation: &Installation, held: Option<&Held>) -> Result<bool, CommandError> {
    // Files that are no stores are nothing that a vault knows of.
    let is_open = installation.open_run()?.is_some_and(|run| run.files.is_empty());
    let Some(held) = held else { return Ok(is_open) };
    if is_open {
        return Err(CommandError::user(
            "a change that the vault decides is not finished, and without the vault nobody can say how it ends: nothing was released",
        )
        .hint("keyshoal recover   shows it and the ways out; then release it"));
    }
    if let Some(half) = half_done_here(held)?.into_iter().next() {
        return Err(CommandError::user(format!(
            "a rotation of {} is half done, and without the vault nobody can say which agents are to have the new value: nothing was released",
            half.profile
        ))
        .hint(half.fix)
        .hint("then release it"));
    }
    Ok(false)
}

/// Says what a release would change, and what it would leave behind.
fn show(ui: &mut Ui, installation: &Installation, vault: &str, plan: &ReleaseDocument, is_open: bool) {
    ui.say(&Text::of(format!(
        "without the word of vault {vault}, what agents inherit from is right; nothing is taken from the agents"
    )));
    for OwnValue { agent, profile, fingerprint } in &plan.marked {
        ui.say(&Text::of(format!("  {agent} {profile} ({fingerprint}) is marked as its own on purpose")));
    }
    for OwnValue { agent, profile, fingerprint } in &plan.unmarked {
        ui.warn(&format!(
            "{agent} {profile} ({fingerprint}) is another value than all share, and gets no mark: the vault cannot be asked whether it gave it. \
             A sync may take it for a copy; keyshoal keep {agent} {profile}   marks it, once this is released"
        ));
    }
    if is_open {
        ui.warn("a run is not finished: keyshoal recover goes by its journal from then on");
    }
    if plan.referring > 0 {
        ui.warn(&format!(
            "{} in the stores still {} to {}: the agents go on depending on that file, and without the vault nothing makes it again. Keep it \
             where it is, or put the keys into the stores: keyshoal instance add, then keyshoal instance set --delivery inline",
            render::words::count(plan.referring, "profile"),
            if plan.referring == 1 { "refers" } else { "refer" },
            installation.delivered_path().display()
        ));
    }
}

/// Returns what the vault has given single agents, as far as they hold it: nobody shall have to guess whether it is meant.
fn given(look: &Look) -> Vec<OwnValue> {
    let Some(wish) = &look.desired.wish else { return Vec::new() };
    let own = wish.own.iter().filter_map(|((agent, profile), line)| {
        let store = &look.observed.agent(agent)?.store;
        let held = look.observed.profile(store, profile)?.material.fingerprint()?;
        (line.wanted() == Some(held)).then(|| OwnValue {
            agent: agent.clone(),
            profile: profile.clone(),
            fingerprint: held,
        })
    });
    own.collect()
}

/// Returns what single agents hold where all share another value, and nothing says whether that is meant.
fn differing(look: &Look) -> Vec<OwnValue> {
    let base = StoreId::Base;
    let mut found = Vec::new();
    for agent in look.observed.agents.iter().filter(|agent| agent.store != base) {
        let Some(store) = look.observed.stores.get(&agent.store) else { continue };
        for (profile, view) in &store.profiles {
            let Material::Inline(fingerprint) = view.material else { continue };
            let shared = look.observed.profile(&base, profile).and_then(|one| one.material.fingerprint());
            let is_marked = look.knowledge.kept.contains_key(&(agent.id.clone(), profile.clone()));
            let differs = shared.is_some_and(|shared| shared != fingerprint);
            if differs && !is_marked && view.kind != CredentialKind::OAuth {
                found.push(OwnValue { agent: agent.id.clone(), profile: profile.clone(), fingerprint });
            }
        }
    }
    found
}
