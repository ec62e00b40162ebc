//! Sending as the agent's config wants it: its headers, its proxy; and why that is not always possible.

use crate::Wire;
use crate::client::Clients;
use crate::endpoint::{NoTarget, Target};
use keyshoal_core::{Fingerprint, Secret, Transport, TransportValue};
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use url::Url;

/// What the config changes, ready to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dress {
    /// Its headers; their values count as secret.
    pub(crate) headers: HeaderMap,
    /// Whether the credential goes into `Authorization: Bearer`, too.
    pub(crate) bearer: bool,
    /// Goes through its proxy.
    pub(crate) proxy: Option<Via>,
}

/// The way through a proxy that the config names for one provider.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pub(crate) client: Client,
    /// Its host and port: what may stand before them is secret.
    name: String,
}

impl Via {
    /// Says that it was the proxy that failed. Through it nobody asks for the provider's name, or connects with the provider, but the proxy itself.
    pub(crate) fn failed(&self) -> String {
        format!(
            "the proxy {}, which the config names for this provider, cannot be reached or lets nothing through: check it and \
             request.proxy.url; the provider itself was not asked",
            self.name
        )
    }
}

impl Dress {
    /// Makes what a config changes ready, with the values that were carried along.
    pub(crate) fn new(
        transport: Option<&Transport>,
        carried: &BTreeMap<Fingerprint, Secret>,
        clients: &Clients,
    ) -> Result<Self, NoTarget> {
        let Some(transport) = transport else { return Ok(Self::default()) };
        if let Some(unlike) = &transport.unlike {
            return Err(NoTarget::Unlike(unlike.clone()));
        }
        let known = |what: &str, value: &TransportValue| match value {
            TransportValue::Unresolved(name) => Err(NoTarget::Unresolved(what.to_owned(), name.clone())),
            TransportValue::Known(print) => carried
                .get(print)
                .cloned()
                .ok_or_else(|| NoTarget::Unresolved(what.to_owned(), print.short())),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &transport.headers {
            let value = known(&format!("the header {name}"), value)?;
            let bad = || NoTarget::BadHeader(name.clone());
            let name = HeaderName::try_from(name.as_str()).map_err(|_| bad())?;
            let mut value = HeaderValue::try_from(value.reveal_secret().trim()).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let proxy = match &transport.proxy {
            None => None,
            Some(proxy) => {
                let proxy = known("the proxy", proxy)?;
                let client = clients.through(&proxy).map_err(|_| NoTarget::BadProxy)?;
                Some(Via { client, name: place(proxy.reveal_secret()) })
            }
        };
        Ok(Self { headers, bearer: transport.bearer, proxy })
    }

    /// Returns a header by which the config sends a value of its own where the credential would be.
    pub(crate) fn instead_of_credential(&self, wire: Wire, token: bool) -> Option<&'static str> {
        if self.bearer {
            return None;
        }
        let place = match wire {
            Wire::Anthropic if !token => "x-api-key",
            Wire::Gemini => "x-goog-api-key",
            _ => "authorization",
        };
        self.headers.contains_key(place).then_some(place)
    }
}

/// Returns the host and the port of a proxy's address, without the name and password that may stand before them.
fn place(address: &str) -> String {
    let text = address.trim();
    let url =
        Url::parse(text).ok().filter(Url::has_host).or_else(|| Url::parse(&format!("http://{text}")).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("(unreadable)");
    match url.as_ref().and_then(Url::port_or_known_default) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

impl Target {
    /// Returns every value beside the credential that nobody may see.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        self.dress.headers.values().filter_map(|value| value.to_str().ok())
    }
}
