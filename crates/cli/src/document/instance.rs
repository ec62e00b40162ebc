//! `keyshoal.instance.v1`: what a vault holds of an instance, by fingerprints.

use keyshoal_core::vault::{CredentialUid, VaultInstance};
use keyshoal_core::{Fingerprint, InstanceId, ProfileId};
use serde::Serialize;
use std::collections::BTreeMap;

/// What commands about a vault's instance print with `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceDocument {
    schema: &'static str,
    instance: VaultInstance,
    fingerprints: Vec<VersionPrint>,
}

#[derive(Clone, Debug, Serialize)]
struct VersionPrint {
    credential: CredentialUid,
    profile: ProfileId,
    version: u32,
    fingerprint: Fingerprint,
}

impl InstanceDocument {
    /// Makes it.
    pub fn of(instance: &VaultInstance, prints: &BTreeMap<(CredentialUid, u32), Fingerprint>) -> Self {
        let profiles: BTreeMap<CredentialUid, &ProfileId> =
            instance.credentials.iter().map(|one| (one.uid, &one.profile)).collect();
        let fingerprints = prints.iter().filter_map(|((credential, version), fingerprint)| {
            Some(VersionPrint {
                credential: *credential,
                profile: (*profiles.get(credential)?).clone(),
                version: *version,
                fingerprint: *fingerprint,
            })
        });
        Self {
            schema: "keyshoal.instance.v1",
            fingerprints: fingerprints.collect(),
            instance: instance.clone(),
        }
    }
}

/// `keyshoal.instances.v1`: every instance of a vault.
#[derive(Clone, Debug, Serialize)]
pub struct InstancesDocument {
    schema: &'static str,
    instances: Vec<VaultInstance>,
    released: Vec<InstanceId>,
}

impl InstancesDocument {
    /// Makes it.
    pub fn of(instances: Vec<VaultInstance>) -> Self {
        Self { schema: "keyshoal.instances.v1", instances, released: Vec::new() }
    }

    /// Adds which of them go on without the vault, as far as can be seen from here.
    pub fn released(self, released: Vec<InstanceId>) -> Self {
        Self { released, ..self }
    }
}
