//! The loop of a watch: it carries out what the state machines ask for.

mod turns;

use super::alarms::{Alarms, Pass};
use super::beside::{Beside, Patience};
use super::checks::{Checks, Trouble, VerifyPolicy, sends, wanted};
use super::conditions;
use super::rotating::HalfRotated;
use super::seen::seen;
use super::state::{Effect, Event, Policy, Seen, WatchState};
use crate::look::{AskPolicy, Look, LookOptions, look};
use crate::ports::Ports;
use crate::sync::{SyncReport, config_place};
use crate::verify::{VerifyOptions, VerifyReport, verify};
use keyshoal_core::alarm::Source;
use keyshoal_core::{ActivationMode, Alarm, ProfileId, StoreId, Timestamp, Topic};
use std::collections::{BTreeSet, VecDeque};

/// Brings changes to a watch, and what no look tells.
pub trait EventSource {
    /// Waits for the next change or for this moment, whichever comes first; `Tick` for the latter.
    fn next(&mut self, until: Timestamp) -> Event;

    /// Returns what is known of others that change the installation.
    fn beside(&mut self) -> Beside {
        Beside::default()
    }

    /// Returns the rotations that are half done now, where a vault says what is right.
    fn half_rotated(&mut self) -> Vec<HalfRotated> {
        Vec::new()
    }
}

/// What a watch tells its person.
#[derive(Clone, Debug)]
pub enum Report<'a> {
    /// What needs attention has changed.
    Attention(&'a BTreeSet<String>),
    /// Another Keyshoal is at work, and it looks when that is done.
    Waiting,
    /// A look has ended.
    Looked(&'a Look),
    /// A look failed, and why.
    LookFailed(&'a str),
    /// A verification has ended.
    Verified(&'a VerifyReport),
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
        /// It is the config that is fought over, and no profile.
        config: bool,
    },
    /// Somebody is to be told, wherever they are.
    Alarms {
        /// Of what; never empty.
        alarms: &'a [Alarm],
        /// All that stands, told of or not.
        standing: &'a Alarms,
    },
}

/// How to watch.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// When to look, and what may be written.
    pub policy: Policy,
    /// When to verify.
    pub verify: VerifyPolicy,
    /// Whether providers are asked about what differs.
    pub ask: AskPolicy,
    /// What may be done to the gateway.
    pub activate: ActivationMode,
}

/// Watches until it is told to stop. What was told of before is in `alarms`, and stays there.
pub fn run<P: Ports + ?Sized>(
    ports: &P,
    watch: Watch,
    alarms: &mut Alarms,
    events: &mut dyn EventSource,
    tell: &mut dyn FnMut(Report<'_>),
) {
    let state = WatchState::new(watch.policy.clone());
    let checks = Checks::new(watch.verify.clone());
    // Who has said that no provider is to be asked has also said that nothing waits for one.
    let accepted_only = watch.ask != AskPolicy::Offline;
    let options = LookOptions { ask: watch.ask, accepted_only, ..LookOptions::default() };
    let activate = watch.activate;
    // An earlier watch that told of one that is gone has seen it.
    let gateway_seen = alarms.standing().any(|one| one.condition.id.topic == Topic::GatewayDown);
    let (passes, half_rotated) = (Vec::new(), Vec::new());
    let mut driver = Driver {
        ports,
        state,
        checks,
        options,
        activate,
        alarms,
        events,
        half_rotated,
        tell,
        passes,
        gateway_seen,
        patience: Patience::default(),
    };
    loop {
        let now = ports.now();
        let due = driver.state.wake_at(now).min(driver.checks.wake_at(now));
        let event = driver.events.next(driver.patience.until(due));
        let verifies = driver.checks.is_due(ports.now());
        let waits = (verifies || event == Event::Tick) && driver.events.beside().at_work && driver.waits();
        if waits && event == Event::Tick {
            continue;
        }
        if driver.round(event) || !waits && driver.checks.is_due(ports.now()) && driver.verify() {
            return;
        }
    }
}

struct Driver<'a, P: ?Sized> {
    ports: &'a P,
    state: WatchState,
    checks: Checks,
    options: LookOptions,
    activate: ActivationMode,
    alarms: &'a mut Alarms,
    events: &'a mut dyn EventSource,
    /// The rotations that were half done when it was last looked.
    half_rotated: Vec<HalfRotated>,
    tell: &'a mut dyn FnMut(Report<'_>),
    /// What is to be said to the alarms once nothing more is to be done: what a repair mends at once is no alarm.
    passes: Vec<Pass>,
    /// A gateway was seen to run.
    gateway_seen: bool,
    /// Waits for others that are at work.
    patience: Patience,
}

