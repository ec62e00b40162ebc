//! Did the last change of a credential reach every agent without work by hand?
//!
//! A change is a value that the source did not hold before. It has reached everybody by itself when nobody had to run a repair
//! (`sync`, `doctor --fix`, `replace`, `recover`) for it: because the command that brought it wrote it everywhere (`set`, `rotate`, a
//! change of the vault), because `watch` did, or because every agent inherits it.

use super::calls::second;
use super::generation::left_behind;
use super::{Answer, Check, named, no, not_tested, yes};
use crate::verify::{GatewayState, VerifyReport};
use keyshoal_core::judge::owner_of;
use keyshoal_core::knowledge::GenerationOrigin;
use keyshoal_core::{
    ActivationOutcome, AgentId, FindingKind, Fingerprint, ProfileId, RunId, StoreId, Timestamp,
};

const QUESTION: &str = "Did the last change reach every agent without work by hand?";

/// The commands by which a person repairs what did not arrive by itself.
const REPAIRS: [&str; 4] = ["sync", "doctor", "replace", "recover"];

/// The newest change of the source that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// Of which profile.
    pub profile: ProfileId,
    /// The value before.
    pub from: Fingerprint,
    /// The value since.
    pub to: Fingerprint,
    /// When it was first seen.
    pub seen: Timestamp,
}

/// A run of the past that wrote something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// Which.
    pub id: RunId,
    /// The command that began it.
    pub command: String,
    /// When.
    pub begun: Timestamp,
    /// The profiles that it wrote, with the value of each that was to stand there afterwards.
    pub wrote: Vec<(ProfileId, Option<Fingerprint>)>,
    /// When the last of its writes was durable.
    pub durable: Option<Timestamp>,
    /// What came of the gateway.
    pub activated: Option<ActivationOutcome>,
    /// When a provider accepted what was written.
    pub accepted: Option<Timestamp>,
}

/// Returns the newest change of the source that is known.
pub fn last_change(report: &VerifyReport) -> Option<LastChange> {
    let changes = report.look.knowledge.generations.iter().filter_map(|(profile, all)| {
        let mut seen = all.iter().filter(|one| one.origin != GenerationOrigin::Residue).rev();
        let (newest, before) = (seen.next()?, seen.next()?);
        Some(LastChange {
            profile: profile.clone(),
            from: before.fingerprint,
            to: newest.fingerprint,
            seen: newest.first_seen,
        })
    });
    changes.max_by(|one, other| (one.seen, &one.profile).cmp(&(other.seen, &other.profile)))
}

/// Answers by what is remembered of the change and of the runs since.
pub(super) fn propagated(report: &VerifyReport, runs: &[PastRun]) -> Check {
    let Some(change) = last_change(report) else {
        let (result, reason) = not_tested(
            "no change of a credential was seen yet; the next one tells: keyshoal set, or OpenClaw's own command while keyshoal watch runs",
        );
        return Check { id: "propagated", question: QUESTION, result, reason, evidence: Vec::new() };
    };
    let runs: Vec<&PastRun> = runs.iter().filter(|run| run.concerns(&change)).collect();
    let mut evidence = vec![format!(
        "{} changed from {} to {}, first seen {}",
        change.profile,
        change.from,
        change.to,
        second(change.seen)
    )];
    evidence.extend(runs.iter().map(|run| run.words()));
    let (result, reason) = answer(report, &change, &runs);
    Check { id: "propagated", question: QUESTION, result, reason, evidence }
}

