//! What `models.providers.<p>.apiKey` means.

use super::environment;
use super::inherit::Effective;
use super::rules::{Binding, Rules};
use super::{CandidateInput, names};
use crate::config::model::{ConfigKey, ProviderDecl};
use crate::store::model::{ref_fingerprint, secret_fingerprint};
use keyshoal_core::{Fingerprints, Material, ProfileId, ProviderId, Secret, SecretSource};

/// What stands in the config for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing.
    None,
    /// A key of its own, or the value of a variable that it names.
    Key {
        material: Material,
        /// It names a variable.
        by_variable: bool,
        /// It is a reference.
        by_reference: bool,
    },
    /// A key that has no value: why.
    Missing(String),
    /// The name of a stored profile.
    Profile(ProfileId),
}

impl ConfigKey {
    /// Returns what stands there without a secret, whatever the program takes the text for.
    pub fn material(&self, prints: &dyn Fingerprints) -> Material {
        match self {
            Self::Value(secret) => Material::Inline(secret_fingerprint(prints, secret)),
            Self::Profile(id) => Material::Inline(secret_fingerprint(prints, &Secret::new(id.as_str()))),
            Self::Ref(reference) => Material::Ref {
                fingerprint: ref_fingerprint(prints, reference),
                reference: reference.clone(),
                known: false,
            },
            Self::Unresolved(_) => Material::Absent,
        }
    }
}

/// Returns the entry of a provider, however it is spelled.
pub(super) fn entry<'a>(input: &CandidateInput<'a>, name: &str, rules: &Rules) -> Option<&'a ProviderDecl> {
    let providers = &input.config.providers;
    let exact = providers.get(&ProviderId::from(name));
    exact.or_else(|| {
        let same = |of: &ProviderId| names::for_auth(of.as_str(), rules) == names::for_auth(name, rules);
        providers.iter().find(|(of, _)| same(of)).map(|(_, entry)| entry)
    })
}

/// Reads the key of an entry.
pub(super) fn meaning(
    input: &CandidateInput<'_>,
    effective: &Effective<'_>,
    entry: &ProviderDecl,
    rules: &Rules,
) -> Meaning {
    let inline = |secret: &Secret, by_variable, by_reference| Meaning::Key {
        material: Material::Inline(secret_fingerprint(input.prints, secret)),
        by_variable,
        by_reference,
    };
    match &entry.api_key {
        None => Meaning::None,
        Some(ConfigKey::Unresolved(variable)) => match environment::value(input, variable) {
            Some(value) => inline(&value, true, true),
            None => Meaning::Missing(format!("{variable} is not set")),
        },
        Some(ConfigKey::Ref(reference)) => {
            let by_env = (reference.source == SecretSource::Env)
                .then(|| environment::value(input, &reference.id))
                .flatten();
            match by_env {
                // A bare name of a variable is read as such a reference too.
                Some(value) => inline(&value, true, true),
                None => Meaning::Key {
                    material: ConfigKey::Ref(reference.clone()).material(input.prints),
                    by_variable: false,
                    by_reference: true,
                },
            }
        }
        Some(ConfigKey::Profile(id)) => profile(effective, id, rules).unwrap_or_else(|| {
            // Where it names nothing that is stored, the program takes the text itself for a key.
            inline(&Secret::new(id.as_str()), false, false)
        }),
        Some(ConfigKey::Value(value)) => {
            let text = value.reveal_secret().trim();
            if let Some(found) = profile(effective, &ProfileId::new(text), rules) {
                return found;
            }
            if environment::is_key_variable(text) {
                return match environment::value(input, text) {
                    Some(value) => inline(&value, true, false),
                    None => Meaning::Missing(format!("{text} is not set")),
                };
            }
            if is_marker(text) { Meaning::None } else { inline(value, false, false) }
        }
    }
}

fn profile(effective: &Effective<'_>, id: &ProfileId, rules: &Rules) -> Option<Meaning> {
    let names_one = rules.binding != Binding::None && effective.profile(id).is_some();
    names_one.then(|| Meaning::Profile(id.clone()))
}

/// Tells whether two providers of the config are at the same address, so that a credential of one may be bound to the other.
pub(super) fn share_base_url(input: &CandidateInput<'_>, one: &str, other: &str, rules: &Rules) -> bool {
    let url = |name| {
        let url = entry(input, name, rules)?.base_url.as_deref()?.trim().trim_end_matches('/');
        Some(url.to_ascii_lowercase())
    };
    url(one).is_some() && url(one) == url(other)
}

/// Words that stand for "no key here".
pub(crate) fn is_marker(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "secretref-managed",
        "minimax-oauth",
        "ollama-local",
        "custom-local",
        "codex-app-server",
        "gcp-vertex-credentials",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "<authenticated>",
    ];
    let text = text.trim();
    WORDS.contains(&text) || text.starts_with("oauth:") || text.starts_with("secretref-env:")
}
