//! What the stores' references into files of the person's own lead to: when such a file changes, the gateway goes on with what it read.

use super::Held;
use crate::Installation;
use keyshoal_core::vault::REFERENCES;
use keyshoal_core::{Referred, SecretRef, StoreId};
use keyshoal_openclaw::config::Config;
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
    let references: BTreeSet<&SecretRef> = profiles
        .filter_map(|profile| match &profile.secret {
            StoredSecret::Ref(reference) if reference.provider != REFERENCES => Some(reference),
            _ => None,
        })
        .collect();
    let lookup =
        Lookup { locations: &installation.locations, providers: &config.secret_providers, is_set: &|_| None };
    let led = |one: &SecretRef| Some((one.clone(), lookup.leads_to(one, installation.prints())?));
    references.into_iter().filter_map(led).collect()
}
