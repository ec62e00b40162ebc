//! What a rotation did, and of whom what is to be said.

use super::proof::Failure;
use super::strange::Strange;
use crate::sync::SyncReport;
use keyshoal_core::{AgentId, Endpoint, Finding, Verdict, VerdictKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a rotation did.
#[derive(Clone, Debug, Default)]
pub struct RotateReport {
    /// What providers said of the new value before anybody had it.
    pub tested: Vec<(Endpoint, Verdict)>,
    /// The runs, one for each wave, and the one for all.
    pub runs: Vec<SyncReport>,
    /// Who was not shown to work.
    pub failures: Vec<Failure>,
    /// Who keeps a value of its own where the others share the new one.
    pub keeping: BTreeSet<AgentId>,
    /// Who has an override of the vault's where the others share the new one.
    pub overridden: BTreeSet<AgentId>,
    /// Who needs the provider only behind another one's model, which answered its prompt: not the prompt shows that the new one works there,
    /// but the provider's word.
    pub behind: BTreeSet<AgentId>,
    /// Who has the version before again, or never had another, although their provider is known to reject it, and what that says.
    pub dead: BTreeMap<AgentId, VerdictKind>,
    /// What somebody else has put where a version of the rotation would stand, and stays there: neither version.
    pub strange: Vec<Strange>,
    /// What needs attention of the profile in the stores, where nothing was brought to them and yet something is said to be over.
    pub found: Vec<Finding>,
    /// Why nobody could look at them then, if so.
    pub unseen: Option<String>,
}

impl RotateReport {
    /// Tells whether nothing was seen in the stores that a person has to do something about.
    pub fn nothing_open(&self) -> bool {
        self.strange.is_empty() && self.found.is_empty() && self.unseen.is_none()
    }

    /// Adds what was done later.
    pub(super) fn take(&mut self, later: Self) {
        let Self { tested, runs, failures, keeping, overridden, behind, dead, strange, found, unseen } =
            later;
        self.strange.retain(|known| strange.iter().all(|one| one.place != known.place));
        self.strange.extend(strange);
        self.found.extend(found);
        self.unseen = unseen.or(self.unseen.take());
        self.behind.extend(behind);
        self.dead.extend(dead);
        self.overridden.extend(overridden);
        self.keeping.extend(keeping);
        self.tested.extend(tested);
        self.runs.extend(runs);
        self.fail(failures);
    }

    /// Adds who was not shown to work. What is said later of an agent takes the place of what was said before.
    pub(super) fn fail(&mut self, failures: Vec<Failure>) {
        self.failures.retain(|known| failures.iter().all(|one| one.agent != known.agent));
        self.failures.extend(failures);
    }
}
