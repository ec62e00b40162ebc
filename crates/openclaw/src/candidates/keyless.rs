//! Providers that are asked without a credential of OpenClaw's own. They lack nothing.

use super::CandidateInput;
use super::rules::Rules;
use crate::config::model::ProviderDecl;
use keyshoal_core::{Place, ProviderId};
use std::net::{IpAddr, Ipv4Addr};

const LOCAL: &str = "a provider on this machine is asked without a key";
const SIGNED_IN: &str = "a program that signs in by itself";

/// Returns what is sent where nothing else is found, and why that is enough.
pub(super) fn way(
    input: &CandidateInput<'_>,
    name: &str,
    entry: Option<&ProviderDecl>,
    rules: &Rules,
) -> Option<(Place, &'static str)> {
    if entry.is_some_and(|entry| is_on_this_machine(entry, rules)) {
        return Some((Place::NoKey, LOCAL));
    }
    if entry.is_some_and(|entry| entry.auth.as_deref() == Some("none")) {
        return Some((Place::NoKey, "auth is none"));
    }
    if entry.is_some_and(|entry| entry.api_key.is_some() || entry.auth.is_some()) {
        return None;
    }
    let login = |of: &str| Place::OtherLogin { of: of.to_owned() };
    match name {
        "amazon-bedrock" | "amazon-bedrock-mantle" => {
            let place = Place::Environment { name: "AWS_*".into(), layer: "AWS SDK".into() };
            Some((place, "Amazon's own chain of credentials"))
        }
        "google-vertex" | "anthropic-vertex" => {
            Some((login("Google Cloud"), "Google's own chain of credentials"))
        }
        "ollama" | "lmstudio" | "apple-fm" if entry.is_none_or(|entry| entry.base_url.is_none()) => {
            Some((Place::NoKey, LOCAL))
        }
        "claude-cli" | "google-gemini-cli" => Some((login(name), SIGNED_IN)),
        "codex-cli" if rules.early_names => Some((login(name), SIGNED_IN)),
        _ => {
            let provider = ProviderId::new(name);
            // In the JSON releases the login of Codex serves a provider of its own.
            let has_login = name != "openai" || input.layout.is_sqlite();
            let known = input.config.cli_backends.contains(&provider)
                || has_login && input.other_logins.contains(&provider);
            known.then(|| (login(name), SIGNED_IN))
        }
    }
}

/// Tells whether the config says where on this machine, or in its network, a provider runs that is asked without a key.
fn is_on_this_machine(entry: &ProviderDecl, rules: &Rules) -> bool {
    let local = entry.base_url.as_deref().is_some_and(|url| is_local(url, rules));
    let auth = entry.auth.as_deref().is_none_or(|auth| auth == "api-key");
    local && auth && entry.api.is_some() && !entry.models.is_empty() && entry.api_key.is_none()
}

/// Early releases take this machine alone for local, later ones (seen from 2026.5.28 on) private networks and containers' hosts too.
fn is_local(url: &str, rules: &Rules) -> bool {
    let Ok(url) = url::Url::parse(url.trim()) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => {
            const OF_CONTAINERS: [&str; 3] =
                ["docker.orb.internal", "host.docker.internal", "host.orb.internal"];
            name == "localhost"
                || rules.private_is_local && (OF_CONTAINERS.contains(&name) || name.ends_with(".local"))
        }
        Some(url::Host::Ipv4(ip)) => {
            ip == Ipv4Addr::LOCALHOST || ip.is_unspecified() || rules.private_is_local && ip.is_private()
        }
        Some(url::Host::Ipv6(ip)) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| IpAddr::V4(ip).is_loopback())
        }
        None => false,
    }
}
