//! One process at a time works on a rotation.

use crate::error::CommandError;
use keyshoal_core::vault::CredentialUid;
use keyshoal_vault::{AtWork, Author, Cause, Vault};

/// What is left to whoever finds another at it.
pub const WAIT: &str =
    "wait until it is done, or stop it there (Ctrl-C): it then says where it stands and how to go on";

/// Begins to work on the rotation of a credential. Refused while another process does.
pub fn begin(
    vault: &Vault,
    author: &Author,
    name: &str,
    credential: CredentialUid,
) -> Result<AtWork, CommandError> {
    let begun = vault.work_on_rotation(credential, author, keyshoal_local::clock::now());
    begun.map_err(|error| match error.cause {
        Cause::AtWork(who) => CommandError::user(format!(
            "{name}: another keyshoal is at work on this rotation{who}; nothing was changed"
        ))
        .hint(WAIT),
        _ => error.into(),
    })
}
