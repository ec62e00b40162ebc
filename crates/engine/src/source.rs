//! Where the right values come from.

use crate::look::LookError;
use crate::ports::Observe;
use keyshoal_core::{
    AgentId, CredentialKind, Desired, Material, Observation, ProfileId, ProfileView, Scope, SourceOf,
    SourceValue, StoreHealth, StoreId, Wish,
};
use std::collections::{BTreeMap, BTreeSet};

/// Names the store that agents inherit from, where an agent is asked for (`--from base`). An agent of that name comes first.
pub const BASE: &str = "base";

/// Says why there is no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `--from` names nobody.
    #[error("there is no agent {agent:?}; the agents are: {known}")]
    NoSuchAgent {
        /// The name given.
        agent: AgentId,
        /// The names that exist.
        known: String,
    },
    /// The instance has a vault, which says which values are right.
    #[error(
        "the instance has a vault, which says which values are right; keyshoal credential adopt AGENT PROFILE takes an agent's value into it"
    )]
    HasVault,
    /// The store that should be the source cannot be read.
    #[error("the source {path} cannot be read: {reason}")]
    Unreadable {
        /// Where it is.
        path: String,
        /// Why.
        reason: String,
    },
}

/// Returns what should be, by the instance's vault where it has one.
pub(crate) fn desired_by<P: Observe + ?Sized>(
    ports: &P,
    observed: &Observation,
    from: Option<&AgentId>,
    scope: &Scope,
) -> Result<Desired, LookError> {
    let desired = desired_of(observed, from, scope)?;
    match ports.wish()? {
        Some(_) if from.is_some() => Err(SourceError::HasVault.into()),
        Some(wish) => Ok(wished(observed, desired, wish)),
        None => Ok(desired),
    }
}

/// Puts what a vault wants in the place of what the base store holds. What the vault does not know is judged as ever, and so are
/// logins that the program holds: they move forward there.
pub fn wished(observed: &Observation, mut desired: Desired, mut wish: Wish) -> Desired {
    let lives_there = |id: &ProfileId| {
        observed.profile(&StoreId::Base, id).is_some_and(|view| view.kind == CredentialKind::OAuth)
    };
    wish.shared.retain(|id, line| {
        let login = line.value.as_ref().is_some_and(|value| value.kind == CredentialKind::OAuth);
        !(login && lives_there(id))
    });
    desired.source = SourceOf::Vault;
    desired.values.retain(|id, _| !wish.shared.contains_key(id));
    desired.values.extend(wish.values());
    desired.wish = Some(wish);
    desired
}

/// Returns what should be: the base store's values, or those of `from` where it has its own.
pub fn desired_of(
    observed: &Observation,
    from: Option<&AgentId>,
    scope: &Scope,
) -> Result<Desired, SourceError> {
    let mut values = values_of(observed, &StoreId::Base);
    let mut source = StoreId::Base;
    // No agent has to be named for the store that belongs to none.
    let named = from.filter(|from| from.as_str() != BASE || observed.agent(from).is_some());
    if let Some(from) = named {
        let agent = observed.agent(from).ok_or_else(|| SourceError::NoSuchAgent {
            agent: from.clone(),
            known: observed.agents.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        source = agent.store.clone();
        if let Some(view) = observed.store(&source)
            && let StoreHealth::Unreadable(reason) = &view.health
        {
            return Err(SourceError::Unreadable { path: view.path.clone(), reason: reason.clone() });
        }
        values.extend(values_of(observed, &source));
    }
    Ok(Desired {
        source: SourceOf::Store(source),
        values,
        scope: scope.clone(),
        include_foreign: false,
        accepted_only: false,
        approved: BTreeSet::new(),
        source_confirmed: from.is_some(),
        confirmed: BTreeSet::new(),
        wish: None,
    })
}

/// Returns every value of a store that can be a right value.
fn values_of(observed: &Observation, store: &StoreId) -> BTreeMap<ProfileId, SourceValue> {
    let profiles = observed.store(store).into_iter().flat_map(|view| &view.profiles);
    profiles.filter_map(|(id, view)| Some((id.clone(), source_value(view, store)?))).collect()
}

/// Returns a profile as a right value; `None` for what is fenced, empty, of an unknown type, or a reference that leads nowhere.
pub(crate) fn source_value(view: &ProfileView, store: &StoreId) -> Option<SourceValue> {
    if matches!(view.kind, CredentialKind::Unknown(_)) || view.material.leads_nowhere().is_some() {
        return None;
    }
    Some(SourceValue {
        provider: view.provider.clone(),
        kind: view.kind.clone(),
        fingerprint: view.material.fingerprint()?,
        is_ref: matches!(view.material, Material::Ref { known: false, .. }),
        expires: view.expires,
        account: view.account,
        store: Some(store.clone()),
    })
}
