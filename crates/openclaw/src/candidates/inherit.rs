//! What an agent sees of two stores: its own and the base.

use super::CandidateInput;
use super::expiry::oauth_usable;
use super::names;
use super::rules::Rules;
use crate::store::{StoreContents, StoredProfile};
use keyshoal_core::{CredentialKind, Place, ProfileId, UsageView};
use std::collections::BTreeMap;

/// The two stores as one, with where everything comes from.
pub(super) struct Effective<'a> {
    /// The profiles that count, in the order by which the program breaks ties.
    pub profiles: Vec<Seen<'a>>,
    /// Profiles of the base store that a local one of the same id hides.
    pub hidden: Vec<Seen<'a>>,
    local: Option<&'a StoreContents>,
    base: &'a StoreContents,
    rules: Rules,
    /// Local OAuth profiles that gave way to another one of the base store.
    gave_way: BTreeMap<ProfileId, ProfileId>,
}

/// One profile and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    pub id: &'a ProfileId,
    pub profile: &'a StoredProfile,
    pub place: Place,
}

/// Whose explicit order it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderOf {
    Agent,
    Base,
    /// The base store's, with the agent's own profiles put before it.
    Both,
}

impl<'a> Effective<'a> {
    /// Puts the stores together by the rules of the layout.
    pub fn new(input: &CandidateInput<'a>, rules: Rules) -> Self {
        let base = input.base;
        let Some(local) = input.local else {
            let profiles = in_sequence(base, Place::Local);
            let gave_way = BTreeMap::new();
            return Self { profiles, hidden: Vec::new(), local: None, base, rules, gave_way };
        };
        let own = in_sequence(local, Place::Local);
        let inherited = in_sequence(base, Place::Inherited);
        let is_own = |id: &ProfileId| local.profiles.contains_key(id);
        let (hidden, inherited): (Vec<_>, Vec<_>) = inherited.into_iter().partition(|seen| is_own(seen.id));
        let profiles: Vec<Seen<'_>> = if rules.own_profiles_first {
            own.into_iter().chain(inherited).collect()
        } else {
            // Earlier releases keep the base store's sequence and put the agent's values in it.
            let mut profiles: Vec<Seen<'_>> = Vec::new();
            for id in sequence(base) {
                let own = own.iter().find(|seen| seen.id == id);
                profiles.extend(own.or_else(|| inherited.iter().find(|seen| seen.id == id)).cloned());
            }
            profiles.extend(own.into_iter().filter(|seen| !base.profiles.contains_key(seen.id)));
            profiles
        };
        let mut effective =
            Self { profiles, hidden, local: Some(local), base, rules, gave_way: BTreeMap::new() };
        if rules.oauth_drift_repaired {
            effective.repair_drift(input.now.as_millisecond());
        }
        effective
    }

    /// Returns a profile that counts.
    pub fn profile(&self, id: &ProfileId) -> Option<&Seen<'a>> {
        self.profiles.iter().find(|seen| seen.id == id)
    }

    /// Returns the use and cooldown marks that count for a profile: the agent's own entry hides the base store's, even an empty one.
    pub fn usage(&self, id: &ProfileId) -> Option<&'a UsageView> {
        let own =
            self.local.filter(|_| !self.gave_way.contains_key(id)).and_then(|local| local.usage.get(id));
        own.or_else(|| self.base.usage.get(id))
    }

    /// Returns the explicit order for a provider, if a store has one.
    pub fn order(&self, provider: &str) -> Option<(Vec<ProfileId>, OrderOf)> {
        let name = names::for_auth(provider, &self.rules);
        let find = |contents: &StoreContents| {
            let exact = contents.order.iter().find(|(of, _)| of.as_str() == name);
            let other =
                || contents.order.iter().find(|(of, _)| names::for_auth(of.as_str(), &self.rules) == name);
            exact.or_else(other).map(|(_, ids)| ids.clone())
        };
        let (ids, of) = match (self.local.and_then(find), find(self.base)) {
            (Some(own), _) => (own, OrderOf::Agent),
            (None, Some(shared)) => self.with_own_first(name, shared),
            (None, None) => return None,
        };
        let mut ids: Vec<ProfileId> =
            ids.into_iter().map(|id| self.gave_way.get(&id).cloned().unwrap_or(id)).collect();
        // An agent that has nothing of its own sees the base store as it is.
        let has_own = self.local.is_some_and(|local| {
            !(local.profiles.is_empty()
                && local.order.is_empty()
                && local.last_good.is_empty()
                && local.usage.is_empty())
        });
        if self.rules.order_drops_missing && has_own {
            ids.retain(|id| self.profile(id).is_some());
        }
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        (!ids.is_empty()).then_some((ids, of))
    }

    fn with_own_first(&self, name: &str, shared: Vec<ProfileId>) -> (Vec<ProfileId>, OrderOf) {
        let of_provider = |local: &'a StoreContents| -> Vec<ProfileId> {
            sequence(local)
                .into_iter()
                .filter(|id| names::for_auth(local.profiles[*id].provider.as_str(), &self.rules) == name)
                .cloned()
                .collect()
        };
        match self.local.map(of_provider) {
            Some(own) if self.rules.own_profiles_first && !own.is_empty() => {
                (own.into_iter().chain(shared).collect(), OrderOf::Both)
            }
            _ => (shared, OrderOf::Base),
        }
    }

    /// A local `<provider>:default` login gives way to a newer usable one of the base store that is of the same account.
    fn repair_drift(&mut self, now: i64) {
        let Some(local) = self.local else { return };
        for (id, old) in &local.profiles {
            let legacy = id.as_str() == format!("{}:default", old.provider);
            if old.kind != CredentialKind::OAuth || !legacy {
                continue;
            }
            if let Some(new) = replacement(self.base, id, old, now) {
                self.gave_way.insert(id.clone(), new.clone());
                self.profiles.retain(|seen| seen.id != id);
                if let Some(at) = self.hidden.iter().position(|seen| seen.id == id) {
                    self.profiles.push(self.hidden.remove(at));
                }
            }
        }
    }
}

