//! `keyshoal.trace.v1`.

use crate::commands::trace::Trace;
use keyshoal_core::changes::Change;
use keyshoal_core::{AgentId, FindingKind, ProfileId};
use serde::Serialize;

/// What `trace --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct TraceDocument {
    schema: &'static str,
    state_dir: String,
    handed: bool,
    exit_code: i32,
    changes: Vec<Change>,
    missed: Vec<MissedDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct MissedDocument {
    agent: Option<AgentId>,
    profile: Option<ProfileId>,
    finding: FindingKind,
    message: String,
    fix: Option<String>,
}

impl TraceDocument {
    /// Makes it.
    pub fn of(trace: &Trace) -> Self {
        let missed = trace.missed.iter().map(|one| MissedDocument {
            agent: one.agent.clone(),
            profile: one.profile.clone(),
            finding: one.finding,
            message: one.message.clone(),
            fix: one.fix.clone(),
        });
        Self {
            schema: "keyshoal.trace.v1",
            state_dir: trace.state_dir.clone(),
            handed: trace.handed,
            exit_code: trace.code,
            changes: trace.changes.clone(),
            missed: missed.collect(),
        }
    }
}
