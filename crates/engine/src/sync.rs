//! The whole way: look, plan, decide, apply, activate, verify.

mod after;
mod answers;
mod lessons;
mod meanwhile;
mod run;
mod verify;

use crate::decide::{Decide, Decision, Proceed};
use crate::look::{Look, LookError, LookOptions, look_of, look_undecided};
use crate::ports::{PortError, Ports};
use crate::progress::Progress;
use keyshoal_core::{
    Action, ActivationMode, ActivationNeed, ActivationOutcome, Joining, Observation, Plan, ProfileId,
    Receipt, RunId, StepState, StoreId, activation, activation::Held, planner,
};
pub(crate) use meanwhile::is_fresh;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Says how to sync.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// How to look.
    pub look: LookOptions,
    /// Replace foreign values too (`--include foreign`).
    pub include_foreign: bool,
    /// Stop before the first write.
    pub dry_run: bool,
    /// Go on without asking; questions stay open.
    pub assume_yes: bool,
    /// What may be done to the gateway.
    pub activate: ActivationMode,
    /// Leave these alone (a watch that gave up on a fight).
    pub except: BTreeSet<(StoreId, ProfileId)>,
    /// The command's name for the journal; `sync` when empty.
    pub command: String,
}

/// Says how a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as it should be.
    NothingToDo,
    /// Everything planned was done and read back.
    Done,
    /// It was a dry run with something to do.
    DryRun,
    /// A person said no.
    Declined,
    /// Something is to be decided or allowed, and nobody was there to ask.
    NeedsAnswer,
    /// Something is left that needs attention: a conflict, a failure, an open question, a gateway with old values.
    Attention,
}

impl Outcome {
    /// Tells whether the command exits with 2.
    pub fn needs_attention(self) -> bool {
        !matches!(self, Self::NothingToDo | Self::Done)
    }
}

/// Holds everything that a run saw and did.
#[derive(Clone, Debug)]
pub struct SyncReport {
    /// What was there before, with the judgement after every answer.
    pub look: Look,
    /// What was planned, after every answer.
    pub plan: Plan,
    /// The run's id, when something was written.
    pub run: Option<RunId>,
    /// What is known of each action.
    pub receipts: Vec<Receipt>,
    /// What came of the config, where it was to change.
    pub config: Option<StepState>,
    /// What came of the activation.
    pub activation: ActivationOutcome,
    /// What is there afterwards. The look itself when nothing was written.
    pub after: Look,
    /// How it ended.
    pub outcome: Outcome,
    /// The earlier run that had broken off and was closed, with every store left as it stood.
    pub settled: Option<RunId>,
}

/// Says why a run failed before its first write, or could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Looking failed.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Something outside of the engine failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Brings every agent to the source's values, overrides intact.
pub fn sync<P: Ports + ?Sized>(
    ports: &P,
    options: &SyncOptions,
    decide: &mut dyn Decide,
    progress: &mut dyn FnMut(Progress),
) -> Result<SyncReport, SyncError> {
    let mut look = look_undecided(ports, &options.look, progress)?;
    look.desired.include_foreign = options.include_foreign;
    look.judge_again();
    go(ports, look, options, decide, progress)
}

