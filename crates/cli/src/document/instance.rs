//! `keyshoal.instance.v1`: what a vault holds of an instance, by fingerprints.

use keyshoal_core::vault::{CredentialUid, VaultInstance};
use keyshoal_core::{AgentId, Fingerprint, InstanceId, ProfileId};
use keyshoal_engine::Look;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseDocument>,
}

/// What a release does, and what it leaves behind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReleaseDocument {
    applied: bool,
    /// What is marked as its agent's own on purpose.
    pub marked: Vec<OwnValue>,
    /// What differs from what all share, and gets no mark.
    pub unmarked: Vec<OwnValue>,
    /// How many profiles go on referring to the file that the vault delivered.
    pub referring: usize,
}

/// What one agent has of its own.
#[derive(Clone, Debug, Serialize)]
pub struct OwnValue {
    /// Which agent.
    pub agent: AgentId,
    /// Under which profile.
    pub profile: ProfileId,
    /// What it holds.
    pub fingerprint: Fingerprint,
}

impl ReleaseDocument {
    /// Makes it of what was seen, with what gets a mark and what gets none.
    pub fn of(look: &Look, marked: Vec<OwnValue>, unmarked: Vec<OwnValue>) -> Self {
        let profiles = look.observed.stores.values().flat_map(|store| store.profiles.values());
        let referring =
            profiles.filter_map(|view| view.material.reference()).filter(|one| one.is_delivered());
        Self { applied: false, marked, unmarked, referring: referring.count() }
    }

    /// Says whether it was done.
    #[must_use]
    pub fn done(self, applied: bool) -> Self {
        Self { applied, ..self }
    }
}

impl InstancesDocument {
    /// Makes it.
    pub fn of(instances: Vec<VaultInstance>) -> Self {
        Self { schema: "keyshoal.instances.v1", instances, released: Vec::new(), release: None }
    }

    /// Adds what a release does.
    #[must_use]
    pub fn release(self, release: ReleaseDocument) -> Self {
        Self { release: Some(release), ..self }
    }

    /// Adds which of them go on without the vault, as far as can be seen from here.
    pub fn released(self, released: Vec<InstanceId>) -> Self {
        Self { released, ..self }
    }
}
