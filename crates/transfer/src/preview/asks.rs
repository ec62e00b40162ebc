//! Which values are worth asking providers about before anybody decides.

use super::plan::ImportPlan;
use crate::entry;
use crate::payload::Payload;
use keyshoal_core::{Ask, Endpoint, ProviderId, Secret};
use keyshoal_openclaw::config::provider_id;
use keyshoal_openclaw::store::StoredSecret;
use serde_json::Value;
use std::collections::BTreeSet;

/// A question to a provider, and the value that it is about.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The question.
    pub ask: Ask,
    /// The value.
    pub secret: Secret,
}

/// Settings of a provider that change how it is asked; what is not asked as OpenClaw would is not asked at all.
const DRESS: [&str; 3] = ["headers", "authHeader", "request"];

/// Returns a question for every value of a profile of which there are several, at the endpoint that the payload's config names.
pub fn asks(payload: &Payload, plan: &ImportPlan) -> Vec<Asked> {
    let open = plan.questions.iter().flat_map(|question| &question.overrides);
    let planned: Vec<_> = plan.credentials.iter().chain(open).collect();
    let differs = |at: usize| {
        let one = planned[at];
        planned.iter().any(|other| other.profile == one.profile && other.fingerprint != one.fingerprint)
    };
    let mut seen = BTreeSet::new();
    let mut asks = Vec::new();
    for one in (0..planned.len()).filter(|at| differs(*at)).map(|at| planned[at]) {
        let secret = match entry::check(&one.profile, &one.entry).map(|stored| stored.secret) {
            Ok(StoredSecret::Inline(secret)) => secret,
            Ok(StoredSecret::OAuth { access, .. }) => access,
            _ => continue,
        };
        let Some(endpoint) = endpoint(payload, &one.provider) else { continue };
        let ask = Ask { fingerprint: one.fingerprint, kind: one.kind.clone(), endpoint };
        if seen.insert(ask.clone()) {
            asks.push(Asked { ask, secret });
        }
    }
    asks
}

/// Returns whom to ask; nothing where that cannot be told from here.
fn endpoint(payload: &Payload, provider: &ProviderId) -> Option<Endpoint> {
    let mut endpoint =
        Endpoint { provider: provider.clone(), api: None, base_url: None, model: None, transport: None };
    let declared = payload.manifest.providers.iter().find(|named| provider_id(&named.name) == *provider);
    let Some(declared) = declared else { return Some(endpoint) };
    let settings: Value = serde_json::from_str(payload.value(declared.value)?.reveal_secret()).ok()?;
    if DRESS.iter().any(|setting| settings.get(setting).is_some()) {
        return None;
    }
    let text = |key: &str| settings.get(key).and_then(Value::as_str).map(str::to_owned);
    endpoint.api = text("api");
    endpoint.base_url = text("baseUrl");
    endpoint.model = settings.pointer("/models/0/id").and_then(Value::as_str).map(str::to_owned);
    let variable = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains("${"));
    (!variable(&endpoint.base_url) && !variable(&endpoint.api)).then_some(endpoint)
}