fn answer(report: &VerifyReport, change: &LastChange, runs: &[&PastRun]) -> Answer {
    let LastChange { profile, to, .. } = change;
    let what = format!("the change of {profile} to {to}");
    let behind = behind(report, profile);
    if !behind.is_empty() {
        return no(format!("{what} has not reached {}: keyshoal sync", named(&behind)));
    }
    let kept = left_behind(&report.look).into_iter().filter(|one| one.profile.as_ref() == Some(profile));
    let kept: Vec<&AgentId> = kept.filter_map(|one| one.agent.as_ref()).collect();
    if !kept.is_empty() {
        return no(format!("{what} has not reached {}, where a person keeps an earlier value", named(&kept)));
    }
    if let Some(message) = report.gateway.message.as_ref().filter(|_| report.gateway.is_behind()) {
        let way = report.gateway.fix.as_deref().unwrap_or("keyshoal sync");
        return no(format!("{what} is in the stores, but {message}: {way}"));
    }
    if let Some(run) = runs.iter().find(|run| run.is_repair()) {
        return no(format!(
            "{what} took a keyshoal {} by hand (run {}); keyshoal watch install-service --policy repair does that by itself",
            run.command,
            run.short_id()
        ));
    }
    if let Some(message) =
        report.gateway.message.as_ref().filter(|_| report.gateway.state == GatewayState::Unknown)
    {
        let way = report.gateway.fix.as_deref().unwrap_or_default();
        return not_tested(format!("{what} is in the stores, but {message}: {way}"));
    }
    // Who only took something away has brought it to nobody, unless no run of ours has written it.
    if let Some(run) = runs.iter().find(|run| run.brought(change)).or(runs.first()) {
        return yes(format!("{what} was brought to everybody by {}", run.words()));
    }
    let copies = copies(report, change);
    if copies.is_empty() {
        return yes(format!("{what} had to be written nowhere else: everybody inherits it"));
    }
    not_tested(format!(
        "{what} is also in the stores of {}, and no run of keyshoal wrote it there: nobody knows whether that was work by hand",
        named(&copies.iter().collect::<Vec<_>>())
    ))
}

/// Who does not have it yet.
fn behind<'a>(report: &'a VerifyReport, profile: &ProfileId) -> Vec<&'a AgentId> {
    let late = |kind| matches!(kind, FindingKind::Stale | FindingKind::Shadowing | FindingKind::Pending);
    let findings = report.look.judgement.findings.iter();
    findings
        .filter(|one| one.profile.as_ref() == Some(profile) && late(one.finding))
        .filter_map(|one| one.agent.as_ref())
        .collect()
}

/// Who has a copy of it besides the base store.
fn copies(report: &VerifyReport, change: &LastChange) -> Vec<AgentId> {
    let observed = &report.look.observed;
    let holds = |store: &StoreId| {
        let view = observed.profile(store, &change.profile);
        view.and_then(|view| view.material.fingerprint()) == Some(change.to)
    };
    let others = observed.stores.keys().filter(|store| **store != StoreId::Base && holds(store));
    others.map(|store| owner_of(observed, store)).collect()
}

impl PastRun {
    /// Tells whether it brought this change somewhere: wrote its value, which the run that made the change did before it was seen, or has
    /// since taken away a copy that hid it. Who wrote another value gave an agent one of its own.
    fn concerns(&self, change: &LastChange) -> bool {
        self.wrote.iter().filter(|(profile, _)| *profile == change.profile).any(|(_, value)| match value {
            Some(value) => *value == change.to,
            None => self.begun >= change.seen,
        })
    }

    /// Tells whether it wrote the value of this change.
    fn brought(&self, change: &LastChange) -> bool {
        self.wrote.contains(&(change.profile.clone(), Some(change.to)))
    }

    fn is_repair(&self) -> bool {
        self.command.split(' ').next().is_some_and(|word| REPAIRS.contains(&word))
    }

    fn short_id(&self) -> String {
        self.id.as_str().chars().take(13).collect()
    }

    fn words(&self) -> String {
        let after = |done: &str, at: Timestamp| match at.duration_since(self.begun).as_secs_f64() {
            before if before < 0.0 => format!("{done} before"),
            seconds => format!("{done} after {seconds:.1} s"),
        };
        let durable = self.durable.map_or("not known to be durable".to_owned(), |at| after("durable", at));
        let activated = match &self.activated {
            Some(ActivationOutcome::Done { at, .. }) => after("read by the gateway", *at),
            Some(ActivationOutcome::NotNeeded) => "nothing for the gateway to read".to_owned(),
            Some(ActivationOutcome::GatewayDown) => "no gateway ran".to_owned(),
            Some(ActivationOutcome::NotDone { .. }) => "not read by the gateway then".to_owned(),
            Some(ActivationOutcome::Unknown { .. }) | None => {
                "not known whether the gateway read it".to_owned()
            }
        };
        let accepted = self
            .accepted
            .map_or("its provider not asked".to_owned(), |at| after("accepted by its provider", at));
        format!(
            "keyshoal {} (run {}, {}): {durable}, {activated}, {accepted}",
            self.command,
            self.short_id(),
            second(self.begun)
        )
    }
}
