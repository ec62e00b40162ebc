//! `keyshoal.rotate.v1`, `keyshoal.rotations.v1` and `keyshoal.due.v1`.

use super::status::FindingDocument;
use super::{ReceiptDocument, VerdictDocument};
use crate::commands::rotate::{Age, DuePlace};
use keyshoal_core::{AgentId, Endpoint, Finding, Fingerprint, ProfileId, ProviderId, Timestamp, Verdict};
use keyshoal_engine::rotate::{Ended, Member, RotateReport, Rotation, Stage, Strange, Wave};
use serde::Serialize;
use std::collections::BTreeSet;

/// What `rotate --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct RotateDocument {
    schema: &'static str,
    profile: ProfileId,
    stage: Option<Stage>,
    ended: &'static str,
    why: Option<String>,
    grace_until: Option<Timestamp>,
    new: Option<Fingerprint>,
    old: Option<Fingerprint>,
    waves: Vec<BTreeSet<AgentId>>,
    tested: Vec<Tested>,
    receipts: Vec<ReceiptDocument>,
    failures: Vec<FailureDocument>,
    keeping: BTreeSet<AgentId>,
    overridden: BTreeSet<AgentId>,
    behind: BTreeSet<AgentId>,
    dead: BTreeSet<AgentId>,
    strange: Vec<StrangeDocument>,
    findings: Vec<FindingDocument>,
    not_looked: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct StrangeDocument {
    store: String,
    fingerprint: Fingerprint,
    agents: Vec<AgentId>,
}

