//! `keyshoal.rotate.v1` and `keyshoal.due.v1`.

use super::{ReceiptDocument, VerdictDocument};
use crate::commands::rotate::Age;
use keyshoal_core::{AgentId, Fingerprint, ProfileId, ProviderId, Timestamp};
use keyshoal_engine::rotate::{Ended, RotateReport, Rotation, Stage, Wave};
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
        }
    }

    /// What was done.
    pub fn of(rotation: &Rotation, report: &RotateReport, ended: &Ended) -> Self {
        let (word, why, grace_until) = match ended {
            Ended::Finished => ("finished", None, None),
            Ended::Grace { until } => ("grace", None, Some(*until)),
            Ended::Unproven => ("unproven", None, None),
            Ended::RolledBack { why, .. } => ("rolled_back", Some(why.clone()), None),
            Ended::Halted { why } => ("halted", Some(why.clone()), None),
        };
        let failure = |one: &keyshoal_engine::rotate::Failure| FailureDocument {
            agent: one.agent.clone(),
            reason: one.why.clone(),
            certain: one.certain,
        };
        Self {
            stage: Some(rotation.stage),
            ended: word,
            why,
            grace_until,
            new: Some(rotation.new),
            old: rotation.old,
            tested: report
                .tested
                .iter()
                .map(|(endpoint, verdict)| Tested {
                    provider: endpoint.provider.clone(),
                    verdict: VerdictDocument::of(Some(verdict)),
                })
                .collect(),
            receipts: report.runs.iter().flat_map(|run| &run.receipts).map(ReceiptDocument::of).collect(),
            failures: report.failures.iter().map(failure).collect(),
            ..Self::planned(&rotation.profile, &rotation.state.waves)
        }
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
    profile: ProfileId,
    provider: ProviderId,
    shared: bool,
    days: i64,
    due: bool,
    stage: Option<String>,
}

impl DueDocument {
    /// Makes it.
    pub fn of(ages: &[Age<'_>], max_age: u32) -> Self {
        let one = |age: &Age<'_>| DueCredential {
            profile: age.credential.profile.clone(),
            provider: age.credential.provider.clone(),
            shared: age.credential.agent.is_none(),
            days: age.days,
            due: age.due,
            stage: age.stage.clone(),
        };
        Self { schema: "keyshoal.due.v1", max_age_days: max_age, credentials: ages.iter().map(one).collect() }
    }
}