impl<P: Ports + ?Sized> Driver<'_, P> {
    /// Does everything that an event asks for. Tells whether that is the end.
    fn round(&mut self, event: Event) -> bool {
        let mut queue: VecDeque<Effect> = self.state.on(event, self.ports.now()).into();
        while let Some(effect) = queue.pop_front() {
            let event = match effect {
                Effect::Look => self.looked(),
                Effect::Repair { except } => self.repaired(except),
                Effect::Report { attention } => {
                    (self.tell)(Report::Attention(&attention));
                    continue;
                }
                Effect::Fight { store, profile, times } => {
                    let config = (store.clone(), profile.clone()) == config_place();
                    (self.tell)(Report::Fight { store: &store, profile: &profile, times, config });
                    continue;
                }
                Effect::End => return true,
            };
            queue.extend(self.state.on(event, self.ports.now()));
        }
        self.raise();
        false
    }

    fn looked(&mut self) -> Event {
        let before = self.events.beside();
        let found = look(self.ports, &self.options, &mut |_| {});
        if self.overtaken(&before) {
            return Event::Overtaken;
        }
        match found {
            Ok(look) => {
                (self.tell)(Report::Looked(&look));
                self.learn(&look);
                Event::Looked(self.seen(&look))
            }
            Err(error) => {
                let reason = error.to_string();
                (self.tell)(Report::LookFailed(&reason));
                self.passes.push(conditions::of_failure(&reason));
                Event::LookFailed(reason)
            }
        }
    }

    /// Verifies, and repairs what that brings to light. Tells whether that is the end.
    fn verify(&mut self) -> bool {
        let before = self.events.beside();
        let found = match look(self.ports, &self.options, &mut |_| {}) {
            Ok(found) => found,
            Err(_) if self.overtaken(&before) => return false,
            Err(error) => {
                let reason = error.to_string();
                (self.tell)(Report::LookFailed(&reason));
                self.checks.verified(Trouble::Down, None, self.ports.now());
                self.passes.push(conditions::of_failure(&reason));
                self.raise();
                return false;
            }
        };
        let through_gateway = self.checks.policy().through_gateway;
        let options = VerifyOptions { through_gateway, ..VerifyOptions::default() };
        let report = verify(self.ports, found, &options, &mut |_| {});
        if self.overtaken(&before) {
            return false;
        }
        (self.tell)(Report::Verified(&report));
        (self.tell)(Report::Looked(&report.look));
        self.learn(&report.look);
        self.checks.verified(Trouble::of(&report), wanted(&report), self.ports.now());
        self.passes.push(conditions::of_verify(&report));
        let seen = self.seen(&report.look);
        self.round(Event::Looked(seen))
    }

    /// Takes in what a look says to the schedule and to the alarms. A later look of the same round counts in its place.
    fn learn(&mut self, look: &Look) {
        self.checks.looked(sends(&look.observed), self.ports.now());
        self.passes.retain(|pass| pass.source == Source::Verify);
        self.passes.push(Pass::new(Source::Watch));
        // Nobody has to run a gateway; who does, or has its agents asked, misses one that is gone.
        self.gateway_seen |= look.observed.instance.gateway.running == Some(true);
        let expected = self.gateway_seen || self.checks.policy().through_gateway;
        let mut pass = conditions::of_look(look, expected);
        self.half_rotated = self.events.half_rotated();
        self.half_rotated.iter().for_each(|one| pass.see(one.condition()));
        self.passes.push(pass);
    }

    /// Returns what a watch cares about in a look that was learned from.
    fn seen(&self, look: &Look) -> Seen {
        let mut seen = seen(look);
        seen.attention.extend(self.half_rotated.iter().map(HalfRotated::sentence));
        seen
    }

    fn raise(&mut self) {
        let now = self.ports.now();
        let mut alarms = Vec::new();
        for pass in std::mem::take(&mut self.passes) {
            alarms.extend(self.alarms.take(pass, now));
        }
        if !alarms.is_empty() {
            (self.tell)(Report::Alarms { alarms: &alarms, standing: self.alarms });
        }
    }
}
