//! What is not tried: where it stands and why not.

use super::list::List;
use super::provider::Provider;
use super::{config_key::Meaning, environment, names, order};
use crate::store::model::secret_fingerprint;
use keyshoal_core::{CredentialKind, Material, OutReason, Place, ProfileId, StoreId};

impl Provider<'_> {
    /// Everything that is not tried: where it stands and why not.
    pub(super) fn rest(&self, list: &mut List) {
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

    /// The key in the config, as something that is tried or not.
    pub(super) fn config_key(&self, list: &mut List, tried: bool, because: &str) {
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
}
