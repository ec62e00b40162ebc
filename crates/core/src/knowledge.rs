//! What lets us judge: generations seen, marks that people set, verdicts of providers, what was activated.

use crate::{Endpoint, Fingerprint, ProfileId, StoreId, Timestamp, Verdict, VerdictKind, ids::AgentId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything remembered of an instance that judging needs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Knowledge {
    /// The source's generations per profile, oldest first. The last one is the newest that the source ever had.
    pub generations: BTreeMap<ProfileId, Vec<Generation>>,
    /// Marks that say an agent's profile is a deliberate override.
    pub kept: BTreeMap<(AgentId, ProfileId), KeptMark>,
    /// Marks that say an agent's differing value may be replaced; only the value that the person saw.
    pub replace: BTreeMap<(AgentId, ProfileId), Fingerprint>,
    /// The newest verdict per value and endpoint key.
    pub verdicts: BTreeMap<(Fingerprint, String), Verdict>,
    /// When each value was first seen in each agent.
    pub first_seen: BTreeMap<(AgentId, ProfileId, Fingerprint), Timestamp>,
    /// What each store held of each profile when it was last as its vault wants it; `None`: nothing.
    pub delivered: BTreeMap<(StoreId, ProfileId), Option<Fingerprint>>,
    /// The digest of all stores' values when the gateway last read them, as far as we know, and when that was.
    pub activated: Option<Activated>,
    /// A run that did not finish.
    pub open_run: Option<OpenRun>,
}

/// One value that the source had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Which value.
    pub fingerprint: Fingerprint,
    /// When it was first seen in the source.
    pub first_seen: Timestamp,
    /// How it became known.
    pub origin: GenerationOrigin,
}

/// Says how a generation became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationOrigin {
    /// Seen in the source.
    Seen,
    /// Written by us.
    Written,
    /// Found in a models.json copy or a migration leftover of the source's own agent.
    Residue,
}

/// Says that an agent's value is a deliberate override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMark {
    /// The value at that time. A mark by a person holds for whatever the agent has later, too.
    pub fingerprint: Fingerprint,
    /// Who said so.
    pub by: KeptBy,
    /// When.
    pub since: Timestamp,
}

/// Says who decided that a value is an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBy {
    /// A person (`keep`, or an answer).
    Person,
    /// Its provider accepted it while it differed from the source.
    Acceptance,
}

/// What the gateway held when we last made it read its stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// [`crate::activation::digest`] of the observation at that time.
    pub digest: String,
    /// When.
    pub at: Timestamp,
}

/// A run that was begun and not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Which.
    pub id: crate::RunId,
    /// When it was begun.
    pub begun: Timestamp,
    /// The command that began it.
    pub command: String,
    /// How many of its steps are done, and of how many.
    pub done: usize,
    /// All its steps.
    pub total: usize,
    /// Whether a vault says what is right in what it writes, heard or not. Then it is not undone by its journal.
    pub by_vault: bool,
}

impl Knowledge {
    /// Returns what the provider last said of a value at an endpoint.
    pub fn verdict(&self, fingerprint: Fingerprint, endpoint: &Endpoint) -> Option<&Verdict> {
        self.verdicts.get(&(fingerprint, endpoint.key()))
    }

    /// Returns the kind of that verdict, `NotAsked` when there is none.
    pub fn verdict_kind(&self, fingerprint: Fingerprint, endpoint: &Endpoint) -> VerdictKind {
        self.verdict(fingerprint, endpoint).map_or(VerdictKind::NotAsked, |verdict| verdict.kind)
    }

    /// Returns how many generations of the source came after this value; `None` when the source never had it.
    pub fn generations_behind(&self, profile: &ProfileId, fingerprint: Fingerprint) -> Option<usize> {
        let all = self.generations.get(profile)?;
        let at = all.iter().rposition(|one| one.fingerprint == fingerprint)?;
        Some(all.len() - 1 - at)
    }

    /// Returns every value that the source ever had for a profile.
    pub fn known_values(&self, profile: &ProfileId) -> BTreeSet<Fingerprint> {
        self.generations.get(profile).into_iter().flatten().map(|one| one.fingerprint).collect()
    }
}
