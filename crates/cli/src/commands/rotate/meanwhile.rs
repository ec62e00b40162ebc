//! What others change of an instance while one of its credentials is rotated: an agent, a binding, another credential. A step that was made
//! for the instance as it was before is made again for what it is now. The rotation itself is compared all the same.

use keyshoal_core::InstanceId;
use keyshoal_core::vault::VaultCredential;
use keyshoal_vault::{Cause, Vault, VaultError};

/// How often a step is made again: each time somebody else has come through.
const TIMES: usize = 100;

/// Makes a step until nobody else changes an instance in the same moment. The step reads the revisions that it is made for.
pub fn whatever_else_changes(mut step: impl FnMut() -> Result<(), VaultError>) -> Result<(), VaultError> {
    for _ in 1..TIMES {
        match step() {
            Err(VaultError { cause: Cause::Conflict { .. }, .. }) => {}
            done => return done,
        }
    }
    step()
}

/// Returns which revision an instance has now, where the credential is as it was read. `None`: that one was changed, too, and what was
/// made for it is not right any more.
pub fn revision_of(
    vault: &Vault,
    instance: &InstanceId,
    as_read: &VaultCredential,
) -> Result<Option<u64>, VaultError> {
    let now = vault.instance(instance)?;
    let is_same = now.credentials.iter().any(|one| one == as_read);
    Ok(is_same.then_some(now.revision))
}
