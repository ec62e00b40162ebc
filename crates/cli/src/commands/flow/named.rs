//! Credentials of an instance, by the names that a person gives.

use crate::error::CommandError;
use keyshoal_core::vault::{CredentialUid, VaultAgent, VaultCredential, VaultInstance};
use keyshoal_core::{InstanceId, ProfileId, Secret};
use keyshoal_vault::Vault;

/// Names a profile as a person does: by its id, or by a provider, which means its usual one.
pub fn profile_named(name: &str) -> ProfileId {
    match name.contains(':') {
        true => ProfileId::new(name),
        false => ProfileId::new(format!("{name}:default")),
    }
}

/// Returns the credentials that agents of an instance hold or may hold: those that were not dropped.
pub fn credentials_of(instance: &VaultInstance) -> impl Iterator<Item = &VaultCredential> {
    instance.credentials.iter().filter(|one| one.current().is_some() || one.pending().is_some())
}

/// Finds a credential by its profile, or by a provider that has one alone: the shared one, or an agent's override.
pub fn credential_of<'i>(
    instance: &'i VaultInstance,
    name: &str,
    agent: Option<&VaultAgent>,
) -> Result<Option<&'i VaultCredential>, CommandError> {
    let whose = agent.map(|agent| agent.uid);
    let of: Vec<&VaultCredential> = credentials_of(instance).filter(|one| one.agent == whose).collect();
    if let Some(found) = of.iter().find(|one| one.profile.as_str() == name) {
        return Ok(Some(*found));
    }
    match of.iter().filter(|one| one.provider.as_str() == name).collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => {
            let names: Vec<&str> = several.iter().map(|one| one.profile.as_str()).collect();
            Err(CommandError::user(format!("{name} has several profiles: {}; name one", names.join(", "))))
        }
    }
}

/// Opens the present value of a credential of an instance: the profile's entry.
pub fn entry_of(
    vault: &Vault,
    instance: &InstanceId,
    credential: CredentialUid,
) -> Result<Option<Secret>, CommandError> {
    let values = vault.values(instance)?;
    let current = |value: &&keyshoal_vault::Value| {
        value.credential == credential && value.state == keyshoal_core::vault::VersionState::Current
    };
    Ok(values.iter().find(current).map(|value| value.value.clone()))
}
