//! `keyshoal.scrub.v1`.

use keyshoal_core::{AgentId, Fingerprint, ProfileId, ProviderId, RunId, StepState, Timestamp};
use keyshoal_engine::scrub::{Left, Scrub, ScrubStep};
use keyshoal_local::scrub::Scrubbed;
use serde::Serialize;

/// What `scrub --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct ScrubDocument {
    schema: &'static str,
    at: Timestamp,
    run: Option<RunId>,
    applied: bool,
    files: Vec<FileDocument>,
    left: Vec<LeftDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct FileDocument {
    path: String,
    action: &'static str,
    agent: Option<AgentId>,
    values: Vec<ValueDocument>,
    why: String,
    outcome: Option<StepState>,
}

#[derive(Clone, Debug, Serialize)]
struct ValueDocument {
    provider: ProviderId,
    profile: Option<ProfileId>,
    fingerprint: Fingerprint,
}

#[derive(Clone, Debug, Serialize)]
struct LeftDocument {
    path: String,
    agent: Option<AgentId>,
    why: String,
    fix: Option<String>,
}

impl ScrubDocument {
    /// Makes it of a plan, and of what came of it where it was done.
    pub fn of(at: Timestamp, plan: &Scrub, done: Option<&Scrubbed>) -> Self {
        let outcomes = |at: usize| done.and_then(|done| done.states.get(at).cloned());
        Self {
            schema: "keyshoal.scrub.v1",
            at,
            run: done.and_then(|done| done.run.clone()),
            applied: done.is_some(),
            files: plan.steps.iter().enumerate().map(|(at, step)| file(step, outcomes(at))).collect(),
            left: plan.left.iter().map(left).collect(),
        }
    }
}

fn file(step: &ScrubStep, outcome: Option<StepState>) -> FileDocument {
    let values = step.values.iter().map(|value| ValueDocument {
        provider: value.provider.clone(),
        profile: value.profile.clone(),
        fingerprint: value.fingerprint,
    });
    FileDocument {
        path: step.path.clone(),
        action: step.deed.as_str(),
        agent: step.agent.clone(),
        values: values.collect(),
        why: step.why.clone(),
        outcome,
    }
}

fn left(one: &Left) -> LeftDocument {
    LeftDocument {
        path: one.path.clone(),
        agent: one.agent.clone(),
        why: one.why.clone(),
        fix: one.fix.clone(),
    }
}
