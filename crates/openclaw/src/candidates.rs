//! What each agent may send to each provider, in order, and why.
//!
//! The rules are those of the program's own code: `resolveAuthProfileOrder`, `resolveAuthProfileEligibility`,
//! `resolveApiKeyForProvider`, `mergeAuthProfileStores` and, since 2026.8, `prepareAgentRuntimeAuth`. What differs between
//! releases stands in one table, `rules`. `tests/candidates` holds it against those functions themselves. Not covered: cooldowns of a single model, credentials that plugins bring along
//! or take from other programs' files, and Google's and Amazon's own credential chains.

mod config_key;
mod environment;
mod expiry;
mod inherit;
mod names;
mod order;
mod rules;

pub(crate) use config_key::is_marker;
pub use environment::key_variables;

use crate::Environment;
use crate::config::{Config, model::AgentEntry};
use crate::models_file::ModelsFile;
use crate::sessions::SessionPins;
use crate::store::StoreContents;
use crate::store::model::secret_fingerprint;
use config_key::Meaning;
use inherit::{Effective, Seen};
use keyshoal_core::{
    Candidate, CredentialKind, Fingerprints, Layout, Material, OutReason, Place, ProfileId, ProviderId,
    Standing, StoreId, Timestamp,
};
use order::Order;
use rules::{Binding, Rules};
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
    /// What the agent's sessions pin.
    pub sessions: &'a SessionPins,
    /// The environment that the gateway may have been started with: ours, as the best guess.
    pub env: &'a Environment,
    /// Makes fingerprints.
    pub prints: &'a dyn Fingerprints,
    /// The time.
    pub now: Timestamp,
}

/// Returns what the agent may send, per provider: every provider that its models need and every one with a stored profile.
///
/// Per provider the candidates stand in the order in which they are tried, then those that are not used. At most one is first;
/// none is when the program would refuse to ask, for instance while all profiles cool down.
pub fn of_agent(input: &CandidateInput<'_>) -> BTreeMap<ProviderId, Vec<Candidate>> {
    let rules = Rules::of(input.layout, input.version);
    let effective = Effective::new(input, rules);
    let needed = input.agent.models.iter().map(|used| &used.provider);
    let stored = effective.profiles.iter().map(|seen| &seen.profile.provider);
    let providers: BTreeSet<&ProviderId> = needed.chain(stored).collect();
    let one = |provider: &ProviderId| Provider::new(input, &effective, provider, rules).candidates();
    providers.into_iter().map(|provider| (provider.clone(), one(provider))).collect()
}

/// One provider of the agent.
struct Provider<'a> {
    input: &'a CandidateInput<'a>,
    effective: &'a Effective<'a>,
    name: &'a str,
    rules: Rules,
    order: Order,
    key: Meaning,
    /// `auth` in the config.
    auth: Option<&'a str>,
    keyless: bool,
}

impl<'a> Provider<'a> {
    fn new(
        input: &'a CandidateInput<'a>,
        effective: &'a Effective<'a>,
        provider: &'a ProviderId,
        rules: Rules,
    ) -> Self {
        let name = names::for_auth(provider.as_str(), &rules);
        let order = order::of_provider(input, effective, provider, &rules);
        let entry = config_key::entry(input, provider.as_str(), &rules);
        let key = entry.map_or(Meaning::None, |entry| config_key::meaning(input, effective, entry, &rules));
        Self {
            input,
            effective,
            name,
            rules,
            order,
            key,
            auth: entry.and_then(|entry| entry.auth.as_deref()),
            keyless: entry.is_some_and(config_key::needs_no_key),
        }
    }

    fn candidates(self) -> Vec<Candidate> {
        let mut list = List::default();
        if self.auth == Some("aws-sdk") {
            list.tried(self.bare(
                Place::Environment { name: "AWS_*".into(), layer: "AWS SDK".into() },
                "auth is aws-sdk",
            ));
        } else if let Some(bound) = self.bound() {
            self.only(&bound, &mut list);
        } else if self.key_goes_first() {
            self.direct(&mut list, "the config's apiKey goes before every profile");
        } else {
            self.automatic(&mut list);
        }
        self.rest(&mut list);
        list.done()
    }

    /// The profile that an `apiKey` binds alone.
    fn bound(&self) -> Option<ProfileId> {
        match (&self.key, self.rules.binding) {
            (Meaning::Profile(id), Binding::Only) => Some(id.clone()),
            (Meaning::Profile(id), Binding::Fallback) if self.explicit_key() || !self.order.any_eligible => {
                Some(id.clone())
            }
            _ => None,
        }
    }