fn replacement<'a>(
    base: &'a StoreContents,
    id: &ProfileId,
    old: &StoredProfile,
    now: i64,
) -> Option<&'a ProfileId> {
    let expires = |profile: &StoredProfile| profile.expires.as_ref().and_then(|at| at.as_ref().ok()).copied();
    let old_is_usable = oauth_usable(old, now);
    let mut found: Vec<(&ProfileId, &StoredProfile)> = base
        .profiles
        .iter()
        .filter(|(other, profile)| {
            *other != id && profile.kind == CredentialKind::OAuth && profile.provider == old.provider
        })
        .filter(|(_, new)| oauth_usable(new, now) && (!old_is_usable || expires(new) > expires(old)))
        .collect();
    found.sort_by_key(|(id, profile)| (std::cmp::Reverse(expires(profile)), (*id).clone()));
    let same: Vec<_> = found.iter().filter(|(_, new)| same_account(old, new)).collect();
    let nameless = old.account_id.is_none() && old.email.is_none();
    match same.as_slice() {
        [] if !old_is_usable => {
            let rest: Vec<_> = found.iter().filter(|(_, new)| !other_account(old, new)).collect();
            if let [(only, _)] = rest.as_slice() { Some(*only) } else { None }
        }
        [] => None,
        [_, _, ..] if nameless => None,
        [(first, _), ..] => Some(*first),
    }
}

fn same_account(old: &StoredProfile, new: &StoredProfile) -> bool {
    match (&old.account_id, &new.account_id) {
        (Some(old), Some(new)) => old.trim() == new.trim(),
        _ => match (&old.email, &new.email) {
            (Some(old), Some(new)) => old.trim().eq_ignore_ascii_case(new.trim()),
            _ => old.account_id.is_none() && old.email.is_none(),
        },
    }
}

fn other_account(old: &StoredProfile, new: &StoredProfile) -> bool {
    let differ = |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if !a.trim().eq_ignore_ascii_case(b.trim()));
    differ(&old.account_id, &new.account_id) || differ(&old.email, &new.email)
}

/// The ids of a store as they stand, and those that nobody put in a sequence after them.
fn sequence(contents: &StoreContents) -> Vec<&ProfileId> {
    let mut ids: Vec<&ProfileId> = contents
        .sequence
        .iter()
        .filter_map(|id| contents.profiles.get_key_value(id))
        .map(|(id, _)| id)
        .collect();
    let rest: Vec<&ProfileId> = contents.profiles.keys().filter(|id| !ids.contains(id)).collect();
    ids.extend(rest);
    ids
}

fn in_sequence(contents: &StoreContents, place: Place) -> Vec<Seen<'_>> {
    sequence(contents)
        .into_iter()
        .map(|id| Seen { id, profile: &contents.profiles[id], place: place.clone() })
        .collect()
}
