//! `keyshoal instance set`: what an instance is called, and how its credentials reach it.

use super::super::flow::{self, Flow, FlowArgs};
use super::super::{Context, rotate, shared};
use crate::arguments::Activate;
use crate::document::InstanceDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::{Delivery, VaultInstance};
use keyshoal_core::{CredentialKind, Layout, Material};
use keyshoal_engine::{AskPolicy, Look, LookOptions, SyncReport};
use keyshoal_vault::Change;

/// How credentials reach an instance, as it is said on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum How {
    /// The stores hold the values.
    Inline,
    /// The stores hold references to one private file: a rotation replaces that file, and no store.
    Refs,
}

impl How {
    fn delivery(self) -> Delivery {
        match self {
            Self::Inline => Delivery::Inline,
            Self::Refs => Delivery::Refs,
        }
    }
}

pub(super) fn set(
    ui: &mut Ui,
    context: &Context<'_>,
    name: Option<&str>,
    delivery: Option<How>,
    how: &FlowArgs,
) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    let mut changes: Vec<Change> = name.map(|name| Change::SetName(name.to_owned())).into_iter().collect();
    let Some(delivery) = delivery.map(How::delivery) else {
        let name = name.unwrap_or_default();
        if how.dry_run {
            ui.say(&Text::of(format!("it would be called {name}")));
            ui.document(&InstanceDocument::of(flow.instance(), &flow.installation.held_prints()))?;
            return Ok(Outcome::Attention);
        }
        flow.note(changes)?;
        ui.say(&Text::of(format!("it is called {name} now")));
        return super::show(ui, context);
    };
    refuse(ui, &flow, delivery, how)?;
    if flow.instance().delivery != delivery {
        changes.push(Change::SetDelivery(delivery));
    }
    let (flow, report) = flow.run(ui, "instance set", changes)?;
    let outcome = flow.show(ui, "instance set", &report)?;
    if delivery == Delivery::Refs && !how.dry_run {
        warn_of_plain(ui, &report.after);
        say_what_lies_around(ui, flow.instance(), &report);
    }
    Ok(outcome)
}

/// Says where the keys still lie that the stores held until now.
fn say_what_lies_around(ui: &mut Ui, instance: &VaultInstance, report: &SyncReport) {
    let layout = report.after.observed.instance.layout;
    let wrote = report.run.is_some() && instance.delivery == Delivery::Refs;
    if wrote && matches!(layout, Layout::AgentSqlite | Layout::SharedTable | Layout::SharedRow) {
        ui.say(&Text::of(
            "what the databases held before may still lie in their free pages and write-ahead logs: keyshoal scrub   shows where, and removes it while no gateway runs",
        ));
    }
}

/// Names the keys that stay in stores all the same: the vault does not have them.
fn warn_of_plain(ui: &mut Ui, after: &Look) {
    for ((store, profile), judged) in &after.judgement.copies {
        let view = after.observed.profile(store, profile);
        let plain = view.is_some_and(|view| {
            matches!(view.material, Material::Inline(_)) && view.kind != CredentialKind::OAuth
        });
        if plain {
            let (owner, value) = (&judged.owner, judged.fingerprint);
            let value = value.map(|value| value.to_string()).unwrap_or_default();
            ui.warn(&format!(
                "{owner} {profile} stays in its store as it is ({value}): the vault does not have it (keyshoal credential adopt {owner} {profile} takes it in)"
            ));
        }
    }
}

/// Refuses what the release cannot do, or not while its gateway runs, and a change of ways in the middle of a rotation.
fn refuse(ui: &mut Ui, flow: &Flow<'_>, delivery: Delivery, how: &FlowArgs) -> Result<(), CommandError> {
    if delivery == flow.instance().delivery {
        return Ok(());
    }
    let look = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
    shared::look(ui, &flow.installation, &look)?;
    if delivery == Delivery::Refs
        && let Some(why) = flow.installation.refuses_references()
    {
        return Err(CommandError::user(format!("credentials cannot be delivered by reference: {why}"))
            .hint("update OpenClaw first; until then the stores hold the values"));
    }
    if delivery == Delivery::Refs
        && how.activate.activate != Activate::Restart
        && let Some(why) = flow.installation.refuses_references_now()
    {
        return Err(CommandError::user(format!(
            "credentials cannot be delivered by reference while this gateway runs: {why}"
        ))
        .hint("allow its restart with --activate restart, or stop it first"));
    }
    // One in its grace time has come through, and goes back as well by the new way: the vault has both values.
    let Some(half) = rotate::half_done_here(&flow.held)?.into_iter().next() else { return Ok(()) };
    Err(CommandError::user(format!("a rotation of {} is not over: it is {}", half.profile, half.stage))
        .hint(half.fix))
}