/// Does what an observation that was made a moment ago calls for, without asking. Every write compares what stands there.
pub(crate) fn sync_seen<P: Ports + ?Sized>(
    ports: &P,
    observed: Arc<Observation>,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<SyncReport, SyncError> {
    let look = look_of(ports, observed, &options.look, progress)?;
    go(ports, look, options, &mut crate::decide::Unattended, progress)
}

/// Takes away the marks that hold back what its provider has just accepted, and makes a running gateway see it. No value changes.
///
/// # Errors
/// When the journal cannot be begun or closed.
pub fn release<P: Ports + ?Sized>(
    ports: &P,
    mut look: Look,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<SyncReport, SyncError> {
    let plan = planner::releases(&look.observed, &look.knowledge);
    if plan.actions.is_empty() || options.dry_run {
        let outcome = if plan.actions.is_empty() { at_rest(&look, &plan) } else { Outcome::DryRun };
        return Ok(unwritten(look, plan, ActivationOutcome::NotNeeded, outcome));
    }
    let settled = settle_broken_run(ports, &mut look)?;
    let mut report = run::write(ports, look, plan, options, progress)?;
    report.settled = settled;
    Ok(report)
}

/// Goes the rest of the way from a look.
pub(crate) fn go<P: Ports + ?Sized>(
    ports: &P,
    mut look: Look,
    options: &SyncOptions,
    decide: &mut dyn Decide,
    progress: &mut dyn FnMut(Progress),
) -> Result<SyncReport, SyncError> {
    look.make_sure(ports, options.look.ask, progress);
    let mut plan = planned(&look, options);
    if let (Err(why), Some(_)) = (&look.then, &plan.config) {
        // OpenClaw would refuse it as well.
        let hint = Some("that is what the config would become; nothing was changed".to_owned());
        return Err(PortError { message: why.clone(), hint, retryable: false }.into());
    }
    if options.dry_run {
        let outcome = if plan.is_empty() { at_rest(&look, &plan) } else { Outcome::DryRun };
        return Ok(unwritten(look, plan, ActivationOutcome::NotNeeded, outcome));
    }
    if !(plan.actions.is_empty() && plan.config.is_none() && plan.questions.is_empty()) {
        match settle(ports, &mut look, options, decide) {
            (Proceed::Yes, settled) => plan = settled,
            (Proceed::No, settled) => {
                return Ok(unwritten(look, settled, ActivationOutcome::NotNeeded, Outcome::Declined));
            }
            (Proceed::CannotAsk, settled) => {
                return Ok(unwritten(look, settled, ActivationOutcome::NotNeeded, Outcome::NeedsAnswer));
            }
        }
    }
    let settled = settle_broken_run(ports, &mut look)?;
    let mut overtaken = Vec::new();
    if !(plan.actions.is_empty() && plan.config.is_none()) && meanwhile::is_long_ago(ports, &look) {
        overtaken = meanwhile::look_again(ports, &mut look, &mut plan, options, progress)?;
    }
    lessons::learn_decided(ports, &mut look, &plan);
    let mut report = if plan.actions.is_empty() && plan.config.is_none() {
        run::activate_only(ports, look, plan, options, progress)
    } else {
        run::write(ports, look, plan, options, progress)?
    };
    report.receipts.extend(overtaken);
    report.settled = settled;
    Ok(report)
}

/// Closes a run that broke off: what it left undone is part of this run's plan, as far as it is still right.
fn settle_broken_run<P: Ports + ?Sized>(ports: &P, look: &mut Look) -> Result<Option<RunId>, PortError> {
    if look.knowledge.open_run.is_none() {
        return Ok(None);
    }
    let settled = ports.settle()?;
    if settled.is_some() {
        look.knowledge.open_run = None;
        look.judge_again();
    }
    Ok(settled)
}

/// Returns the plan of a look, without what the run is to leave alone.
fn planned(look: &Look, options: &SyncOptions) -> Plan {
    let mut plan = look.plan();
    let before = plan.actions.len();
    plan.actions
        .retain(|action| !options.except.contains(&(action.store().clone(), action.profile().clone())));
    if options.except.contains(&config_place()) {
        (plan.config, plan.joining) = (None, Joining::default());
    }
    if before != plan.actions.len() && plan.actions.is_empty() && !asks_for_activation(look) {
        plan.activation = ActivationNeed::None;
    }
    plan
}

/// Stands for the config among the places that a watch repairs. No profile can be called so.
pub(crate) fn config_place() -> (StoreId, ProfileId) {
    (StoreId::Base, ProfileId::new("(config)"))
}

fn asks_for_activation(look: &Look) -> bool {
    look.judgement.is_not_activated()
}

/// Asks until the plan and its answers agree. An answer that makes another plan is followed by another question, a few times.
fn settle<P: Ports + ?Sized>(
    ports: &P,
    look: &mut Look,
    options: &SyncOptions,
    decide: &mut dyn Decide,
) -> (Proceed, Plan) {
    let mut left = answers::Left::default();
    for _ in 0..4 {
        let plan = left.without(planned(look, options));
        let decision =
            if options.assume_yes { Decision::yes() } else { decide.decide(&plan, &look.judgement) };
        if decision.proceed != Proceed::Yes {
            return (decision.proceed, plan);
        }
        let another_plan = answers::take(ports, look, &mut left, &plan, &decision.answers);
        if !another_plan {
            return (Proceed::Yes, left.without(planned(look, options)));
        }
    }
    let plan = left.without(planned(look, options));
    (Proceed::CannotAsk, plan)
}

fn unwritten(look: Look, plan: Plan, activation: ActivationOutcome, outcome: Outcome) -> SyncReport {
    let after = look.clone();
    let receipts = Vec::new();
    SyncReport { after, look, plan, run: None, receipts, config: None, activation, outcome, settled: None }
}

/// Says how things stand when nothing is to be written.
fn at_rest(look: &Look, plan: &Plan) -> Outcome {
    if needs_attention(look) || !plan.questions.is_empty() {
        Outcome::Attention
    } else {
        Outcome::NothingToDo
    }
}

/// Tells whether anything within the run's scope needs attention.
fn needs_attention(look: &Look) -> bool {
    // Whatever the run is limited to: where the base store cannot be read, nothing could be compared.
    look.observed.base_unreadable().is_some() || look.attention().next().is_some()
}

/// Returns what makes the gateway see the stores, for a run that was asked for even though nothing had to be written.
pub(crate) fn need_when_asked(look: &Look, plan: &Plan) -> ActivationNeed {
    if plan.activation != ActivationNeed::None {
        return plan.activation;
    }
    let runs = look.observed.instance.gateway.running == Some(true);
    let need = planner::activation_need(&look.observed);
    // A file that could not be read here when the gateway read is no reason for a restart.
    let unknown = look.knowledge.activated.as_ref().is_none_or(|known| {
        let same = need == ActivationNeed::Reload && activation::is_same(&known.digest, &look.observed);
        same && activation::held(&look.observed, &look.knowledge) != Held::Current
    });
    if runs && (unknown || asks_for_activation(look)) { need } else { ActivationNeed::None }
}

/// Tells whether an action was done.
fn is_done(receipt: &Receipt) -> bool {
    receipt.durable == StepState::Done
}

fn place(action: &Action) -> (StoreId, ProfileId) {
    (action.store().clone(), action.profile().clone())
}
