//! `keyshoal.doctor.v1`.

use crate::commands::scrub::Offered;
use crate::render::doctor::Beside;
use crate::view::rotations::HalfDone;
use keyshoal_core::{AgentId, RunId, Severity, Timestamp};
use keyshoal_engine::SyncReport;
use keyshoal_engine::doctor::{Diagnosis, Symptom};
use serde::Serialize;

/// What `doctor --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct DoctorDocument {
    schema: &'static str,
    at: Timestamp,
    state_dir: String,
    checks: Vec<CheckDocument>,
    summary: Summary,
    rotations: Vec<HalfDone>,
    unfinished_import: bool,
    fixed: Option<FixedDocument>,
    scrubbed: Option<ScrubbedDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct CheckDocument {
    id: &'static str,
    question: &'static str,
    severity: Severity,
    symptoms: Vec<SymptomDocument>,
    seen: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct SymptomDocument {
    severity: Severity,
    agents: Vec<AgentId>,
    message: String,
    evidence: Vec<String>,
    fix: Option<String>,
    remedy: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Summary {
    checks: usize,
    fine: usize,
    info: usize,
    attention: usize,
}

#[derive(Clone, Debug, Serialize)]
struct FixedDocument {
    run: Option<RunId>,
    writes: usize,
    needs_attention: bool,
}

#[derive(Clone, Debug, Serialize)]
struct ScrubbedDocument {
    run: Option<RunId>,
    files: usize,
    needs_attention: bool,
}

impl DoctorDocument {
    /// Makes it.
    pub fn of(at: Timestamp, state_dir: &str, diagnoses: &[Diagnosis]) -> Self {
        let count = |severity| diagnoses.iter().filter(|one| one.severity() == severity).count();
        Self {
            schema: "keyshoal.doctor.v1",
            at,
            state_dir: state_dir.to_owned(),
            checks: diagnoses.iter().map(check).collect(),
            summary: Summary {
                checks: diagnoses.len(),
                fine: count(Severity::Fine),
                info: count(Severity::Info),
                attention: count(Severity::Attention),
            },
            rotations: Vec::new(),
            unfinished_import: false,
            fixed: None,
            scrubbed: None,
        }
    }

    /// Adds the rotations that are half done, and whether an import has not ended.
    #[must_use]
    pub fn beside(mut self, beside: &Beside) -> Self {
        self.rotations = beside.rotations.clone();
        self.unfinished_import = beside.import.is_some();
        self
    }

    /// Adds what `--fix` did; the checks are those after it.
    #[must_use]
    pub fn fixed(mut self, report: Option<&SyncReport>) -> Self {
        self.fixed = report.map(|report| FixedDocument {
            run: report.run.clone(),
            writes: report.receipts.len(),
            needs_attention: report.outcome.needs_attention(),
        });
        self
    }

    /// Adds what became of the scrub that `--fix` offered.
    #[must_use]
    pub fn scrubbed(mut self, offered: &Offered) -> Self {
        let (run, files) = match offered {
            Offered::Nothing => return self,
            Offered::Declined => (None, 0),
            Offered::Done(done) => (done.run.clone(), done.states.len()),
        };
        self.scrubbed = Some(ScrubbedDocument { run, files, needs_attention: offered.needs_attention() });
        self
    }
}

fn check(one: &Diagnosis) -> CheckDocument {
    CheckDocument {
        id: one.check.id,
        question: one.check.question,
        severity: one.severity(),
        symptoms: one.told.symptoms.iter().map(symptom).collect(),
        seen: one.told.seen.clone(),
    }
}

fn symptom(one: &Symptom) -> SymptomDocument {
    SymptomDocument {
        severity: one.severity,
        agents: one.agents.clone(),
        message: one.message.clone(),
        evidence: one.evidence.clone(),
        fix: one.fix.clone(),
        remedy: one.remedy.map(keyshoal_engine::doctor::Remedy::as_str),
    }
}
