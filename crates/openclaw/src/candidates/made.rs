//! How a candidate is made of what was found.

use super::environment;
use super::inherit::Seen;
use super::provider::Provider;
use crate::store::model::secret_fingerprint;
use keyshoal_core::{Candidate, CredentialKind, Material, Place, Standing};

impl Provider<'_> {
    pub(super) fn profile(&self, seen: &Seen<'_>, because: &str) -> Candidate {
        // A hidden profile is nobody's to pin: a session names an id, and that is the agent's own.
        let hidden = self.effective.hidden.iter().any(|other| std::ptr::eq(other.profile, seen.profile));
        Candidate {
            profile: Some(seen.id.clone()),
            place: seen.place.clone(),
            kind: Some(seen.profile.kind.clone()),
            material: seen.profile.material(self.input.prints),
            standing: Standing::Later,
            because: because.to_owned(),
            leads_to: None,
            pinned_by_sessions: if hidden { Vec::new() } else { self.input.sessions.of_profile(seen.id) },
        }
    }

    pub(super) fn variable(&self, variable: &environment::Variable, because: &str) -> Candidate {
        let place = Place::Environment { name: variable.name.to_owned(), layer: variable.layer.to_owned() };
        let is_token = variable.name.contains("OAUTH_TOKEN");
        Candidate {
            kind: Some(if is_token { CredentialKind::Token } else { CredentialKind::ApiKey }),
            material: Material::Inline(secret_fingerprint(self.input.prints, &variable.value)),
            ..self.bare(place, because)
        }
    }

    pub(super) fn bare(&self, place: Place, because: &str) -> Candidate {
        Candidate {
            profile: None,
            place,
            kind: None,
            material: Material::Absent,
            standing: Standing::Later,
            because: because.to_owned(),
            leads_to: None,
            pinned_by_sessions: Vec::new(),
        }
    }
}
