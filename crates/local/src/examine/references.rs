//! The references that profiles hold.

use crate::Installation;
use crate::observe::Snapshot;
use keyshoal_core::Material;
use keyshoal_core::examination::ReferenceFacts;
use keyshoal_openclaw::examine::references::Lookup;
use keyshoal_openclaw::gateway::process;

/// Tells of every reference of every profile whether it leads anywhere.
pub(super) fn facts(installation: &Installation, seen: &Snapshot) -> Vec<ReferenceFacts> {
    let config = &seen.config;
    let gateway = &seen.observed.instance.gateway;
    let runs = gateway.running != Some(false);
    let of_config = |name: &str| config.dotenv.contains_key(name) || config.env.contains_key(name);
    let is_set = |name: &str| {
        if of_config(name) {
            return Some(true);
        }
        match gateway.pid.filter(|_| gateway.other_state_dir.is_none()) {
            Some(pid) => process::environment(pid, &[name]).map(|found| found.contains_key(name)),
            // Nobody can see what a gateway is started with that does not run, or runs elsewhere; our own environment is a guess.
            None if installation.env.get(name).is_some() => Some(true),
            None => (!runs).then_some(false),
        }
    };
    let lookup =
        Lookup { locations: &installation.locations, providers: &config.secret_providers, is_set: &is_set };
    let stores = seen.observed.stores.iter();
    let profiles =
        stores.flat_map(|(id, store)| store.profiles.iter().map(move |(profile, view)| (id, profile, view)));
    let referring = profiles.filter_map(|(store, profile, view)| {
        let Material::Ref { reference, .. } = &view.material else { return None };
        Some(ReferenceFacts {
            store: store.clone(),
            profile: profile.clone(),
            reference: reference.clone(),
            state: lookup.state(reference),
        })
    });
    referring.collect()
}