    fn explicit_key(&self) -> bool {
        self.rules.explicit_key_first && self.auth == Some("api-key")
    }

    fn key_goes_first(&self) -> bool {
        match &self.key {
            Meaning::Key { by_variable, by_reference, .. } => {
                self.explicit_key()
                    || self.rules.binding == Binding::Only && *by_variable
                    || self.rules.reference_first && *by_reference
            }
            _ => false,
        }
    }

    fn only(&self, id: &ProfileId, list: &mut List) {
        let Some(seen) = self.effective.profile(id) else { return };
        let out = self.cannot_be_bound(seen).or_else(|| self.cooldown(seen));
        let because = "models.providers in the config names this profile";
        match out {
            None => list.tried(self.profile(seen, because)),
            Some(reason) => list.out(self.profile(seen, because), reason),
        }
        for other in self.effective.profiles.iter().filter(|other| other.id != id) {
            if order::serves(other, self.name, &self.rules) {
                list.out(self.profile(other, because), OutReason::PinnedElsewhere { to: id.clone() });
            }
        }
    }

    fn cooldown(&self, seen: &Seen<'_>) -> Option<OutReason> {
        order::cooldown(self.effective, seen, self.input.now).map(|(_, reason)| reason)
    }

    fn cannot_be_bound(&self, seen: &Seen<'_>) -> Option<OutReason> {
        if !matches!(seen.profile.kind, CredentialKind::ApiKey | CredentialKind::Token) {
            return Some(OutReason::ModeMismatch { wanted: CredentialKind::ApiKey });
        }
        let own = names::for_auth(seen.profile.provider.as_str(), &self.rules);
        if own != self.name && !config_key::share_base_url(self.input, own, self.name, &self.rules) {
            return Some(OutReason::ProviderMismatch);
        }
        order::ineligible(self.input, seen, own, &self.rules)
    }

    /// Profiles in their order, then what stands in for them.
    fn automatic(&self, list: &mut List) {
        let because = self.because();
        if self.explicit_key()
            && self.rules.binding != Binding::Only
            && matches!(self.key, Meaning::Missing(_))
        {
            // These releases skip the profiles for the key, find none, and take the first profile there is, cooling down or not.
            let first = self.order.usable.first().or(self.order.cooling.first());
            if let Some(seen) = first.and_then(|id| self.effective.profile(id)) {
                list.tried(self.profile(seen, "the config's apiKey has no value"));
                return;
            }
        }
        for id in &self.order.usable {
            if let Some(seen) = self.effective.profile(id) {
                list.tried(self.profile(seen, because));
            }
        }
        if self.order.any_eligible {
            // Without a key in the config, the environment never stands in for profiles that fail or cool down.
            let has_key = matches!(self.key, Meaning::Key { .. });
            if self.rules.key_after_profiles && has_key && !self.order.usable.is_empty() {
                self.direct(list, "tried after the profiles");
            }
            return;
        }
        if self.order.explicit && self.rules.order_is_final {
            return;
        }
        self.direct(list, "no profile can be used");
        if list.candidates.is_empty() && self.keyless {
            list.tried(self.bare(Place::ConfigKey, "a provider on this machine is asked without a key"));
        }
    }

    /// What is no profile: the environment before the config, unless the config says that its key is meant.
    fn direct(&self, list: &mut List, because: &str) {
        let variables = environment::of_provider(self.input, self.name, &self.rules);
        let explicit = self.explicit_key() && matches!(self.key, Meaning::Key { .. });
        match variables.first() {
            Some(variable) if !explicit => list.tried(self.variable(variable, because)),
            _ => self.config_key(list, true, because),
        }
    }

