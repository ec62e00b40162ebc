//! Which of a provider's credentials an agent tries, in order.

use super::config_key::{self, Meaning};
use super::inherit::{Effective, Seen};
use super::list::List;
use super::order::{self, Order};
use super::rules::{Binding, Rules};
use super::{CandidateInput, environment, keyless, names};
use keyshoal_core::{Candidate, CredentialKind, OutReason, Place, ProfileId, ProviderId};

/// One provider of the agent.
pub(super) struct Provider<'a> {
    pub(super) input: &'a CandidateInput<'a>,
    pub(super) effective: &'a Effective<'a>,
    pub(super) name: &'a str,
    pub(super) rules: Rules,
    pub(super) order: Order,
    pub(super) key: Meaning,
    /// `auth` in the config.
    auth: Option<&'a str>,
    /// What is sent where there is no credential at all.
    without: Option<(Place, &'static str)>,
}

impl<'a> Provider<'a> {
    pub(super) fn new(
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
            without: keyless::way(input, name, entry, &rules),
        }
    }

    pub(super) fn candidates(self) -> Vec<Candidate> {
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
        if let (true, Some((place, because))) = (list.is_empty(), &self.without) {
            list.tried(self.bare(place.clone(), because));
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
}
