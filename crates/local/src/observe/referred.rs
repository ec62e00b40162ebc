//! What references of the stores and the config into files of the person's own lead to: when such a file changes, the gateway goes on with what it read.

use super::Held;
use crate::Installation;
use keyshoal_core::{Referred, SecretRef, StoreId};
use keyshoal_openclaw::config::{Config, model::ConfigKey};
use keyshoal_openclaw::examine::references::Lookup;
use keyshoal_openclaw::store::StoredSecret;
use std::collections::{BTreeMap, BTreeSet};

/// Looks every reference up once. What Keyshoal delivers itself is known to it.
pub(super) fn of(
    installation: &Installation,
    config: &Config,
    stores: &BTreeMap<StoreId, Held>,
) -> BTreeMap<SecretRef, Referred> {
    let profiles = stores.values().flat_map(|held| held.read.contents.profiles.values());
    let of_profiles = profiles.filter_map(|profile| match &profile.secret {
        StoredSecret::Ref(reference) => Some(reference),
        _ => None,
    });
    let of_config = config.providers.values().filter_map(|entry| match &entry.api_key {
        Some(ConfigKey::Ref(reference)) => Some(reference),
        _ => None,
    });
    let all = of_profiles.chain(of_config).filter(|reference| !reference.is_delivered());
    let references: BTreeSet<&SecretRef> = all.collect();
    let lookup =
        Lookup { locations: &installation.locations, providers: &config.secret_providers, is_set: &|_| None };
    let led = |one: &SecretRef| Some((one.clone(), lookup.leads_to(one, installation.prints())?));
    references.into_iter().filter_map(led).collect()
}
