//! Changing an installation: run lock, journal, writes, activation, receipts.

pub mod activate;
mod answered;
mod applied;
mod begin;
mod blocking;
mod fill;
pub mod image;
mod inheriting;
mod reserve;
mod step;
pub mod write;

pub use begin::OpenRun;

use crate::referred::Then;
use crate::remember::port_error;
use crate::{Installation, clock};
use keyshoal_core::{
    Action, ActivationMode, ActivationNeed, ActivationOutcome, Layout, Plan, ProfileId, Receipt, RunId,
    StepState, StoreId,
};
use keyshoal_engine::ports::{Change, Clock, PortError};
use keyshoal_openclaw::store::WriteRules;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::sync::mpsc::Sender;
use std::time::Duration;
use write::{Applied, Job, Means};

/// How many files are written at once: a durable write waits for the disk.
const FILES: usize = 16;
/// How many databases: each takes memory while it is open.
const DATABASES: usize = 10;

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

    fn reserve(&self, command: &str) -> Result<(), PortError> {
        self.keep_lock(command)
    }

    fn give_back(&self) {
        self.give_lock_back();
    }

    fn begin(&self, command: &str, plan: &Plan) -> Result<RunId, PortError> {
        self.require_memory()?;
        let lock = self.run_lock(command)?;
        let steps: Vec<_> = plan.actions.iter().map(|action| self.step(action, plan)).collect();
        let config = plan.config.as_ref().and_then(|edit| self.journal_config(edit));
        let begun = self.ledger.begin_run_with(command, clock::now(), &steps, config.as_ref(), &[]);
        let run = begun.map_err(port_error)?;
        self.begin_writes(lock);
        Ok(run)
    }

    fn apply(&self, run: &RunId, plan: &Plan, progress: &mut dyn FnMut(usize, usize)) -> Vec<Receipt> {
        let mut all: Vec<Applied> = vec![Applied::default(); plan.actions.len()];
        let then = self.prints.then();
        if let Err(reason) = self.deliver_first(run, plan) {
            let reason = format!("{reason}; no store was written");
            self.state().configured.get_or_insert(StepState::Failed { reason: reason.clone() });
            all.fill(Applied { state: StepState::Failed { reason }, merged_writes: 0 });
            self.note_steps(run, &all);
            return told(plan, all);
        }
        let total = plan.actions.len();
        let (base, others) = self.jobs(plan);
        let rules = self.rules();
        let mut done = 0;
        for job in &base {
            let means = self.means(rules, &then);
            let (results, unsettled) = write::apply(job, &means);
            let settled = unsettled.and_then(|unsettled| unsettled.settle(&means));
            for (at, applied) in settled.unwrap_or(results) {
                all[at] = applied;
                done += 1;
            }
        }
        progress(done, total);
        if done > 0 {
            self.note_steps(run, &all);
        }
        // A shadow is only removed when the base store really holds what the agent shall inherit.
        let layout = self.seen().map(|seen| seen.observed.instance.layout);
        let files = matches!(layout, Some(Layout::JsonFile | Layout::JsonWithState));
        let share = others.len().div_ceil(if files { FILES } else { DATABASES }).max(1);
        let (send, receive) = std::sync::mpsc::channel();
        let last = std::thread::scope(|scope| {
            let mut writers = Vec::new();
            for chunk in others.chunks(share) {
                let send = send.clone();
                let means = self.means(rules, &then);
                writers.push(scope.spawn(move || write_all(chunk, &means, &send)));
            }
            drop(send);
            for (results, first) in receive {
                for (at, applied) in results {
                    all[at] = applied;
                    done += usize::from(first);
                }
                progress(done, total);
            }
            let joined = writers
                .into_iter()
                .flat_map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.collect::<Vec<_>>()
        });
        self.note_steps(run, &all);
        let means = self.means(rules, &then);
        let late: Vec<_> =
            last.into_iter().filter_map(|unsettled| unsettled.settle(&means)).flatten().collect();
        if !late.is_empty() {
            for (at, applied) in late {
                all[at] = applied;
            }
            self.note_steps(run, &all);
        }
        self.release_inheriting(&renewed(plan, &all));
        told(plan, all)
    }

    fn configure(&self, run: &RunId, plan: &Plan) -> Option<StepState> {
        let before = self.state().configured.take();
        let edit = plan.config.as_ref();
        let state = edit.map(|edit| before.unwrap_or_else(|| self.write_config(run, edit)));
        match (self.tidy_delivered(), state) {
            (Err(reason), Some(StepState::Done)) => Some(StepState::Failed { reason }),
            (_, state) => state,
        }
    }

    fn activate(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome {
        if !self.options.guards.reload {
            return ActivationOutcome::NotDone { reason: "switched off".into(), needs_restart: false };
        }
        self.activate_referring(need, mode)
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

    fn means<'a>(&'a self, rules: WriteRules, then: &'a Then<'_>) -> Means<'a> {
        Means {
            book: &self.book,
            prints: self.prints(),
            then,
            rules,
            compare: self.options.guards.compare,
            reset_cooldowns: self.options.guards.reset_cooldowns,
            marked: self.marked_in_base(),
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

    fn note_steps(&self, run: &RunId, all: &[Applied]) {
        let outcomes: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(_, applied)| applied.state != StepState::NotAsked)
            .map(|(at, applied)| (at, applied.state.clone()))
            .collect();
        // The stores are the truth: a journal that lags is what recovery is for.
        let _ = self.ledger.steps_done(run, &outcomes);
    }
}

/// Applies jobs one after the other, tells the results, and settles what is due. Returns what was not due yet: time passes while the
/// journal is written.
fn write_all<'a, 'b>(
    jobs: &'b [Job<'a>],
    means: &Means<'_>,
    send: &Sender<(write::Results, bool)>,
) -> VecDeque<write::Unsettled<'a, 'b>> {
    let mut waiting = VecDeque::new();
    for job in jobs {
        let (results, unsettled) = write::apply(job, means);
        let _ = send.send((results, true));
        waiting.extend(unsettled);
        while let Some(due) = waiting.pop_front_if(|first: &mut write::Unsettled<'_, '_>| first.is_due()) {
            if let Some(results) = due.settle(means) {
                let _ = send.send((results, false));
            }
        }
    }
    waiting
}

fn told(plan: &Plan, all: Vec<Applied>) -> Vec<Receipt> {
    let at = clock::now();
    let told = plan.actions.iter().zip(all).map(|(action, applied)| Receipt {
        action: action.clone(),
        durable: applied.state,
        merged_writes: applied.merged_writes,
        at,
        activated: ActivationOutcome::Unknown { reason: "not tried yet".into() },
        accepted: None,
        answered: StepState::NotAsked,
    });
    told.collect()
}

/// Returns the profiles of which the base store has just got another value.
fn renewed(plan: &Plan, all: &[Applied]) -> BTreeSet<ProfileId> {
    let done = plan.actions.iter().zip(all).filter(|(_, applied)| applied.state == StepState::Done);
    done.filter_map(|(action, _)| match action {
        Action::Replace { store: StoreId::Base, profile, .. }
        | Action::Insert { store: StoreId::Base, profile, .. } => Some(profile.clone()),
        _ => None,
    })
    .collect()
}
