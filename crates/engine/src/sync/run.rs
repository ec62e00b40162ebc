//! One run: begin, apply, activate, verify, finish; again for what changed under our hands.

use super::after::look_after;
use super::{
    Outcome, SyncError, SyncOptions, SyncReport, at_rest, is_done, lessons, need_when_asked, needs_attention,
    place, planned, unwritten, verify,
};
use crate::joining::arrived;
use crate::look::Look;
use crate::ports::Ports;
use crate::progress::Progress;
use keyshoal_core::{
    Action, ActivationMode, ActivationNeed, ActivationOutcome, Fact, Observation, Plan, ProfileId, Receipt,
    RunId, StepState, StoreId, activation, judge::Sight, planner, simulate::simulate_all,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often a run plans again for stores that changed under its hands.
const ROUNDS: usize = 3;

/// Makes a running gateway read stores that are already right.
pub(super) fn activate_only<P: Ports + ?Sized>(
    ports: &P,
    mut look: Look,
    plan: Plan,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> SyncReport {
    let need = need_when_asked(&look, &plan);
    if need == ActivationNeed::None {
        let outcome = at_rest(&look, &plan);
        return unwritten(look, plan, ActivationOutcome::NotNeeded, outcome);
    }
    progress(activating(options));
    let digest = activation::digest(&look.observed);
    let outcome = ports.activate(need, options.activate);
    if matches!(outcome, ActivationOutcome::Done { .. }) {
        look.now = ports.now();
        look.learn(ports, &[Fact::Activated { digest }]);
        look.judge_again();
    }
    let ended = match outcome {
        ActivationOutcome::NotDone { .. } | ActivationOutcome::Unknown { .. } => Outcome::Attention,
        _ => at_rest(&look, &plan),
    };
    unwritten(look, plan, outcome, ended)
}

/// Writes a plan.
pub(super) fn write<P: Ports + ?Sized>(
    ports: &P,
    look: Look,
    plan: Plan,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<SyncReport, SyncError> {
    let command = if options.command.is_empty() { "sync" } else { &options.command };
    let mut round = one_round(ports, command, &look, &plan, options, progress)?;
    let (run, mut activation) = (round.run.clone(), round.activation.clone());
    let mut receipts = std::mem::take(&mut round.receipts);
    let mut config = round.config.take();
    let mut after = round.after;
    for again in 2..=ROUNDS {
        let conflicts = conflicts_of(&receipts);
        let config_moved = matches!(config, Some(StepState::Conflict { .. }));
        let arrived = if config == Some(StepState::Done) {
            arrived(&look.observed, &after.observed)
        } else {
            BTreeSet::new()
        };
        if conflicts.is_empty() && !config_moved && arrived.is_empty() {
            break;
        }
        settle_fulfilled(&after.observed, &mut receipts);
        let mut next = planned(&after, options);
        next.actions.retain(|action| {
            arrived.contains(action.store())
                || conflicts.contains(&place(action)) && !moved(&look, &after, action)
        });
        next.config = next.config.filter(|_| config_moved);
        if next.actions.is_empty() && next.config.is_none() {
            break;
        }
        progress(Progress::Again { round: again });
        let more = one_round(ports, command, &after, &next, options, progress)?;
        merge(&mut receipts, more.receipts);
        config = more.config.or(config);
        activation = more.activation;
        after = more.after;
    }
    let configured = config == Some(StepState::Done);
    if let Some(outcome) = activate_again(ports, &mut after, &activation, configured, options, progress) {
        activation = outcome;
    }
    let configured = config.as_ref().is_none_or(|state| *state == StepState::Done);
    let outcome = if configured { ended(&receipts, &activation, &after) } else { Outcome::Attention };
    Ok(SyncReport { look, plan, run: Some(run), receipts, config, activation, after, outcome, settled: None })
}

/// Has the gateway read again what somebody else wrote while we were at it, and the stores of another roster. Once: who keeps writing is
/// left to the next run.
fn activate_again<P: Ports + ?Sized>(
    ports: &P,
    after: &mut Look,
    before: &ActivationOutcome,
    configured: bool,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> Option<ActivationOutcome> {
    let told = matches!(before, ActivationOutcome::Done { .. })
        || configured && *before == ActivationOutcome::NotNeeded;
    if !told || !after.judgement.is_not_activated() {
        return None;
    }
    progress(activating(options));
    let outcome = ports.activate(planner::activation_need(&after.observed), options.activate);
    if matches!(outcome, ActivationOutcome::Done { .. }) {
        after.now = ports.now();
        let digest = activation::digest(&after.observed);
        after.learn(ports, &[Fact::Activated { digest }]);
        after.judge_again();
    }
    Some(outcome)
}

fn activating(options: &SyncOptions) -> Progress {
    Progress::Activating { may_restart: options.activate == ActivationMode::Restart }
}

struct Round {
    run: RunId,
    receipts: Vec<Receipt>,
    activation: ActivationOutcome,
    config: Option<StepState>,
    after: Look,
}

fn one_round<P: Ports + ?Sized>(
    ports: &P,
    command: &str,
    look: &Look,
    plan: &Plan,
    options: &SyncOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Round, SyncError> {
    let run = ports.begin(command, plan)?;
    let mut receipts =
        ports.apply(&run, plan, &mut |done, total| progress(Progress::Applying { done, total }));
    let config = ports.configure(&run, plan);
    let wrote: Vec<Action> =
        receipts.iter().filter(|receipt| is_done(receipt)).map(|receipt| receipt.action.clone()).collect();
    let activation = if wrote.is_empty() && plan.activation == ActivationNeed::None {
        ActivationOutcome::NotNeeded
    } else {
        progress(activating(options));
        ports.activate(plan.activation, options.activate)
    };
    let activated = matches!(activation, ActivationOutcome::Done { .. });
    if activated {
        wait_for_cooldowns(ports, look, &wrote, progress);
    }

    // The lessons come before the next look, so that what it sees is newer than what was written.
    let mut facts = lessons::of_receipts(look, &receipts);
    if activated {
        let expected = simulate_all(&look.observed, &wrote);
        facts.push(Fact::Activated { digest: activation::digest(&expected) });
    }
    let unseen = matches!(activation, ActivationOutcome::NotDone { .. } | ActivationOutcome::Unknown { .. });
    if unseen && !wrote.is_empty() && look.knowledge.activated.is_none() {
        // Nobody has ever made it read; what it holds is what stood there until now.
        facts.push(Fact::Activated { digest: activation::digest(&look.observed) });
    }
    let learned = ports.learn(&facts);
    progress(Progress::Verifying);
    let mut after = look_after(ports, look, progress);
    if let Ok(after) = &mut after
        && after.knowledge.open_run.take_if(|open| open.id == run).is_some()
    {
        // This run is open because it is not closed yet, and that is a few lines away.
        after.judge_again();
    }
    match &mut after {
        Ok(after) => verify::read_back(&after.observed, &mut receipts),
        Err(_) => {
            let reason = "it was written, and could not be read back afterwards".to_owned();
            for receipt in receipts.iter_mut().filter(|receipt| is_done(receipt)) {
                receipt.durable = StepState::Failed { reason: reason.clone() };
            }
        }
    }
    let sight = Sight::new(&look.observed, &look.desired, &look.knowledge, look.now);
    for receipt in &mut receipts {
        receipt.activated = activation.clone();
        receipt.accepted = accepted(&sight, &receipt.action);
    }
    // A gateway that still holds older values would only prove that it does.
    if activated {
        for (receipt, answered) in receipts.iter_mut().zip(ports.answered(plan)) {
            if is_done(receipt) {
                receipt.answered = answered;
            }
        }
    }
    // The journal is closed whatever else failed: an open run would have to be recovered.
    ports.finish(&run, &receipts)?;
    let mut after = after?;
    if let Err(error) = learned {
        after.knowledge.absorb(&facts, after.now);
        after.judge_again();
        after.not_remembered = Some(error.message);
    }
    Ok(Round { run, receipts, activation, config, after })
}

/// Waits until cooldowns in the gateway's memory have ended, in a release that cannot be made to forget them.
fn wait_for_cooldowns<P: Ports + ?Sized>(
    ports: &P,
    look: &Look,
    wrote: &[Action],
    progress: &mut dyn FnMut(Progress),
) {
    let lingers = i64::from(look.observed.capabilities.cooldown_lingers_seconds);
    if lingers == 0 {
        return;
    }
    let now = ports.now();
    let left = wrote.iter().filter(|action| *action.store() == StoreId::Base).filter_map(|action| {
        let usage = look.observed.store(action.store())?.usage.get(action.profile())?;
        let (until, _) = usage.in_force(now).filter(|_| usage.auth_block_at(now))?;
        Some(until.duration_since(now).as_secs().saturating_add(1).clamp(1, lingers))
    });
    if let Some(seconds) = left.max().and_then(|seconds| u64::try_from(seconds).ok()) {
        progress(Progress::WaitingForCooldown { seconds });
        ports.sleep(Duration::from_secs(seconds));
    }
}

/// Returns what the provider said of the value that an action left, where its agent asks.
fn accepted(sight: &Sight<'_>, action: &Action) -> Option<keyshoal_core::Verdict> {
    let value = match action {
        Action::Replace { value, .. } | Action::Insert { value, .. } => *value,
        Action::RemoveShadow { inherits, .. } => *inherits,
        Action::FixType { expect, .. } | Action::ResetCooldown { expect, .. } => *expect,
        Action::Remove { .. } => return None,
    };
    sight.verdict(&sight.owner(action.store()), action.provider(), value).cloned()
}

fn conflicts_of(receipts: &[Receipt]) -> BTreeSet<(StoreId, ProfileId)> {
    receipts
        .iter()
        .filter(|receipt| matches!(receipt.durable, StepState::Conflict { .. }))
        .map(|receipt| place(&receipt.action))
        .collect()
}

/// Marks conflicts whose store came to hold the right value by itself.
fn settle_fulfilled(observed: &Observation, receipts: &mut [Receipt]) {
    for receipt in receipts.iter_mut() {
        let conflict = matches!(receipt.durable, StepState::Conflict { .. });
        if conflict && verify::is_fulfilled(observed, &receipt.action) {
            let reason = "somebody else has put the same value there".to_owned();
            receipt.durable = StepState::Skipped { reason };
        }
    }
}

/// Tells whether the source itself has changed since the person saw the plan: then nothing more is done for that profile.
fn moved(before: &Look, after: &Look, action: &Action) -> bool {
    let of = |look: &Look| look.desired.values.get(action.profile()).map(|value| value.fingerprint);
    of(before) != of(after)
}

/// Puts later receipts in the place of earlier ones for the same store and profile, and others behind them.
fn merge(receipts: &mut Vec<Receipt>, later: Vec<Receipt>) {
    let mut later: BTreeMap<(StoreId, ProfileId), Receipt> =
        later.into_iter().map(|receipt| (place(&receipt.action), receipt)).collect();
    for receipt in receipts.iter_mut() {
        if let Some(newer) = later.remove(&place(&receipt.action)) {
            *receipt = newer;
        }
    }
    receipts.extend(later.into_values());
}

fn ended(receipts: &[Receipt], activation: &ActivationOutcome, after: &Look) -> Outcome {
    let fine = |receipt: &Receipt| {
        matches!(receipt.durable, StepState::Done | StepState::Skipped { .. })
            && !matches!(receipt.answered, StepState::Failed { .. } | StepState::Conflict { .. })
    };
    let quiet = !matches!(activation, ActivationOutcome::NotDone { .. } | ActivationOutcome::Unknown { .. });
    let settled = !needs_attention(after) && after.plan().questions.is_empty();
    if receipts.iter().all(fine) && quiet && settled { Outcome::Done } else { Outcome::Attention }
}
