//! Whom a question goes to, and what the config changes about how it is sent.

use crate::{Fingerprint, ProviderId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Says whom to ask: the agent's own base URL and API kind for a provider, and how its config wants requests sent there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The provider's name in the config.
    pub provider: ProviderId,
    /// OpenClaw's word for the wire format (`openai-completions`, `anthropic-messages`, …); `None` for a built-in default.
    pub api: Option<String>,
    /// The base URL; `None` for the provider's public one.
    pub base_url: Option<String>,
    /// A model that the config uses there, for providers that can only be asked by a completion.
    pub model: Option<String>,
    /// What the config changes about requests; `None` where it changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Box<Transport>>,
}

/// What a config changes about the requests to a provider. Values are named by their fingerprints: any of them may be secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Transport {
    /// Headers that go with every request, by their names in lower case.
    pub headers: BTreeMap<String, TransportValue>,
    /// Whether the credential goes into `Authorization: Bearer` as well, whatever the wire format does (`authHeader`).
    pub bearer: bool,
    /// A proxy of this provider's own.
    pub proxy: Option<TransportValue>,
    /// What the config says beside this that we do not do likewise, so that nobody can be asked as the agent would.
    pub unlike: Option<String>,
}

/// A value of a config that goes with requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportValue {
    /// It is known. The room that holds the secrets finds it by this.
    Known(Fingerprint),
    /// It is not known here; the name of the variable or reference that it stands behind.
    Unresolved(String),
}

impl Endpoint {
    /// Names a provider as it is where the config says nothing of it.
    pub fn public(provider: impl Into<ProviderId>) -> Self {
        Self { provider: provider.into(), api: None, base_url: None, model: None, transport: None }
    }

    /// Returns the base URL as it may be shown: without anything secret that it may carry.
    pub fn shown_url(&self) -> Option<String> {
        self.base_url.as_deref().map(without_secrets)
    }

    /// Returns the key under which a verdict is remembered: provider, wire format and base URL, without anything secret that the URL
    /// may carry, and what the config changes about requests, by fingerprints. Where it changes nothing, nothing is added.
    pub fn key(&self) -> String {
        let url = self.shown_url().unwrap_or_else(|| "-".to_owned());
        let changes = self.transport.as_ref().map(|transport| transport.key()).unwrap_or_default();
        format!("{}|{}|{url}{changes}", self.provider, self.api.as_deref().unwrap_or("-"))
    }
}

impl Transport {
    /// Returns itself, unless it changes nothing.
    pub fn unless_plain(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }

    /// Returns every value that has to be known before anything can be sent: headers, then the proxy.
    pub fn values(&self) -> impl Iterator<Item = &TransportValue> {
        self.headers.values().chain(&self.proxy)
    }

    /// Empty where nothing is changed.
    fn key(&self) -> String {
        let shown = |value: &TransportValue| match value {
            TransportValue::Known(print) => print.hex(),
            TransportValue::Unresolved(name) => format!("?{name}"),
        };
        let mut key = String::new();
        if self.bearer {
            key.push_str("|bearer");
        }
        for (name, value) in &self.headers {
            key.push_str(&format!("|{name}={}", shown(value)));
        }
        if let Some(proxy) = &self.proxy {
            key.push_str(&format!("|proxy={}", shown(proxy)));
        }
        if let Some(unlike) = &self.unlike {
            key.push_str(&format!("|{unlike}"));
        }
        key
    }
}

/// Cuts user name, password, query and fragment out of a URL.
pub fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{path}").trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_endpoint_carries_no_secret_of_its_url() {
        let key = |url: &str| Endpoint { base_url: Some(url.to_owned()), ..Endpoint::public("acme") }.key();
        assert_eq!(
            key("https://me:pa@ss@api.acme.test:8443/v1/?key=k#f"),
            "acme|-|https://api.acme.test:8443/v1"
        );
        assert_eq!(key("http://127.0.0.1:1/v1"), "acme|-|http://127.0.0.1:1/v1");
        assert_eq!(key("acme.test"), "acme|-|acme.test");
    }

    #[test]
    fn every_change_of_the_transport_is_another_key_and_none_leaves_it_as_it_was() {
        let print = |byte| TransportValue::Known(Fingerprint::from_bytes([byte; 16]));
        let with = |transport: Transport| Endpoint {
            transport: transport.unless_plain(),
            ..Endpoint::public("acme")
        };
        let headers = |name: &str, value| BTreeMap::from([(name.to_owned(), value)]);
        let plain = Transport::default();
        let all = [
            plain.clone(),
            Transport { bearer: true, ..plain.clone() },
            Transport { headers: headers("x-a", print(1)), ..plain.clone() },
            Transport { headers: headers("x-a", print(2)), ..plain.clone() },
            Transport { headers: headers("x-b", print(1)), ..plain.clone() },
            Transport { headers: headers("x-a", TransportValue::Unresolved("A".into())), ..plain.clone() },
            Transport { proxy: Some(print(1)), ..plain.clone() },
            Transport { unlike: Some("request.tls".into()), ..plain.clone() },
        ];
        let keys: std::collections::BTreeSet<String> =
            all.iter().map(|transport| with(transport.clone()).key()).collect();
        assert_eq!(keys.len(), all.len());
        assert!(keys.contains("acme|-|-"), "remembered verdicts keep their key");
        let plain = serde_json::to_value(Endpoint::public("acme")).expect("JSON");
        assert!(plain.get("transport").is_none());
        assert_eq!(serde_json::from_value::<Endpoint>(plain).expect("an endpoint"), Endpoint::public("acme"));
    }
}
