//! Judging: what an observation means, given what should be and what is known.
//!
//! [`judge`] is the one place that says whether a value may be replaced. The planner only chooses how. The rules, in order,
//! are those of rule 1 and 2 of the design: a deliberate override is never overwritten, a dead source is never fanned out.

mod alone;
mod config;
mod copy;
mod hold;
mod instance;
mod lineage;
mod missing;
mod newcomer;
mod nowhere;
mod oauth;
mod orphans;
mod overwritten;
mod own_files;
mod pending;
mod roster;
mod sight;
mod source;
mod tell;
mod types;
mod unheard;
mod unreadable;
mod vaulted;
pub(crate) mod words;

use crate::finding::FindingKind;
use crate::{
    AgentId, CredentialKind, Desired, Fact, Finding, Fingerprint, Knowledge, Observation, ProfileId,
    Severity, StoreId, Timestamp, VerdictKind, plan::Why,
};
pub use config::{judge_config, judge_held};
pub(crate) use instance::{held_back, not_activated};
pub use lineage::earlier_value_of;
pub use orphans::when as when_moved_aside;
pub(crate) use pending::{can_hold, why_no_override};
pub(crate) use sight::is_readable;
pub use sight::{Sight, endpoint_of};
use std::collections::BTreeMap;
pub(crate) use types::is_static;
pub use unheard::way_out;
pub use words::sign_in;

/// Holds everything that was concluded about an instance.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Judgement {
    /// What a person should read: per agent and profile in the roster's order, then what concerns the whole instance.
    pub findings: Vec<Finding>,
    /// Every profile that stands in a store of its own, and what may be done about it.
    pub copies: BTreeMap<(StoreId, ProfileId), Judged>,
    /// How the source stands for each profile.
    pub sources: BTreeMap<ProfileId, SourceState>,
    /// What this judgement itself teaches: overrides that their providers accepted.
    pub learned: Vec<Fact>,
}

impl Judgement {
    /// Returns the first finding about an agent's profile: the one that says how its value stands.
    pub fn of(&self, agent: &AgentId, profile: &ProfileId) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|one| one.agent.as_ref() == Some(agent) && one.profile.as_ref() == Some(profile))
    }

    /// Returns all findings about an agent.
    pub fn of_agent<'a>(&'a self, agent: &'a AgentId) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |one| one.agent.as_ref() == Some(agent))
    }

    /// Returns the findings that concern the whole instance.
    pub fn of_instance(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|one| one.agent.is_none())
    }

    /// Tells whether any finding needs attention (exit code 2).
    pub fn needs_attention(&self) -> bool {
        self.findings.iter().any(|one| one.severity == Severity::Attention)
    }

    /// Tells whether the running gateway is known not to have read what the stores hold.
    pub fn is_not_activated(&self) -> bool {
        let known = |one: &Finding| one.severity == Severity::Attention;
        self.of_instance().any(|one| one.finding == FindingKind::NotActivated && known(one))
    }

    /// Counts the findings of a kind.
    pub fn count(&self, kind: FindingKind) -> usize {
        self.findings.iter().filter(|one| one.finding == kind).count()
    }
}

/// Says what was concluded about one profile in one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The agent under whose name marks of this store are kept; [`BASE_OWNER`] for a base store that is no agent's.
    pub owner: AgentId,
    /// Its value, where there is one.
    pub fingerprint: Option<Fingerprint>,
    /// What it is.
    pub finding: FindingKind,
    /// What may be done about it.
    pub remedy: Remedy,
    /// What its provider says of it, at its agent's endpoint.
    pub verdict: VerdictKind,
    /// It is kept for the first time, because its provider accepts it: worth a question while a person is there.
    pub newly_kept: bool,
}

/// Says what may be done about a profile in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: it is right, or it must not be touched.
    None,
    /// Nothing until a person decides.
    Ask,
    /// The source's value may take its place, by replacing it or by removing it.
    Replace(Why),
    /// Only its removal helps (OAuth is never copied).
    Remove(Why),
    /// It goes, and nothing takes its place: the vault no longer wants it there.
    Withdraw,
    /// There is no value to replace, and the source's may stand there.
    Fill,
    /// The value is right, its type is not.
    FixType(CredentialKind),
}

/// Says how the source stands for one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Its value may be spread.
    Usable,
    /// It holds an earlier value again; nothing is spread until a person or a provider says which is right.
    Reverted {
        /// The newest value that it ever had.
        newest: Fingerprint,
    },
    /// Its value is dead; nothing is spread.
    Rejected,
    /// The program's own commands wrote another value elsewhere; nothing is spread until a person says which is right.
    Undecided {
        /// Where they wrote it.
        written: StoreId,
    },
}

/// The name under which marks of a base store are kept that is no agent's own. No agent can have it: it is not normalised.
pub const BASE_OWNER: &str = "(base)";

/// Judges every profile of every agent. Pure: the same arguments give the same judgement.
pub fn judge(observed: &Observation, desired: &Desired, knowledge: &Knowledge, now: Timestamp) -> Judgement {
    let sight = Sight::new(observed, desired, knowledge, now);
    let mut judgement = Judgement::default();
    source::judge_sources(&sight, &mut judgement);
    roster::judge_agents(&sight, &mut judgement);
    instance::judge_instance(&sight, &mut judgement);
    own_files::tell(&sight, &mut judgement);
    if observed.is_vault_unheard() {
        unheard::hold_back(&mut judgement);
    }
    judgement
}

/// Returns the name under which marks of a store are kept: its agent, or [`BASE_OWNER`].
pub fn owner_of(observed: &Observation, store: &StoreId) -> AgentId {
    match store {
        StoreId::Agent(id) => id.clone(),
        StoreId::Base => observed
            .agents_of(store)
            .next()
            .map_or_else(|| AgentId::new(BASE_OWNER), |agent| agent.id.clone()),
    }
}
