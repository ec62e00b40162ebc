//! Changing an installation: run lock, journal, writes, activation, receipts.

pub mod activate;
pub mod image;
pub mod write;

use crate::remember::port_error;
use crate::{Installation, clock};
use image::Image;
use keyshoal_core::{
    Action, ActivationMode, ActivationNeed, ActivationOutcome, Plan, Receipt, RunId, StepState, StoreId,
};
use keyshoal_engine::ports::{Change, Clock, Observe, PortError};
use keyshoal_ledger::{JournalStep, RunLock};
use keyshoal_openclaw::store::WriteRules;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use write::{Job, Means};

/// How many stores are written at once: a durable write waits for the disk.
const WRITERS: usize = 16;

/// A run that this process has begun.
#[derive(Debug)]
pub struct OpenRun {
    _lock: RunLock,
    mtime: SystemTime,
}

impl Observe for Installation {
    fn observe(&self) -> Result<keyshoal_core::Observation, PortError> {
        let snapshot = self.look()?;
        let observed = snapshot.observed.clone();
        self.state().seen = Some(Arc::new(snapshot));
        Ok(observed)
    }
}

impl Clock for Installation {
    fn now(&self) -> keyshoal_core::Timestamp {
        clock::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Change for Installation {
    fn settle(&self) -> Result<Option<RunId>, PortError> {
        self.settle_open_run()
    }

    fn begin(&self, command: &str, plan: &Plan) -> Result<RunId, PortError> {
        self.require_memory()?;
        let lock = self.run_lock(command)?;
        let steps: Vec<_> = plan.actions.iter().map(|action| self.step(action)).collect();
        let now = clock::now();
        let run = self.ledger.begin_run(command, now, &steps).map_err(port_error)?;
        self.begin_writes(lock);
        Ok(run)
    }

    fn apply(&self, run: &RunId, plan: &Plan, progress: &mut dyn FnMut(usize, usize)) -> Vec<Receipt> {
        let mut states: Vec<StepState> = vec![StepState::NotAsked; plan.actions.len()];
        let total = plan.actions.len();
        let (base, others) = self.jobs(plan);
        let rules = self.rules();
        let mut done = 0;
        for job in &base {
            for (at, state) in write::apply(job, &self.means(rules)) {
                states[at] = state;
                done += 1;
            }
        }
        progress(done, total);
        self.note_steps(run, &states);
        // A shadow is only removed when the base store really holds what the agent shall inherit.
        let share = others.len().div_ceil(WRITERS).max(1);
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for chunk in others.chunks(share) {
                let send = send.clone();
                let means = self.means(rules);
                scope.spawn(move || {
                    for job in chunk {
                        let _ = send.send(write::apply(job, &means));
                    }
                });
            }
            drop(send);
            for results in receive {
                for (at, state) in results {
                    states[at] = state;
                    done += 1;
                }
                progress(done, total);
            }
        });
        self.note_steps(run, &states);
        let at = clock::now();
        plan.actions
            .iter()
            .zip(states)
            .map(|(action, durable)| Receipt {
                action: action.clone(),
                durable,
                at,
                activated: ActivationOutcome::Unknown { reason: "not tried yet".into() },
                accepted: None,
                answered: StepState::NotAsked,
            })
            .collect()
    }

    fn activate(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome {
        if !self.options.guards.reload {
            return ActivationOutcome::NotDone { reason: "switched off".into(), needs_restart: false };
        }
        self.activate_now(need, mode)
    }

    fn answered(&self, plan: &Plan) -> Vec<StepState> {
        if self.options.ask_agents {
            return self.ask_agents(plan);
        }
        vec![StepState::NotAsked; plan.actions.len()]
    }

    fn finish(&self, run: &RunId, receipts: &[Receipt]) -> Result<(), PortError> {
        let text = serde_json::to_string(receipts).unwrap_or_default();
        let result = self.ledger.finish_run(run, &text, clock::now()).map_err(port_error);
        self.end_writes();
        result
    }
}

impl Installation {
    pub(crate) fn run_lock(&self, command: &str) -> Result<RunLock, PortError> {
        let state_dir = &self.locations.state_dir;
        RunLock::acquire(state_dir, command, clock::now(), self.options.wait_for_lock).map_err(|error| {
            PortError {
                message: error.to_string(),
                hint: Some("wait until it is done, or pass --wait SECONDS".into()),
                retryable: true,
            }
        })
    }

    /// Refuses to write without a memory of its own: nothing could be taken back.
    pub(crate) fn require_memory(&self) -> Result<(), PortError> {
        let identity = self.ledger.identity();
        if !identity.is_certain() {
            return Err(PortError {
                message: identity.to_string(),
                hint: Some(
                    "answer once with --adopt new (an instance of its own) or --adopt moved (the same one)"
                        .into(),
                ),
                retryable: false,
            });
        }
        if self.ledger.is_ephemeral() || !self.ledger.is_writable() {
            return Err(PortError {
                message: format!(
                    "{} cannot be written, so nothing that is done could be taken back",
                    self.ledger.path().display()
                ),
                hint: Some(
                    "run keyshoal as the owner of the state directory, on a file system that can be written"
                        .into(),
                ),
                retryable: false,
            });
        }
        Ok(())
    }

