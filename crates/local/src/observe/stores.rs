//! Reading every store, several at once, and showing it without secrets.

use super::Held;
use super::at_once::at_once;
use keyshoal_core::{
    Fingerprints, ProfileView, StoreHealth, StoreId, StoreView, Timestamp, time::from_millis,
};
use keyshoal_openclaw::layout::Resolved;
use keyshoal_openclaw::store::{ReadStore, StoreFile, StoredProfile};
use std::collections::BTreeMap;

/// Reads the base store and every agent's own.
pub fn read_all(resolved: &Resolved) -> BTreeMap<StoreId, Held> {
    let mut places = vec![(StoreId::Base, resolved.base.clone())];
    places.extend(
        resolved
            .agents
            .iter()
            .filter(|(_, store, _)| *store != StoreId::Base)
            .map(|(_, store, file)| (store.clone(), file.clone())),
    );
    at_once(&places, read_one).into_iter().collect()
}

fn read_one((id, file): &(StoreId, StoreFile)) -> (StoreId, Held) {
    let read =
        file.read().unwrap_or_else(|error| ReadStore::nothing(StoreHealth::Unreadable(error.to_string())));
    (id.clone(), Held { file: file.clone(), read })
}

/// Shows a store without its secrets.
///
/// A file that is mounted by itself is read-only while a gateway may be running: it could not be replaced, only overwritten.
pub fn view(held: &Held, gateway_may_run: bool, prints: &dyn Fingerprints) -> StoreView {
    let contents = &held.read.contents;
    StoreView {
        path: held.file.path().display().to_string(),
        health: held.read.health.clone(),
        read_only: held.read.read_only.clone().or_else(|| {
            (held.read.mounted_alone && gateway_may_run).then(|| {
                "it is mounted by itself; stop the gateway first, or mount its directory instead".to_owned()
            })
        }),
        profiles: contents
            .profiles
            .iter()
            .map(|(id, profile)| (id.clone(), profile_view(profile, prints)))
            .collect(),
        order: contents.order.clone(),
        last_good: contents.last_good.clone(),
        usage: contents.usage.clone(),
        leftover: held.read.leftover.as_ref().map(|path| path.display().to_string()),
        modified: held.read.modified.and_then(|time| Timestamp::try_from(time).ok()),
    }
}

fn profile_view(profile: &StoredProfile, prints: &dyn Fingerprints) -> ProfileView {
    // OpenClaw counts an `expires` that is no time as expired, so it is shown as the earliest one.
    let expires = profile.expires.as_ref().map(|expires| {
        expires.as_ref().ok().and_then(|millis| from_millis(*millis)).unwrap_or(Timestamp::UNIX_EPOCH)
    });
    ProfileView {
        provider: profile.provider.clone(),
        kind: profile.kind.clone(),
        material: profile.material(prints),
        expires,
        account: profile.account(prints),
        copy_to_agents: profile.copy_to_agents,
    }
}
