//! Whether a credential's type is the one that the config's `auth.profiles` demands.

use super::Sight;
use super::words::Words;
use crate::{CredentialKind, FindingKind, ProfileId};

/// Says whether a type suits the config's mode.
pub(super) enum TypeFit {
    /// It does, or the config demands nothing.
    Fits,
    /// It does not, and can be given the demanded one.
    CanBe(CredentialKind),
    /// It does not, and cannot.
    CannotBe(CredentialKind),
}

/// Compares a type with what the config's `auth.profiles` demands.
pub(super) fn fitting_type(sight: &Sight<'_>, profile: &ProfileId, kind: &CredentialKind) -> TypeFit {
    match sight.observed.modes.get(profile) {
        None => TypeFit::Fits,
        Some(mode) if kind.allowed_by_mode(mode) => TypeFit::Fits,
        Some(mode) if is_static(mode) && is_static(kind) => TypeFit::CanBe(mode.clone()),
        Some(mode) => TypeFit::CannotBe(mode.clone()),
    }
}

/// Returns the clause that says so of a credential which has a finding for another reason.
pub(super) fn unused(has: &CredentialKind, wants: &CredentialKind) -> String {
    format!("its type is {has}, but auth.profiles in the config wants {wants}, so it is not used")
}

/// Tells whether a type holds one plain value, so that it can be written.
pub(crate) fn is_static(kind: &CredentialKind) -> bool {
    matches!(kind, CredentialKind::ApiKey | CredentialKind::Token)
}

/// Says that the config wants another type.
pub(super) fn wrong_type(
    profile: &ProfileId,
    has: &CredentialKind,
    wants: &CredentialKind,
    can_be: bool,
) -> Words {
    let text =
        format!("has the type {has}, but auth.profiles in the config wants {wants}, so it is not used");
    let words = Words::new(FindingKind::ModeMismatch, text);
    if can_be { words.fix("keyshoal sync") } else { words.fix(mend_config(profile, has, wants)) }
}

/// Returns the way out where the credential cannot be given the type that the config wants.
pub(super) fn mend_config(profile: &ProfileId, has: &CredentialKind, wants: &CredentialKind) -> String {
    let in_config = format!("set auth.profiles[\"{profile}\"].mode to {has} in openclaw.json");
    match wants {
        CredentialKind::OAuth => format!("sign in to {profile}, or {in_config}"),
        _ => in_config,
    }
}
