//! What an action does to an observation: the model that the planner relies on and that the real stores are held against.

use crate::{
    Action, AgentView, Candidate, CredentialKind, Fingerprint, Material, Observation, Place, ProfileId,
    ProfileView, ProviderId, Standing, StoreHealth, StoreId, StoreView, UsageView,
};

/// Returns the observation after an action. When the store does not hold what the action expects, nothing changes.
///
/// Profiles, use marks and the candidates' values follow. The order of candidates stays, since it depends on config and sessions
/// that an action never touches; a candidate that an authentication cooldown held back becomes a later one.
pub fn simulate(observed: &Observation, action: &Action) -> Observation {
    simulate_all(observed, std::slice::from_ref(action))
}

/// Returns the observation after every action, in order.
pub fn simulate_all(observed: &Observation, actions: &[Action]) -> Observation {
    let mut after = observed.clone();
    let mut changed = false;
    for action in actions {
        // By merge, what the base store holds against a profile counts in every store without an entry of its own.
        let base = observed.stores.get(&StoreId::Base).and_then(|base| base.usage.get(action.profile()));
        let leaks = *action.store() != StoreId::Base && base.is_some_and(UsageView::auth_block);
        changed |= carry_out(&mut after, action, leaks);
    }
    if changed {
        retell(&mut after);
    }
    after
}

/// Does what an action does to the stores. Returns whether it applied.
fn carry_out(after: &mut Observation, action: &Action, leaks: bool) -> bool {
    if !applies(after, action) {
        return false;
    }
    let profile = action.profile();
    let origin = match action {
        Action::Replace { value, .. } | Action::Insert { value, .. } => {
            find(after, profile, action.provider(), *value).cloned()
        }
        _ => None,
    };
    let Some(store) = after.stores.get_mut(action.store()) else { return false };
    match action {
        Action::Replace { value, kind, reset_cooldown, .. } => {
            if let Some(view) = store.profiles.get_mut(profile) {
                view.expires =
                    origin.as_ref().and_then(|from| from.expires).filter(|_| *kind == CredentialKind::Token);
                view.material = origin.map_or(Material::Inline(*value), |from| from.material);
                view.kind = kind.clone();
            }
            if *reset_cooldown {
                release(store, profile, leaks);
            }
        }
        Action::RemoveShadow { .. } | Action::Remove { .. } => {
            store.profiles.remove(profile);
            release(store, profile, false);
        }
        Action::Insert { value, kind, provider, .. } => {
            store.health = StoreHealth::Ok;
            match store.profiles.get_mut(profile) {
                // It was there and held nothing: what stands beside the value stays.
                Some(view) => {
                    view.expires = origin
                        .as_ref()
                        .and_then(|from| from.expires)
                        .filter(|_| *kind == CredentialKind::Token);
                    view.material = origin.map_or(Material::Inline(*value), |from| from.material);
                    view.kind = kind.clone();
                    reset(store.usage.entry(profile.clone()).or_default());
                }
                None => {
                    store.profiles.insert(profile.clone(), plain(provider, kind, *value));
                }
            }
        }
        Action::FixType { kind, .. } => {
            if let Some(view) = store.profiles.get_mut(profile) {
                view.kind = kind.clone();
            }
        }
        Action::ResetCooldown { .. } => release(store, profile, leaks),
    }
    true
}

/// Resets what a store holds against a profile; an entry is made only where something would leak in without.
fn release(store: &mut StoreView, profile: &ProfileId, leaks: bool) {
    if leaks {
        store.usage.entry(profile.clone()).or_default();
    }
    if let Some(mark) = store.usage.get_mut(profile) {
        reset(mark);
    }
}

fn applies(observed: &Observation, action: &Action) -> bool {
    let held = |store: &StoreId| {
        observed.profile(store, action.profile()).and_then(|view| view.material.fingerprint())
    };
    match action {
        Action::Insert { .. } => held(action.store()).is_none(),
        Action::Replace { expect, .. } | Action::Remove { expect, .. } | Action::FixType { expect, .. } => {
            held(action.store()) == Some(*expect)
        }
        Action::RemoveShadow { expect, inherits, .. } => {
            held(action.store()) == Some(*expect) && held(&StoreId::Base) == Some(*inherits)
        }
        Action::ResetCooldown { expect, .. } => {
            held(action.store()).or_else(|| held(&StoreId::Base)) == Some(*expect)
        }
    }
}

