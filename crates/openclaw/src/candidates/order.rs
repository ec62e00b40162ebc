//! In which order the profiles of one provider are tried, and which are not.

use super::inherit::{Effective, OrderOf, Seen};
use super::rules::Rules;
use super::{CandidateInput, expiry, names};
use crate::store::StoredSecret;
use keyshoal_core::{CredentialKind, OutReason, ProfileId, ProviderId, Timestamp};
use std::collections::BTreeMap;

/// The profiles of one provider.
#[derive(Debug)]
pub(super) struct Order {
    /// Those that are tried, in order.
    pub usable: Vec<ProfileId>,
    /// Those that would be if they did not cool down, the one that is free first.
    pub cooling: Vec<ProfileId>,
    /// Those that are not, and why.
    pub out: BTreeMap<ProfileId, OutReason>,
    /// What decided the order, in words.
    pub because: &'static str,
    /// A store or the config has an explicit order.
    pub explicit: bool,
    /// Some profile is eligible, even if all of them are cooling down.
    pub any_eligible: bool,
}

/// Orders the profiles of a provider as the program does.
pub(super) fn of_provider(
    input: &CandidateInput<'_>,
    effective: &Effective<'_>,
    provider: &ProviderId,
    rules: &Rules,
) -> Order {
    let name = names::for_auth(provider.as_str(), rules);
    let stored = effective.order(provider.as_str());
    let configured = order_in_config(input, name, rules);
    let declared = declared(input, name, rules);
    let all: Vec<ProfileId> = effective
        .profiles
        .iter()
        .filter(|seen| serves(seen, name, rules))
        .map(|seen| seen.id.clone())
        .collect();

    let from_store = stored.is_some();
    let (mut base, mut because, explicit) = match (stored, configured) {
        (Some((ids, OrderOf::Agent)), _) => (ids, "the agent's own order", true),
        (Some((ids, OrderOf::Base)), _) => (ids, "the order of the base store", true),
        (Some((ids, OrderOf::Both)), _) => {
            (ids, "the agent's own profiles, then the base store's order", true)
        }
        (None, Some(ids)) => (ids, "auth.order in the config", true),
        (None, None) if declared.is_empty() => (all.clone(), "all that are stored", false),
        (None, None) => (declared.clone(), "those listed in auth.profiles", false),
    };
    let mut explicit_sequence = explicit;
    let none_stored = base.iter().all(|id| effective.profile(id).is_none());
    let gives_way = !declared.is_empty() || rules.stale_order_gives_way && from_store;
    if !base.is_empty() && none_stored && gives_way {
        base = all.clone();
        because = "all that are stored, as none of the listed is";
        // Early releases keep to the sequence of the store even then.
        explicit_sequence = explicit && !rules.stale_order_gives_way;
    }

    let mut out = BTreeMap::new();
    for id in all.iter().filter(|id| !base.contains(id)) {
        out.insert(id.clone(), if explicit { OutReason::NotInOrder } else { OutReason::NotListed });
    }
    let mut eligible: Vec<&Seen<'_>> = Vec::new();
    for id in &base {
        let Some(seen) = effective.profile(id) else { continue };
        match ineligible(input, seen, name, rules) {
            Some(reason) => {
                out.insert(id.clone(), reason);
            }
            None if eligible.iter().any(|known| known.id == id) => {}
            None => eligible.push(seen),
        }
    }
    let any_eligible = !eligible.is_empty();
    let mut cooling = Vec::new();
    eligible.retain(|seen| match cooldown(effective, seen, input.now) {
        Some((until, reason)) => {
            out.insert(seen.id.clone(), reason);
            cooling.push((until, seen.id.clone()));
            false
        }
        None => true,
    });
    if !explicit_sequence {
        let now = input.now.as_millisecond();
        // A stable sort: where nothing else decides, the sequence of the store does.
        eligible.sort_by_key(|seen| {
            let expired = rules.expired_oauth_last && expiry::oauth_expired(seen.profile, now);
            let last_used = effective.usage(seen.id).and_then(|usage| usage.last_used);
            (by_type(&seen.profile.kind), expired, last_used.map_or(0, Timestamp::as_millisecond))
        });
    }
    cooling.sort_by_key(|(until, _)| *until);
    Order {
        cooling: cooling.into_iter().map(|(_, id)| id).collect(),
        usable: eligible.into_iter().map(|seen| seen.id.clone()).collect(),
        out,
        because,
        explicit,
        any_eligible,
    }
}

fn by_type(kind: &CredentialKind) -> u8 {
    match kind {
        CredentialKind::OAuth => 0,
        CredentialKind::Token => 1,
        CredentialKind::ApiKey => 2,
        CredentialKind::Unknown(_) => 3,
    }
}

/// Tells whether a profile is of the provider that goes by this name.
pub(super) fn serves(seen: &Seen<'_>, name: &str, rules: &Rules) -> bool {
    names::for_auth(seen.profile.provider.as_str(), rules) == name
}

fn order_in_config(input: &CandidateInput<'_>, name: &str, rules: &Rules) -> Option<Vec<ProfileId>> {
    let order = &input.config.order;
    order.iter().find(|(of, _)| names::for_auth(of.as_str(), rules) == name).map(|(_, ids)| ids.clone())
}

fn declared(input: &CandidateInput<'_>, name: &str, rules: &Rules) -> Vec<ProfileId> {
    let mut found: Vec<_> = input
        .config
        .profiles
        .iter()
        .filter(|(_, decl)| names::for_auth(decl.provider.as_str(), rules) == name)
        .collect();
    found.sort_by_key(|(_, decl)| decl.position);
    found.into_iter().map(|(id, _)| id.clone()).collect()
}

/// Says why a profile cannot be used for a provider, cooldowns left aside.
pub(super) fn ineligible(
    input: &CandidateInput<'_>,
    seen: &Seen<'_>,
    name: &str,
    rules: &Rules,
) -> Option<OutReason> {
    let profile = seen.profile;
    if !serves(seen, name, rules) {
        return Some(OutReason::ProviderMismatch);
    }
    if let Some(decl) = input.config.profiles.get(seen.id) {
        if names::for_auth(decl.provider.as_str(), rules) != name {
            return Some(OutReason::ProviderMismatch);
        }
        if !profile.kind.allowed_by_mode(&decl.mode) {
            return Some(OutReason::ModeMismatch { wanted: decl.mode.clone() });
        }
    }
    match &profile.secret {
        StoredSecret::Absent => Some(OutReason::MissingCredential),
        StoredSecret::Fenced => Some(OutReason::Fenced),
        _ => expiry::out(profile, input.now.as_millisecond(), rules.oauth_margin),
    }
}

/// Says until when and why a mark holds a profile back.
pub(super) fn cooldown(
    effective: &Effective<'_>,
    seen: &Seen<'_>,
    now: Timestamp,
) -> Option<(Timestamp, OutReason)> {
    let ignored = names::ignores_cooldowns(seen.profile.provider.as_str());
    if ignored { None } else { blocked(effective, seen.id, now) }
}

/// The same for anything that has marks.
pub(super) fn blocked(
    effective: &Effective<'_>,
    id: &ProfileId,
    now: Timestamp,
) -> Option<(Timestamp, OutReason)> {
    let usage = effective.usage(id)?;
    let marks = [&usage.cooldown, &usage.disabled].into_iter().flatten();
    let (until, reason) = marks.filter(|(until, _)| *until > now).max_by_key(|(until, _)| *until)?;
    Some((*until, OutReason::CoolingDown { until: *until, reason: reason.clone() }))
}
