//! Examining an installation: every check says what it looked at, what it found, and what mends it.
//!
//! A check is one file in `checks/`: a pure function of a [`Case`], which is a look and what [`Examine`] found besides. Nothing here
//! writes. What a check calls safe is done by [`crate::sync()`], with its plan, its question and its journal.

mod case;
mod checks;
mod told;
mod untold;
#[cfg(test)]
mod world;

pub use case::Case;
pub(crate) use case::moment;
pub use checks::CHECKS;
pub use told::{Remedy, Symptom, Told};

use crate::ports::PortError;
use keyshoal_core::{Examination, Observation, Severity, judge};

/// Looks at what an observation leaves out: logs, files, locks, other logins, the machine.
pub trait Examine {
    /// Examines. With `online` the providers' hosts are looked up and asked for their time; nothing else leaves the machine.
    fn examine(&self, observed: &Observation, online: bool) -> Result<Examination, PortError>;
}

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, which stays.
    pub id: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// What it looks at.
    pub looks_at: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// What to do when it finds something.
    pub way_out: &'static str,
    /// Looks.
    pub run: fn(&Case<'_>) -> Told,
}

/// What one check told.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// Which check.
    pub check: &'static Check,
    /// What it told.
    pub told: Told,
}

impl Diagnosis {
    /// Returns how much it matters: as much as its worst symptom.
    pub fn severity(&self) -> Severity {
        self.told.symptoms.iter().map(|one| one.severity).max().unwrap_or(Severity::Fine)
    }

    /// Tells whether something was found.
    pub fn is_found(&self) -> bool {
        !self.told.symptoms.is_empty()
    }
}

/// Runs every check, in their order.
pub fn diagnose(case: &Case<'_>) -> Vec<Diagnosis> {
    let mut all: Vec<Diagnosis> =
        CHECKS.iter().map(|check| Diagnosis { check, told: (check.run)(case) }).collect();
    untold::add(case, &mut all);
    if case.observed().is_vault_unheard() {
        for symptom in all.iter_mut().flat_map(|one| &mut one.told.symptoms) {
            symptom.fix = symptom.fix.take().map(judge::way_out);
            symptom.remedy = symptom.remedy.filter(|remedy| *remedy != Remedy::Sync);
        }
    }
    all
}

/// Returns the check of this name.
pub fn check(id: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_has_a_name_of_its_own_and_says_everything() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(names.len(), CHECKS.len());
        for one in CHECKS {
            assert!(one.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", one.id);
            assert!(one.question.ends_with('?'), "{}", one.id);
            for text in [one.looks_at, one.matters, one.way_out] {
                assert!(text.ends_with('.') && !text.contains('`'), "{}: {text}", one.id);
            }
            assert_eq!(check(one.id).map(|found| found.id), Some(one.id));
        }
    }

    #[test]
    fn nothing_is_found_where_all_is_well() {
        let world = world::World::new();
        let found: Vec<_> = diagnose(&world.case()).into_iter().filter(Diagnosis::is_found).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}
