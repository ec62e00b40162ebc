//! Which profile a person means by a provider's name or a profile id.

use super::{SetError, SetRequest};
use keyshoal_core::{CredentialKind, Observation, ProfileId, ProfileView, ProviderId, StoreId};
use std::collections::BTreeMap;

/// Names the profile that a new value is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// The type that the value shall have.
    pub kind: CredentialKind,
    /// No store has it yet.
    pub is_new: bool,
}

/// Finds the profile: by its id, else the one profile of the provider, else a new one.
pub(super) fn resolve(observed: &Observation, request: &SetRequest) -> Result<Target, SetError> {
    let known = known_profiles(observed);
    let by_id = ProfileId::new(request.target.clone());
    if let Some(view) = known.get(&by_id) {
        return existing(observed, &by_id, view, request);
    }
    if let Some((provider, _)) = request.target.split_once(':') {
        return Ok(new(observed, by_id.clone(), ProviderId::from(provider), request));
    }
    let provider = ProviderId::new(request.target.clone());
    let base = observed.store(&StoreId::Base);
    let in_base = |id: &ProfileId| base.is_some_and(|base| base.profiles.contains_key(id));
    let all: Vec<&ProfileId> =
        known.iter().filter(|(_, view)| view.provider == provider).map(|(id, _)| id).collect();
    let writable: Vec<&ProfileId> =
        all.iter().copied().filter(|id| known.get(*id).is_some_and(|view| is_static(&view.kind))).collect();
    let shared: Vec<&ProfileId> = writable.iter().copied().filter(|id| in_base(id)).collect();
    let choice = if shared.is_empty() { writable } else { shared };
    match (choice.as_slice(), all.as_slice()) {
        ([one], _) => {
            let one = (*one).clone();
            match known.get(&one) {
                Some(view) => existing(observed, &one, view, request),
                None => Ok(new(observed, one, provider, request)),
            }
        }
        ([], []) => Ok(new(observed, ProfileId::new(format!("{provider}:default")), provider, request)),
        ([], [login, ..]) => Err(SetError::IsOAuth { profile: (*login).clone() }),
        (several, _) => Err(SetError::Ambiguous {
            target: request.target.clone(),
            profiles: several.iter().map(|id| (*id).clone()).collect(),
        }),
    }
}

/// Returns every profile of every store; the base store's where several have the id.
fn known_profiles(observed: &Observation) -> BTreeMap<ProfileId, &ProfileView> {
    let mut known = BTreeMap::new();
    // `StoreId::Base` sorts first, so that it comes last here and wins.
    for store in observed.stores.values().rev() {
        for (id, view) in &store.profiles {
            known.insert(id.clone(), view);
        }
    }
    known
}

fn existing(
    observed: &Observation,
    id: &ProfileId,
    view: &ProfileView,
    request: &SetRequest,
) -> Result<Target, SetError> {
    match &view.kind {
        CredentialKind::OAuth => return Err(SetError::IsOAuth { profile: id.clone() }),
        CredentialKind::Unknown(kind) => {
            let reason = format!("its type {kind} is not known here");
            return Err(SetError::NotWritable { profile: id.clone(), reason });
        }
        CredentialKind::ApiKey | CredentialKind::Token => {}
    }
    let kind = demanded(observed, id).or_else(|| request.kind.clone()).unwrap_or_else(|| view.kind.clone());
    Ok(Target { profile: id.clone(), provider: view.provider.clone(), kind, is_new: false })
}

fn new(observed: &Observation, profile: ProfileId, provider: ProviderId, request: &SetRequest) -> Target {
    let kind =
        demanded(observed, &profile).or_else(|| request.kind.clone()).unwrap_or(CredentialKind::ApiKey);
    Target { profile, provider, kind, is_new: true }
}

fn demanded(observed: &Observation, profile: &ProfileId) -> Option<CredentialKind> {
    observed.modes.get(profile).filter(|mode| is_static(mode)).cloned()
}

fn is_static(kind: &CredentialKind) -> bool {
    matches!(kind, CredentialKind::ApiKey | CredentialKind::Token)
}
