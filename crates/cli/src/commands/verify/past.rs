//! The runs that may have brought the last change of a credential to the agents.

use crate::error::CommandError;
use keyshoal_core::{ProfileId, StepState, Timestamp};
use keyshoal_engine::VerifyReport;
use keyshoal_engine::verify::{PastRun, last_change};
use keyshoal_ledger::{RunDetail, StepDetail};
use keyshoal_local::Installation;
use serde_json::Value;

/// How many runs of the past are looked at.
const RUNS: usize = 50;

/// Returns the runs since the last change, and the one before it, which may have made it; the newest first.
pub fn runs(installation: &Installation, report: &VerifyReport) -> Result<Vec<PastRun>, CommandError> {
    let Some(change) = last_change(report) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for run in installation.history(RUNS)? {
        let earlier = run.begun < change.seen;
        found.push(past(&change.profile, &installation.find_run(run.id.as_str())?));
        if earlier {
            break;
        }
    }
    Ok(found)
}

fn past(profile: &ProfileId, run: &RunDetail) -> PastRun {
    // A mark that was taken away, and a type that was mended, brought no value anywhere.
    let wrote = |step: &&StepDetail| !matches!(step.action.as_str(), "reset_cooldown" | "fix_type");
    let done = run.steps.iter().filter(wrote).filter(|step| step.outcome == Some(StepState::Done));
    let receipts: Vec<Value> =
        run.receipts.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let of_it = receipts.iter().filter(|one| {
        one["action"]["profile"].as_str() == Some(profile.as_str()) && one["durable"]["state"] == "done"
    });
    let newest = |pointer: &str| -> Option<Timestamp> {
        let times = of_it.clone().filter_map(|one| one.pointer(pointer)?.as_str()?.parse().ok());
        times.max()
    };
    let activated =
        of_it.clone().next().and_then(|one| serde_json::from_value(one["activated"].clone()).ok());
    let accepted = of_it.clone().all(|one| one["accepted"]["kind"] == "ok");
    PastRun {
        id: run.summary.id.clone(),
        command: run.summary.command.clone(),
        begun: run.summary.begun,
        wrote: done.map(|step| (step.profile.clone(), step.post_fingerprint)).collect(),
        durable: newest("/at"),
        activated,
        accepted: newest("/accepted/at").filter(|_| accepted),
    }
}
