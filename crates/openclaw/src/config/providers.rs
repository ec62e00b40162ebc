//! `models.providers`: how each provider is reached, and with which key of the config's own.

use super::auth::Auth;
use super::model::{ConfigKey, ProviderDecl};
use super::models::provider_id;
use super::notes::{Look, Notes};
use super::secrets::Resolver;
use super::variables::Variables;
use super::{substitute, transport};
use keyshoal_core::{ProfileId, ProviderId, Secret, SecretRef, SecretSource};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads `models.providers`.
pub(super) fn read(
    root: &Look<'_>,
    auth: &Auth,
    secrets: &Resolver<'_>,
    notes: &mut Notes<'_>,
) -> BTreeMap<ProviderId, ProviderDecl> {
    let mut read = BTreeMap::new();
    let providers = root.object_at("models", notes).and_then(|models| models.object_at("providers", notes));
    for (name, provider) in providers.iter().flat_map(Look::entries) {
        if !provider.value.is_object() {
            provider.complain("an object", notes);
            continue;
        }
        let id = provider_id(name);
        let models = provider.at("models").map(|models| models.elements(notes)).unwrap_or_default();
        let declared = ProviderDecl {
            base_url: provider.text_at("baseUrl", notes),
            api: provider.text_at("api", notes),
            auth: provider.text_at("auth", notes),
            api_key: provider.at("apiKey").and_then(|key| api_key(&key, auth, secrets.variables, notes)),
            models: models.iter().filter_map(|model| model.text_at("id", notes)).collect(),
            transport: transport::read(&provider, secrets, notes),
        };
        read.insert(id, declared);
    }
    read
}

/// Reads `apiKey`: a reference, a variable that is not set, a profile's id, or a value. What of the values is a bare variable's
/// name or a mark of the program is for those to tell who know the release.
fn api_key(
    key: &Look<'_>,
    auth: &Auth,
    variables: &Variables<'_>,
    notes: &mut Notes<'_>,
) -> Option<ConfigKey> {
    if key.value.is_object() {
        return match secret_ref(key.value) {
            Some(reference) => Some(ConfigKey::Ref(reference)),
            None => {
                key.complain("a value or {source, provider, id}", notes);
                None
            }
        };
    }
    let text = key.text(notes)?.trim();
    if text.is_empty() {
        return None;
    }
    if let Some(name) = substitute::whole_variable(text) {
        if variables.get(name).is_none_or(|value| value.trim().is_empty()) {
            return Some(ConfigKey::Unresolved(name.to_owned()));
        }
        let (source, provider) = (SecretSource::Env, "default".to_owned());
        return Some(ConfigKey::Ref(SecretRef { source, provider, id: name.to_owned() }));
    }
    let profile = ProfileId::new(text);
    if auth.profiles.contains_key(&profile) {
        return Some(ConfigKey::Profile(profile));
    }
    Some(ConfigKey::Value(Secret::new(text)))
}

/// Reads `{source, provider, id}`.
pub(super) fn secret_ref(value: &Value) -> Option<SecretRef> {
    let text =
        |key: &str| value.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let source = match text("source")? {
        "env" => SecretSource::Env,
        "file" => SecretSource::File,
        "exec" => SecretSource::Exec,
        "store" => SecretSource::Store,
        other => SecretSource::Other(other.to_owned()),
    };
    let provider = text("provider").unwrap_or("default").to_owned();
    Some(SecretRef { source, provider, id: text("id")?.to_owned() })
}
