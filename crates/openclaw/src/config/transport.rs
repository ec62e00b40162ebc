//! What an entry of `models.providers` changes about requests: headers, how the credential is sent, a proxy.
//!
//! Measured by reading the releases 2026.3.28 and 2026.9.6: `headers` are in both, `request` only in later ones; `authHeader` adds
//! `Authorization: Bearer` with the credential to what the wire format sends anyway; of equal headers, `request.headers` counts.

use super::notes::{Look, Notes};
use super::secrets::Resolver;
use super::substitute::named_in;
use keyshoal_core::Secret;
use std::collections::BTreeMap;

/// What an entry of `models.providers` changes about requests.
#[derive(Clone, Debug, Default)]
pub struct TransportDecl {
    /// `headers` and `request.headers`, by names in lower case.
    pub headers: BTreeMap<String, Configured>,
    /// `authHeader`: the credential goes into `Authorization: Bearer`, too.
    pub bearer: bool,
    /// `request.proxy.url`.
    pub proxy: Option<Configured>,
    /// Another setting of `request` that changes who is asked, with what, or over which TLS.
    pub unlike: Option<String>,
}

/// A value of the config that may be secret.
#[derive(Clone, Debug)]
pub enum Configured {
    /// It is known.
    Value(Secret),
    /// A variable that is not set here, or a reference that is not resolved here; its name.
    Unresolved(String),
}

/// Reads what an entry changes.
pub(super) fn read(provider: &Look<'_>, secrets: &Resolver<'_>, notes: &mut Notes<'_>) -> TransportDecl {
    let mut read =
        TransportDecl { bearer: provider.is_true_at("authHeader", notes), ..TransportDecl::default() };
    let request = provider.object_at("request", notes);
    let places = [
        provider.object_at("headers", notes),
        request.as_ref().and_then(|one| one.object_at("headers", notes)),
    ];
    for (name, value) in places.iter().flatten().flat_map(Look::entries) {
        if let Some(value) = configured(&value, secrets, notes) {
            read.headers.insert(name.trim().to_ascii_lowercase(), value);
        }
    }
    let Some(request) = request else { return read };
    let mode_of = |key: &str, notes: &mut Notes<'_>| {
        request.object_at(key, notes).and_then(|one| one.text_at("mode", notes))
    };
    match mode_of("auth", notes).as_deref() {
        None | Some("provider-default") => {}
        // Another value is sent instead of the agent's own.
        Some(_) => read.unlike = Some("request.auth".to_owned()),
    }
    if request.at("tls").is_some() {
        read.unlike = Some("request.tls".to_owned());
    }
    if let Some(proxy) = request.object_at("proxy", notes) {
        if proxy.at("tls").is_some() {
            read.unlike = Some("request.proxy.tls".to_owned());
        }
        read.proxy = proxy.at("url").and_then(|url| configured(&url, secrets, notes));
    }
    read
}

/// Reads one value. A reference that cannot be resolved and a variable that is not set are no value; the program may know them.
fn configured(value: &Look<'_>, secrets: &Resolver<'_>, notes: &mut Notes<'_>) -> Option<Configured> {
    if let Some(name) = value.value.as_str().and_then(named_in) {
        return Some(Configured::Unresolved(name.to_owned()));
    }
    match secrets.resolve(value, notes)? {
        Ok(secret) => Some(Configured::Value(secret)),
        Err(unresolved) => Some(Configured::Unresolved(unresolved.name)),
    }
}
