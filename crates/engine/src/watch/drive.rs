//! The loop of a watch: it carries out what the state machine asks for.

use super::state::{Effect, Event, Policy, Seen, WatchState, Write};
use crate::decide::Unattended;
use crate::look::{AskPolicy, Look, LookOptions, look};
use crate::ports::Ports;
use crate::sync::{SyncOptions, SyncReport, need_when_asked, sync};
use keyshoal_core::{
    Action, ActivationMode, ActivationNeed, ActivationOutcome, Finding, ProfileId, Receipt, Severity,
    StepState, StoreId, Timestamp, activation,
};
use std::collections::{BTreeMap, BTreeSet};

/// Brings changes to a watch.
pub trait EventSource {
    /// Waits for the next change or for this moment, whichever comes first; `Tick` for the latter.
    fn next(&mut self, until: Timestamp) -> Event;
}

/// What a watch tells its person.
#[derive(Clone, Debug)]
pub enum Report<'a> {
    /// What needs attention has changed.
    Attention(&'a BTreeSet<String>),
    /// A look has ended.
    Looked(&'a Look),
    /// A repair has ended.
    Repaired(&'a SyncReport),
    /// A repair could not be done.
    RepairFailed(String),
    /// Somebody keeps undoing a repair.
    Fight {
        /// Where.
        store: &'a StoreId,
        /// Which profile.
        profile: &'a ProfileId,
        /// How often.
        times: usize,
    },
}

/// Watches until it is told to stop.
pub fn run<P: Ports + ?Sized>(
    ports: &P,
    policy: Policy,
    ask: AskPolicy,
    activate: ActivationMode,
    events: &mut dyn EventSource,
    tell: &mut dyn FnMut(Report<'_>),
) {
    let mut state = WatchState::new(policy);
    let options = LookOptions { ask, ..LookOptions::default() };
    loop {
        let event = events.next(state.wake_at(ports.now()));
        let mut queue: Vec<Effect> = state.on(event, ports.now());
        while !queue.is_empty() {
            let mut next = Vec::new();
            for effect in queue {
                match effect {
                    Effect::Look => {
                        let event = looked(ports, &options, tell);
                        next.extend(state.on(event, ports.now()));
                    }
                    Effect::Repair { except } => {
                        let event = repaired(ports, &options, activate, except, tell);
                        next.extend(state.on(event, ports.now()));
                    }
                    Effect::Report { attention } => tell(Report::Attention(&attention)),
                    Effect::Fight { store, profile, times } => {
                        tell(Report::Fight { store: &store, profile: &profile, times });
                    }
                    Effect::End => return,
                }
            }
            queue = next;
        }
    }
}

fn looked<P: Ports + ?Sized>(ports: &P, options: &LookOptions, tell: &mut dyn FnMut(Report<'_>)) -> Event {
    match look(ports, options, &mut |_| {}) {
        Ok(look) => {
            tell(Report::Looked(&look));
            Event::Looked(seen(&look))
        }
        Err(error) => Event::LookFailed(error.to_string()),
    }
}

fn repaired<P: Ports + ?Sized>(
    ports: &P,
    look: &LookOptions,
    activate: ActivationMode,
    except: BTreeSet<(StoreId, ProfileId)>,
    tell: &mut dyn FnMut(Report<'_>),
) -> Event {
    let options = SyncOptions {
        look: look.clone(),
        assume_yes: true,
        activate,
        except,
        command: "watch".to_owned(),
        ..SyncOptions::default()
    };
    match sync(ports, &options, &mut Unattended, &mut |_| {}) {
        Ok(report) => {
            tell(Report::Repaired(&report));
            let done = report.receipts.iter().filter(|receipt| receipt.durable == StepState::Done);
            let unconfirmed = matches!(report.activation, ActivationOutcome::Unknown { .. });
            Event::Repaired { writes: done.map(written).collect(), seen: seen(&report.after), unconfirmed }
        }
        Err(error) => {
            tell(Report::RepairFailed(error.to_string()));
            Event::RepairFailed
        }
    }
}

fn written(receipt: &Receipt) -> Write {
    write_of(&receipt.action)
}

fn write_of(action: &Action) -> Write {
    let over = match action {
        Action::Replace { expect, .. }
        | Action::RemoveShadow { expect, .. }
        | Action::FixType { expect, .. } => Some(*expect),
        Action::Insert { .. } | Action::ResetCooldown { .. } => None,
    };
    Write { store: action.store().clone(), profile: action.profile().clone(), over }
}

/// Returns what a watch cares about in a look.
pub fn seen(look: &Look) -> Seen {
    let attention = |one: &&Finding| one.severity == Severity::Attention;
    let modified: BTreeMap<String, Timestamp> = look
        .observed
        .stores
        .values()
        .filter_map(|store| Some((store.path.clone(), store.modified?)))
        .collect();
    let plan = look.plan();
    Seen {
        activation: need_when_asked(look, &plan) != ActivationNeed::None,
        digest: told(look),
        planned: plan.actions.iter().map(write_of).collect(),
        attention: look.judgement.findings.iter().filter(attention).map(sentence).collect(),
        modified,
    }
}

/// Names what a gateway may have to be told, and which process that gateway is.
fn told(look: &Look) -> String {
    let gateway = &look.observed.instance.gateway;
    let began = gateway.started.map(|began| began.to_string());
    format!("{} {:?} {began:?}", activation::digest(&look.observed), gateway.pid)
}

fn sentence(finding: &Finding) -> String {
    let whose = match (&finding.agent, &finding.profile) {
        (Some(agent), Some(profile)) => format!("{agent} {profile}: "),
        (Some(agent), None) => format!("{agent}: "),
        (None, Some(profile)) => format!("{profile}: "),
        (None, None) => String::new(),
    };
    format!("{whose}{}", finding.message)
}