/// Finds a profile of this id that holds the value anywhere, for its form and its time.
fn find<'a>(
    observed: &'a Observation,
    profile: &ProfileId,
    provider: &ProviderId,
    value: Fingerprint,
) -> Option<&'a ProfileView> {
    observed
        .stores
        .values()
        .filter_map(|store| store.profiles.get(profile))
        .find(|view| view.provider == *provider && view.material.fingerprint() == Some(value))
}

fn plain(provider: &ProviderId, kind: &CredentialKind, value: Fingerprint) -> ProfileView {
    ProfileView {
        provider: provider.clone(),
        kind: kind.clone(),
        material: Material::Inline(value),
        expires: None,
        account: None,
        copy_to_agents: false,
    }
}

/// Resets authentication marks; billing and rate-limit marks stay.
fn reset(mark: &mut UsageView) {
    let auth = |one: &Option<(crate::Timestamp, String)>| {
        one.as_ref().is_some_and(|(_, reason)| crate::observation::is_auth(reason))
    };
    if auth(&mark.cooldown) {
        mark.cooldown = None;
    }
    if auth(&mark.disabled) {
        mark.disabled = None;
    }
    mark.error_count = 0;
}

/// Brings the candidates' values in line with the stores.
fn retell(observed: &mut Observation) {
    let seen = observed.clone();
    for agent in &mut observed.agents {
        let store = agent.store.clone();
        let told: Vec<(ProviderId, Vec<Candidate>)> = agent
            .candidates
            .iter()
            .map(|(provider, all)| {
                (provider.clone(), all.iter().filter_map(|one| again(&seen, &store, one)).collect())
            })
            .collect();
        agent.candidates = told.into_iter().collect();
        dedupe(agent);
    }
}

/// Returns a candidate as it stands now; `None` when it is gone.
fn again(seen: &Observation, store: &StoreId, old: &Candidate) -> Option<Candidate> {
    let Some(profile) = &old.profile else { return Some(old.clone()) };
    let own = seen.profile(store, profile);
    let (view, place) = match old.place {
        Place::Local | Place::Inherited if own.is_some() && *store != StoreId::Base => {
            let hidden = old.place == Place::Inherited;
            let view = if hidden { seen.profile(&StoreId::Base, profile)? } else { own? };
            (view, old.place.clone())
        }
        Place::Local if *store == StoreId::Base => (own?, Place::Local),
        Place::Local | Place::Inherited => (seen.profile(&StoreId::Base, profile)?, Place::Inherited),
        _ => return Some(old.clone()),
    };
    let mark = |id: &StoreId| seen.store(id).and_then(|store| store.usage.get(profile));
    let held = mark(store).or_else(|| mark(&StoreId::Base)).is_some_and(UsageView::auth_block);
    let mut new = old.clone();
    if let Standing::Out(crate::OutReason::CoolingDown { reason, .. }) = &old.standing
        && !held
        && crate::observation::is_auth(reason)
    {
        new.standing = Standing::Later;
    }
    if let Standing::Out(crate::OutReason::ModeMismatch { wanted }) = &old.standing
        && view.kind.allowed_by_mode(wanted)
    {
        new.standing = Standing::Later;
    }
    new.place = place;
    new.material = view.material.clone();
    new.kind = Some(view.kind.clone());
    Some(new)
}

/// Removes the second of two candidates that became the same one when a shadow was removed.
fn dedupe(agent: &mut AgentView) {
    for all in agent.candidates.values_mut() {
        let mut kept: Vec<Candidate> = Vec::new();
        for one in all.drain(..) {
            let same = kept.iter().any(|other| {
                one.profile.is_some() && other.profile == one.profile && other.place == one.place
            });
            if !same {
                kept.push(one);
            }
        }
        *all = kept;
    }
}
