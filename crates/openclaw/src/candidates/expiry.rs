//! When the time of a profile is over.

use crate::store::{StoredProfile, StoredSecret};
use keyshoal_core::{CredentialKind, OutReason, time};

/// JavaScript's last date.
const LAST_DATE: i64 = 8_640_000_000_000_000;
/// The margin by which logins count as usable (since 2026.6).
const MARGIN: i64 = 300_000;

/// Says why the time of a profile keeps it from being used, if so. `margin`: see [`super::rules::Rules::oauth_margin`].
pub(super) fn out(profile: &StoredProfile, now: i64, margin: Option<i64>) -> Option<OutReason> {
    match profile.kind {
        CredentialKind::Token => token(profile, now),
        CredentialKind::OAuth => oauth(profile, now, margin),
        CredentialKind::ApiKey | CredentialKind::Unknown(_) => None,
    }
}

fn token(profile: &StoredProfile, now: i64) -> Option<OutReason> {
    match &profile.expires {
        None => None,
        Some(Ok(at)) if (1..=LAST_DATE).contains(at) => (now >= *at).then(|| over(*at)),
        Some(_) => Some(OutReason::InvalidExpires),
    }
}

/// A login that can be renewed is renewed when it is needed; only one that cannot is out.
fn oauth(profile: &StoredProfile, now: i64, margin: Option<i64>) -> Option<OutReason> {
    let StoredSecret::OAuth { refresh: None, .. } = &profile.secret else { return None };
    match &profile.expires {
        // Early releases use a login without an end for ever.
        None => margin.map(|_| OutReason::InvalidExpires),
        Some(Ok(at)) => (at.saturating_sub(now) <= margin.unwrap_or(0)).then(|| over(*at)),
        Some(Err(_)) => Some(OutReason::InvalidExpires),
    }
}

fn over(at: i64) -> OutReason {
    time::from_millis(at).map_or(OutReason::InvalidExpires, |at| OutReason::Expired { at })
}

/// Tells whether a login's access token may be used as it is.
pub(super) fn oauth_usable(profile: &StoredProfile, now: i64) -> bool {
    let fresh =
        matches!(&profile.expires, Some(Ok(at)) if *at <= LAST_DATE && at.saturating_sub(now) > MARGIN);
    fresh && matches!(&profile.secret, StoredSecret::OAuth { access, .. } if !access.is_empty())
}

/// Tells whether the time of a login is over.
pub(super) fn oauth_expired(profile: &StoredProfile, now: i64) -> bool {
    profile.kind == CredentialKind::OAuth
        && matches!(&profile.expires, Some(Ok(at)) if (1..=LAST_DATE).contains(at) && *at <= now)
}