    /// From now on every JSON file that is written gets the same modification time.
    pub(crate) fn begin_writes(&self, lock: RunLock) {
        self.state().run = Some(OpenRun { _lock: lock, mtime: SystemTime::from(clock::now()) });
    }

    /// Gives the run lock back.
    pub(crate) fn end_writes(&self) {
        self.state().run = None;
    }

    pub(crate) fn rules(&self) -> WriteRules {
        let state = self.state();
        let running =
            state.seen.as_ref().is_none_or(|seen| seen.observed.instance.gateway.running != Some(false));
        let mtime = state.run.as_ref().map(|run| run.mtime);
        WriteRules { mtime, gateway_running: running, safety: self.options.guards.stores }
    }

    fn means(&self, rules: WriteRules) -> Means<'_> {
        Means {
            book: &self.book,
            prints: self.prints(),
            rules,
            compare: self.options.guards.compare,
            reset_cooldowns: self.options.guards.reset_cooldowns,
            base: self.seen().and_then(|seen| seen.stores.get(&StoreId::Base).map(|held| held.file.clone())),
        }
    }

    /// One job per store, the base store's apart.
    fn jobs<'a>(&self, plan: &'a Plan) -> (Vec<Job<'a>>, Vec<Job<'a>>) {
        let mut by_store: BTreeMap<StoreId, Vec<(usize, &Action)>> = BTreeMap::new();
        for (at, action) in plan.actions.iter().enumerate() {
            by_store.entry(action.store().clone()).or_default().push((at, action));
        }
        let seen = self.seen();
        let (mut base, mut others) = (Vec::new(), Vec::new());
        for (store, actions) in by_store {
            let file = seen.as_ref().and_then(|seen| seen.stores.get(&store)).map(|held| held.file.clone());
            let job = Job { file, actions };
            if store == StoreId::Base { base.push(job) } else { others.push(job) }
        }
        (base, others)
    }

    /// The journal's step for an action: what stands there, and what shall.
    fn step(&self, action: &Action) -> JournalStep {
        let seen = self.seen();
        let stored = seen
            .as_ref()
            .and_then(|seen| seen.stores.get(action.store())?.read.contents.profiles.get(action.profile()));
        let before = stored.and_then(Image::of);
        let print = stored.and_then(|stored| stored.material(self.prints()).fingerprint());
        let (kind, post, after) = match action {
            Action::Replace { provider, value, kind, .. } => {
                let after = self.book.find(*value).map(|entry| Image::of_entry(provider, kind, &entry));
                ("replace", Some(*value), after)
            }
            Action::Insert { provider, value, kind, .. } => {
                let after = self.book.find(*value).map(|entry| Image::of_entry(provider, kind, &entry));
                ("insert", Some(*value), after)
            }
            Action::RemoveShadow { .. } => ("remove_shadow", None, None),
            Action::FixType { kind, .. } => {
                let after = before.clone().map(|image| Image { kind: kind.clone(), raw: None, ..image });
                ("fix_type", print, after)
            }
            Action::ResetCooldown { .. } => ("reset_cooldown", print, None),
        };
        JournalStep {
            store: action.store().clone(),
            profile: action.profile().clone(),
            action: kind.to_owned(),
            pre_fingerprint: print,
            post_fingerprint: post,
            pre_image: before.map(|image| image.seal_text()),
            post_image: after.map(|image| image.seal_text()),
        }
    }

    fn note_steps(&self, run: &RunId, states: &[StepState]) {
        let outcomes: Vec<_> = states
            .iter()
            .enumerate()
            .filter(|(_, state)| **state != StepState::NotAsked)
            .map(|(at, state)| (at, state.clone()))
            .collect();
        // The stores are the truth: a journal that lags is what recovery is for.
        let _ = self.ledger.steps_done(run, &outcomes);
    }

    fn ask_agents(&self, plan: &Plan) -> Vec<StepState> {
        let skipped = |reason: &str| StepState::Skipped { reason: reason.to_owned() };
        let Some(seen) = self.seen() else { return vec![StepState::NotAsked; plan.actions.len()] };
        let mut client = match self.connect(&seen.observed, &seen.config) {
            Ok(client) if client.has("models.probe") => client,
            Ok(_) => {
                return vec![
                    skipped("this release cannot be asked in a way that can be believed");
                    plan.actions.len()
                ];
            }
            Err(error) => return vec![skipped(&error.to_string()); plan.actions.len()],
        };
        plan.actions
            .iter()
            .map(|action| {
                let Some(agent) = action.agent() else { return StepState::NotAsked };
                match client.probe(action.provider(), agent, Some(action.profile())) {
                    Ok(answer) if answer.status == keyshoal_openclaw::gateway::ProbeStatus::Ok => {
                        StepState::Done
                    }
                    Ok(answer) => StepState::Failed {
                        reason: answer.error.unwrap_or_else(|| format!("{:?}", answer.status)),
                    },
                    Err(error) => skipped(&error.to_string()),
                }
            })
            .collect()
    }
}
