//! `auth` and `gateway`: which types profiles must have, their order, how to reach the gateway.

use super::model::{GatewayDecl, ProfileDecl, RemoteDecl};
use super::models;
use super::notes::{Look, Notes};
use super::secrets::Resolver;
use keyshoal_core::{CredentialKind, ProfileId, ProviderId};
use std::collections::BTreeMap;

/// What `auth` says.
#[derive(Default)]
pub(super) struct Auth {
    /// `auth.profiles`.
    pub(super) profiles: BTreeMap<ProfileId, ProfileDecl>,
    /// `auth.order`.
    pub(super) order: BTreeMap<ProviderId, Vec<ProfileId>>,
}

/// Reads `auth`.
pub(super) fn read(root: &Look<'_>, notes: &mut Notes<'_>) -> Auth {
    let mut read = Auth::default();
    let Some(auth) = root.object_at("auth", notes) else { return read };
    if let Some(profiles) = auth.object_at("profiles", notes) {
        for (id, profile) in profiles.entries() {
            if !profile.value.is_object() {
                profile.complain("an object", notes);
                continue;
            }
            let (provider, mode) = (profile.text_at("provider", notes), profile.text_at("mode", notes));
            let (Some(provider), Some(mode)) = (provider, mode) else {
                notes.warn(
                    &profile.steps,
                    "has no provider or no mode; it was left out (OpenClaw refuses the config)",
                );
                continue;
            };
            let mode = CredentialKind::parse(&mode);
            if matches!(mode, CredentialKind::Unknown(_)) {
                notes.warn(&profile.steps, "has a mode that is not api_key, oauth or token");
            }
            let position = read.profiles.len();
            let declared = ProfileDecl { provider: models::provider_id(&provider), mode, position };
            read.profiles.insert(ProfileId::new(id), declared);
        }
    }
    if let Some(order) = auth.object_at("order", notes) {
        for (provider, ids) in order.entries() {
            let ids: Vec<ProfileId> = ids
                .elements(notes)
                .iter()
                .filter_map(|id| id.text(notes))
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .map(ProfileId::new)
                .collect();
            if !ids.is_empty() {
                read.order.insert(models::provider_id(provider), ids);
            }
        }
    }
    read
}

/// Reads `gateway`. References that cannot be resolved here leave a warning and no value.
pub(super) fn gateway(root: &Look<'_>, secrets: &Resolver<'_>, notes: &mut Notes<'_>) -> GatewayDecl {
    let mut read = GatewayDecl::default();
    let Some(gateway) = root.object_at("gateway", notes) else { return read };
    if let Some(port) = gateway.at("port") {
        read.port = port
            .value
            .as_f64()
            .filter(|port| port.fract() == 0.0 && (1.0..=65535.0).contains(port))
            .map(|port| port as u16);
        if read.port.is_none() {
            port.complain("a port number", notes);
        }
    }
    read.bind = gateway.text_at("bind", notes);
    read.reload_mode = gateway.object_at("reload", notes).and_then(|reload| reload.text_at("mode", notes));
    read.tls = gateway.object_at("tls", notes).is_some_and(|tls| tls.is_true_at("enabled", notes));
    if gateway.text_at("mode", notes).as_deref() == Some("remote") {
        let remote = gateway.object_at("remote", notes);
        read.remote = Some(RemoteDecl { url: remote.and_then(|remote| remote.text_at("url", notes)) });
    }
    if let Some(auth) = gateway.object_at("auth", notes) {
        read.token = secrets.secret_at(&auth, "token", notes);
        read.password = secrets.secret_at(&auth, "password", notes);
    }
    read
}
