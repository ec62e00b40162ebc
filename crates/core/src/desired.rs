//! What should be: the source's values and what the person allowed.

use crate::{
    CredentialKind, Finding, Fingerprint, ProfileId, ProviderId, StoreId, Timestamp, Wish, ids::AgentId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Says where the right values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceOf {
    /// A store of the instance: the base store by default, an agent's with `--from`.
    Store(StoreId),
    /// A value that the person has just given (`set`). It becomes the base store's as well.
    Given,
    /// The instance's vault. The base store holds its shared values, and so is a copy like any other.
    Vault,
}

/// One right value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceValue {
    /// Its provider.
    pub provider: ProviderId,
    /// Its type in the source.
    pub kind: CredentialKind,
    /// Which value.
    pub fingerprint: Fingerprint,
    /// Whether it is a reference, and what it leads to is not known.
    pub is_ref: bool,
    /// When its time is over.
    pub expires: Option<Timestamp>,
    /// The OAuth account, fingerprinted.
    pub account: Option<Fingerprint>,
    /// The store in which it stands; `None` when the person has just given it, or a vault has it.
    pub store: Option<StoreId>,
}

/// What should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Where the values come from.
    pub source: SourceOf,
    /// The values, by profile id.
    pub values: BTreeMap<ProfileId, SourceValue>,
    /// What the run is limited to.
    pub scope: Scope,
    /// Replace foreign values too (`sync --include foreign`).
    pub include_foreign: bool,
    /// Nobody looks on (a watch): spread only what its provider has accepted.
    pub accepted_only: bool,
    /// Foreign or kept-by-acceptance values that the person agreed to replace in this run, with the value they saw.
    pub approved: BTreeSet<(AgentId, ProfileId, Fingerprint)>,
    /// The person said that the source's present values are right, even if they were earlier ones (`--from`).
    pub source_confirmed: bool,
    /// The same, for these profiles only (an answer to one question).
    pub confirmed: BTreeSet<ProfileId>,
    /// What the vault wants, where the instance has one. Its shared values are `values`.
    pub wish: Option<Wish>,
}

impl Desired {
    /// Tells whether a person has said that the source's present value of this profile is the right one.
    pub fn is_confirmed(&self, profile: &ProfileId) -> bool {
        self.source_confirmed
            || self.source == SourceOf::Given
            || self.wish.as_ref().is_some_and(|wish| wish.shared.contains_key(profile))
            || self.confirmed.contains(profile)
    }
}

/// Limits a run. Empty sets mean everything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope {
    /// Only these agents.
    pub agents: BTreeSet<AgentId>,
    /// Only these providers.
    pub providers: BTreeSet<ProviderId>,
    /// Only these profiles.
    pub profiles: BTreeSet<ProfileId>,
}

impl Scope {
    /// Tells whether the scope includes this profile of this agent.
    pub fn includes(&self, agent: &AgentId, profile: &ProfileId, provider: &ProviderId) -> bool {
        includes(&self.agents, agent) && self.includes_profile(profile, provider)
    }

    /// Tells whether the scope includes this profile, whoever has it.
    pub fn includes_profile(&self, profile: &ProfileId, provider: &ProviderId) -> bool {
        includes(&self.providers, provider) && includes(&self.profiles, profile)
    }

    /// Tells whether the scope includes what a finding is about. What is about everybody is within every scope.
    pub fn covers(&self, finding: &Finding) -> bool {
        let Finding { agent, provider, profile, .. } = finding;
        agent.as_ref().is_none_or(|it| includes(&self.agents, it))
            && provider.as_ref().is_none_or(|it| includes(&self.providers, it))
            && profile.as_ref().is_none_or(|it| includes(&self.profiles, it))
    }
}

fn includes<T: Ord>(limits: &BTreeSet<T>, one: &T) -> bool {
    limits.is_empty() || limits.contains(one)
}
