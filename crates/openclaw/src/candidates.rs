//! What each agent may send to each provider, in order, and why.
//!
//! The rules are those of the program's own code: `resolveAuthProfileOrder`, `resolveAuthProfileEligibility`,
//! `resolveApiKeyForProvider`, `mergeAuthProfileStores` and, since 2026.8, `prepareAgentRuntimeAuth`. What differs between
//! releases stands in one table, `rules`. `tests/candidates` holds it against those functions themselves. Not covered: cooldowns of a single model and
//! credentials that plugins bring along. Logins of other programs and Google's and Amazon's own credential chains are named, not looked at.

mod config_key;
mod environment;
mod expiry;
mod gaps;
mod inherit;
mod keyless;
mod list;
mod made;
mod names;
mod order;
mod provider;
mod rules;
mod unused;

pub(crate) use config_key::is_marker;
pub use environment::{key_variables, loose_values};
pub use gaps::order_gaps;

use crate::Environment;
use crate::config::{Config, model::AgentEntry};
use crate::models_file::ModelsFile;
use crate::sessions::SessionPins;
use crate::store::StoreContents;
use inherit::Effective;
use keyshoal_core::{Candidate, Fingerprints, Layout, ProviderId, Timestamp};
use provider::Provider;
use rules::Rules;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that decides what one agent may send.
pub struct CandidateInput<'a> {
    /// The config.
    pub config: &'a Config,
    /// The layout, whose rules of inheritance apply.
    pub layout: Layout,
    /// The release, as far as it is known.
    pub version: Option<&'a str>,
    /// The agent.
    pub agent: &'a AgentEntry,
    /// The base store.
    pub base: &'a StoreContents,
    /// The agent's own store, empty contents where it has none yet; `None` when the base store is its own.
    pub local: Option<&'a StoreContents>,
    /// The agent's generated models.json.
    pub models_file: &'a ModelsFile,
    /// Providers at which another program on this machine is signed in, whose login OpenClaw takes over.
    pub other_logins: &'a BTreeSet<ProviderId>,
    /// What the agent's sessions pin.
    pub sessions: &'a SessionPins,
    /// The environment that the gateway may have been started with: ours, as the best guess.
    pub env: &'a Environment,
    /// Makes fingerprints.
    pub prints: &'a dyn Fingerprints,
    /// The time.
    pub now: Timestamp,
}

/// Candidates, per provider.
type ByProvider = BTreeMap<ProviderId, Vec<Candidate>>;

/// Returns what the agent may send, per provider: every provider that its models need and every one with a stored profile.
///
/// Per provider the candidates stand in the order in which they are tried, then those that are not used. At most one is first;
/// none is when the program would refuse to ask, for instance while all profiles cool down.
pub fn of_agent(input: &CandidateInput<'_>) -> ByProvider {
    with_unneeded(input).0
}

/// Returns the same, and then as much for every other provider for which the config has a key.
pub fn with_unneeded(input: &CandidateInput<'_>) -> (ByProvider, ByProvider) {
    let rules = Rules::of(input.layout, input.version);
    let effective = Effective::new(input, rules);
    let needed = input.agent.models.iter().map(|used| &used.provider);
    let stored = effective.profiles.iter().map(|seen| &seen.profile.provider);
    let providers: BTreeSet<&ProviderId> = needed.chain(stored).collect();
    let name = |provider: &ProviderId| names::for_auth(provider.as_str(), &rules).to_owned();
    let known: BTreeSet<String> = providers.iter().map(|provider| name(provider)).collect();
    let keyed = input.config.providers.iter().filter(|(_, entry)| entry.api_key.is_some());
    let others = keyed.map(|(provider, _)| provider).filter(|provider| !known.contains(&name(provider)));
    let one = |provider: &ProviderId| {
        (provider.clone(), Provider::new(input, &effective, provider, rules).candidates())
    };
    (providers.into_iter().map(one).collect(), others.map(one).collect())
}
