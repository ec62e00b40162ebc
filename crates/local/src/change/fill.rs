//! A profile that is there and holds nothing gets a value.

use crate::book::Entry;
use keyshoal_core::{CredentialKind, ProfileId, ProviderId, StepState};
use keyshoal_openclaw::store::{Edit, StoredProfile};

/// Puts a value into a profile that is there and holds nothing. Everything else of it stays, but for the mark that it
/// earned with nothing.
pub(super) fn fill(
    profile: &ProfileId,
    now: &StoredProfile,
    provider: &ProviderId,
    kind: &CredentialKind,
    entry: Entry,
    reset: Option<Edit>,
) -> Result<Vec<Edit>, StepState> {
    if !now.is_empty() || now.provider != *provider {
        return Err(StepState::Conflict { found: format!("there is a profile {profile} already") });
    }
    let expires = Some(entry.expires.filter(|_| *kind == CredentialKind::Token));
    let set = Edit::SetSecret { profile: profile.clone(), kind: kind.clone(), secret: entry.secret, expires };
    Ok(std::iter::once(set).chain(reset).collect())
}