impl StrangeDocument {
    fn of(one: &Strange) -> Self {
        Self { store: one.place.to_string(), fingerprint: one.value, agents: one.agents.clone() }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Tested {
    provider: ProviderId,
    verdict: Option<VerdictDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct FailureDocument {
    agent: AgentId,
    reason: String,
    certain: bool,
}

impl Tested {
    fn of((endpoint, verdict): &(Endpoint, Verdict)) -> Self {
        Self { provider: endpoint.provider.clone(), verdict: VerdictDocument::of(Some(verdict)) }
    }
}

impl RotateDocument {
    /// What would be done.
    pub fn planned(profile: &ProfileId, waves: &[Wave]) -> Self {
        Self {
            schema: "keyshoal.rotate.v1",
            profile: profile.clone(),
            stage: None,
            ended: "planned",
            why: None,
            grace_until: None,
            new: None,
            old: None,
            waves: waves.iter().map(|wave| wave.agents.clone()).collect(),
            tested: Vec::new(),
            receipts: Vec::new(),
            failures: Vec::new(),
            keeping: BTreeSet::new(),
            overridden: BTreeSet::new(),
            behind: BTreeSet::new(),
            dead: BTreeSet::new(),
            strange: Vec::new(),
            findings: Vec::new(),
            not_looked: None,
        }
    }

    /// The same with the value before and the new one, as far as they are known.
    pub fn between(self, old: Option<Fingerprint>, new: Option<Fingerprint>) -> Self {
        Self { old, new, ..self }
    }

    /// The same with what providers say of the value that would be gone to.
    pub fn told(self, said: &[(Endpoint, Verdict)]) -> Self {
        Self { tested: said.iter().map(Tested::of).collect(), ..self }
    }

    /// The same with what somebody else has put there, which stays.
    pub fn beside(self, strange: &[Strange]) -> Self {
        Self { strange: strange.iter().map(StrangeDocument::of).collect(), ..self }
    }

    /// The same with what needs attention in the stores, where nothing is brought to them.
    pub fn found(self, found: &[Finding]) -> Self {
        Self { findings: found.iter().map(FindingDocument::of).collect(), ..self }
    }

    /// The value that was given is the current one already.
    pub fn unchanged(profile: &ProfileId) -> Self {
        Self { ended: "unchanged", ..Self::planned(profile, &[]) }
    }

    /// What was done.
    pub fn of(rotation: &Rotation, report: &RotateReport, ended: &Ended) -> Self {
        let (ended, why, grace_until) = words(ended);
        Self { ended, why, grace_until, ..Self::there(rotation, report) }
    }

    /// What was done there, whatever came of the whole.
    fn there(rotation: &Rotation, report: &RotateReport) -> Self {
        let failure = |one: &keyshoal_engine::rotate::Failure| FailureDocument {
            agent: one.agent.clone(),
            reason: one.why.clone(),
            certain: one.certain,
        };
        Self {
            stage: Some(rotation.stage),
            new: Some(rotation.new),
            old: rotation.old,
            tested: report.tested.iter().map(Tested::of).collect(),
            receipts: report.runs.iter().flat_map(|run| &run.receipts).map(ReceiptDocument::of).collect(),
            failures: report.failures.iter().map(failure).collect(),
            keeping: report.keeping.clone(),
            overridden: report.overridden.clone(),
            behind: report.behind.clone(),
            dead: report.dead.keys().cloned().collect(),
            strange: report.strange.iter().map(StrangeDocument::of).collect(),
            findings: report.found.iter().map(FindingDocument::of).collect(),
            not_looked: report.unseen.clone(),
            ..Self::planned(&rotation.profile, &rotation.state.waves)
        }
    }
}

/// What `rotate --instances --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct RotationsDocument {
    schema: &'static str,
    ended: &'static str,
    why: Option<String>,
    grace_until: Option<Timestamp>,
    instances: Vec<InstanceRotation>,
}

#[derive(Clone, Debug, Serialize)]
struct InstanceRotation {
    instance: String,
    unreachable: Option<String>,
    rotation: RotateDocument,
}

impl RotationsDocument {
    /// What would be done, in each instance by its name, and why it cannot be reached, if so.
    pub fn planned<'a>(instances: impl Iterator<Item = (&'a str, Option<&'a str>, RotateDocument)>) -> Self {
        let one = |(name, away, rotation): (&str, Option<&str>, RotateDocument)| InstanceRotation {
            instance: name.to_owned(),
            unreachable: away.map(str::to_owned),
            rotation,
        };
        Self {
            schema: "keyshoal.rotations.v1",
            ended: "planned",
            why: None,
            grace_until: None,
            instances: instances.map(one).collect(),
        }
    }

    /// The value that was given is the current one of all of them already.
    pub fn unchanged() -> Self {
        Self { ended: "unchanged", ..Self::planned(std::iter::empty()) }
    }

    /// What was done.
    pub fn of<P: ?Sized>(members: &[Member<'_, P>], ended: &Ended) -> Self {
        let (word, why, grace_until) = words(ended);
        let one = |member: &Member<'_, P>| {
            let there = RotateDocument::there(&member.rotation, &member.report);
            InstanceRotation {
                instance: member.name.clone(),
                unreachable: member.ports.as_ref().err().cloned(),
                rotation: match &member.ended {
                    Some(ended) => {
                        let (ended, why, grace_until) = words(ended);
                        RotateDocument { ended, why, grace_until, ..there }
                    }
                    None => RotateDocument { ended: "untouched", ..there },
                },
            }
        };
        Self {
            schema: "keyshoal.rotations.v1",
            ended: word,
            why,
            grace_until,
            instances: members.iter().map(one).collect(),
        }
    }
}

/// Returns the word for an end, why it is so, and until when the version that is not current is kept.
fn words(ended: &Ended) -> (&'static str, Option<String>, Option<Timestamp>) {
    match ended {
        Ended::Finished => ("finished", None, None),
        Ended::Grace { until } => ("grace", None, Some(*until)),
        Ended::Proven => ("proven", None, None),
        Ended::Unproven => ("unproven", None, None),
        Ended::Elsewhere { names } => ("elsewhere", Some(names.join(", ")), None),
        Ended::RolledBack { why, until, .. } => ("rolled_back", Some(why.clone()), *until),
        Ended::Halted { why } | Ended::Failing { why } => ("halted", Some(why.clone()), None),
    }
}

/// What `rotate --due --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct DueDocument {
    schema: &'static str,
    max_age_days: u32,
    credentials: Vec<DueCredential>,
}

#[derive(Clone, Debug, Serialize)]
struct DueCredential {
    instance: String,
    profile: ProfileId,
    provider: ProviderId,
    shared: bool,
    agent: Option<AgentId>,
    days: i64,
    due: bool,
    stage: Option<String>,
    grace_until: Option<Timestamp>,
    together: Vec<DuePart>,
}

#[derive(Clone, Debug, Serialize)]
struct DuePart {
    instance: String,
    stage: String,
}

impl DueDocument {
    /// Makes it.
    pub fn of(ages: &[Age<'_>], max_age: u32) -> Self {
        let part = |part: &DuePlace| DuePart { instance: part.instance.clone(), stage: part.stage.clone() };
        let one = |age: &Age<'_>| DueCredential {
            instance: age.instance.name.clone(),
            profile: age.credential.profile.clone(),
            provider: age.credential.provider.clone(),
            shared: age.credential.agent.is_none(),
            agent: age.whose().cloned(),
            days: age.days,
            due: age.due,
            stage: age.stage.clone(),
            grace_until: age.grace_until(),
            together: age.together.iter().map(part).collect(),
        };
        Self { schema: "keyshoal.due.v1", max_age_days: max_age, credentials: ages.iter().map(one).collect() }
    }
}