    fn because(&self) -> &'static str {
        match (self.order.explicit, self.order.usable.as_slice()) {
            (false, [_]) => "the only one that can be used",
            (false, [_, _, ..]) => "oauth before token before api_key, then the least recently used",
            _ => self.order.because,
        }
    }

    /// Everything that is not tried: where it stands and why not.
    fn rest(&self, list: &mut List) {
        for seen in &self.effective.profiles {
            let reason = self.order.out.get(seen.id);
            if let Some(reason) = reason.filter(|_| !list.has(seen.id)) {
                list.out(self.profile(seen, self.order.because), reason.clone());
            } else if order::serves(seen, self.name, &self.rules) && !list.has(seen.id) {
                list.out(self.profile(seen, "something before it is used"), OutReason::LowerPrecedence);
            }
        }
        for seen in &self.effective.hidden {
            if order::serves(seen, self.name, &self.rules) {
                let by = StoreId::Agent(self.input.agent.id.clone());
                list.out(
                    self.profile(seen, "the agent's own profile of this id counts"),
                    OutReason::Shadowed { by },
                );
            }
        }
        for variable in environment::of_provider(self.input, self.name, &self.rules) {
            let candidate = self.variable(&variable, "something before it is used");
            if !list.has_place(&candidate.place) {
                list.out(candidate, OutReason::LowerPrecedence);
            }
        }
        if !list.has_place(&Place::ConfigKey) {
            self.config_key(list, false, "something before it is used");
        }
        self.copy(list);
    }

    fn config_key(&self, list: &mut List, tried: bool, because: &str) {
        match &self.key {
            Meaning::None | Meaning::Profile(_) => {}
            Meaning::Missing(why) => {
                list.out(self.bare(Place::ConfigKey, why), OutReason::MissingCredential);
            }
            Meaning::Key { material, .. } => {
                let mut candidate = self.bare(Place::ConfigKey, because);
                candidate.kind = Some(CredentialKind::ApiKey);
                candidate.material = material.clone();
                let marks = ProfileId::new(format!("inline-api-key:{}", self.name));
                match order::blocked(self.effective, &marks, self.input.now) {
                    Some((_, reason)) if tried => list.out(candidate, reason),
                    _ if tried => list.tried(candidate),
                    _ => list.out(candidate, OutReason::LowerPrecedence),
                }
            }
        }
    }

    fn copy(&self, list: &mut List) {
        let providers = &self.input.models_file.providers;
        let found = providers.iter().find(|(of, _)| names::for_auth(of.as_str(), &self.rules) == self.name);
        if let Some(secret) = found.and_then(|(_, entry)| entry.api_key.as_ref()) {
            let mut candidate = self.bare(Place::ModelsFile, "a copy that nothing keeps up to date");
            candidate.kind = Some(CredentialKind::ApiKey);
            candidate.material = Material::Inline(secret_fingerprint(self.input.prints, secret));
            list.out(candidate, OutReason::LowerPrecedence);
        }
    }

    fn profile(&self, seen: &Seen<'_>, because: &str) -> Candidate {
        // A hidden profile is nobody's to pin: a session names an id, and that is the agent's own.
        let hidden = self.effective.hidden.iter().any(|other| std::ptr::eq(other.profile, seen.profile));
        Candidate {
            profile: Some(seen.id.clone()),
            place: seen.place.clone(),
            kind: Some(seen.profile.kind.clone()),
            material: seen.profile.material(self.input.prints),
            standing: Standing::Later,
            because: because.to_owned(),
            pinned_by_sessions: if hidden { Vec::new() } else { self.input.sessions.of_profile(seen.id) },
        }
    }

    fn variable(&self, variable: &environment::Variable, because: &str) -> Candidate {
        let place = Place::Environment { name: variable.name.to_owned(), layer: variable.layer.to_owned() };
        let is_token = variable.name.contains("OAUTH_TOKEN");
        Candidate {
            kind: Some(if is_token { CredentialKind::Token } else { CredentialKind::ApiKey }),
            material: Material::Inline(secret_fingerprint(self.input.prints, &variable.value)),
            ..self.bare(place, because)
        }
    }

    fn bare(&self, place: Place, because: &str) -> Candidate {
        Candidate {
            profile: None,
            place,
            kind: None,
            material: Material::Absent,
            standing: Standing::Later,
            because: because.to_owned(),
            pinned_by_sessions: Vec::new(),
        }
    }
}

/// Candidates as they are found: those that are tried in order, and the others.
#[derive(Default)]
struct List {
    candidates: Vec<Candidate>,
    out: Vec<Candidate>,
}

impl List {
    fn tried(&mut self, candidate: Candidate) {
        let standing = if self.candidates.is_empty() { Standing::First } else { Standing::Later };
        self.candidates.push(Candidate { standing, ..candidate });
    }

    fn out(&mut self, candidate: Candidate, reason: OutReason) {
        self.out.push(Candidate { standing: Standing::Out(reason), ..candidate });
    }

    fn has(&self, id: &ProfileId) -> bool {
        self.candidates.iter().chain(&self.out).any(|one| one.profile.as_ref() == Some(id))
    }

    fn has_place(&self, place: &Place) -> bool {
        self.candidates.iter().chain(&self.out).any(|one| one.place == *place)
    }

    fn done(mut self) -> Vec<Candidate> {
        self.candidates.append(&mut self.out);
        self.candidates
    }
}
