//! Making a running gateway see what the stores hold.

mod files;
mod held;

use crate::observation::AgentView;
use crate::{CredentialKind, Layout, Observation, StoreId, Timestamp, instance::ActivationWay};
use serde::{Deserialize, Serialize};

pub use held::{BEGINNING, Held, certain, held};

/// Says what the person allows (`--activate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationMode {
    /// Reload where that is enough; say so where only a restart would help.
    #[default]
    Auto,
    /// Only ever reload.
    Reload,
    /// A restart is allowed.
    Restart,
    /// Touch nothing; the report says `not activated`.
    None,
}

/// Says what has to happen so that the gateway sees the plan's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationNeed {
    /// No gateway runs, or it already holds these values.
    #[default]
    None,
    /// It must read its stores again.
    Reload,
    /// Only a restart helps.
    Restart,
}

/// Says what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "activation", rename_all = "snake_case")]
pub enum ActivationOutcome {
    /// Nothing was needed.
    NotNeeded,
    /// No gateway runs; it will read the stores when it starts.
    GatewayDown,
    /// The gateway has read its stores again.
    Done {
        /// How.
        way: ActivationWay,
        /// When it confirmed.
        at: Timestamp,
    },
    /// It was not done, and why; the gateway still holds the old values.
    NotDone {
        /// Why, and the way out.
        reason: String,
        /// Whether only a restart would help.
        needs_restart: bool,
    },
    /// It was tried and cannot be proven.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Stands for a digest where it is only known that a gateway has not read what the stores hold. No store's digest is equal.
pub const UNKNOWN: &str = "unknown";
/// Between the digest of the values and that of the rest.
const REST: char = '/';
/// Between that and what references into files of the person's own lead to.
const REFERRED: char = '~';
/// Between a digest and the agents that were refused then.
const REFUSED: char = '+';

/// Returns the agents that OpenClaw refuses, with the file that makes it: from 2026.8.1 those without any profile of their own
/// while credentials of an earlier layout lie beside their stores. A gateway that has refused one goes on doing so until it
/// restarts, also when the file is gone.
pub fn refused(observed: &Observation) -> Vec<(&AgentView, &str)> {
    if observed.instance.layout != Layout::SharedRow {
        return Vec::new();
    }
    let refusal = |agent: &AgentView| {
        let store = observed.store(&agent.store).filter(|_| agent.store != StoreId::Base);
        store.filter(|store| store.profiles.is_empty())?.leftover.as_deref()
    };
    observed.agents.iter().filter_map(|agent| Some((agent, refusal(agent)?))).collect()
}

/// Returns the agents that were refused when this digest was made and are not any more: only a restart releases them.
pub fn released<'a>(digest: &'a str, observed: &Observation) -> Vec<&'a str> {
    let now = refused(observed);
    let then = digest.split_once(REFUSED).map_or("", |(_, then)| then);
    then.split(',')
        .filter(|id| !id.is_empty() && !now.iter().any(|(agent, _)| agent.id.as_str() == *id))
        .collect()
}

/// Returns a digest of what a gateway reads of every store: it need read nothing again while [`is_same`] holds.
///
/// It covers the values (store, profile, type and fingerprint), and apart from them orders and dates of expiry, and what each reference
/// into a file of the person's own leads to, where that can be read; it also names the agents that OpenClaw refuses. It does not cover
/// use marks, nor the tokens of an OAuth login, which the gateway itself renews. The text is for comparison only.
pub fn digest(observed: &Observation) -> String {
    let (values, rest) = (hash(&values_of(observed)), hash(&rest_of(observed)));
    let referred = files::part(observed).map_or_else(String::new, |part| format!("{REFERRED}{part}"));
    format!("{values}{REST}{rest}{referred}{}", refused_now(observed))
}

/// Returns the digest of the values alone, where nothing is known of orders and dates.
pub fn digest_of_values(observed: &Observation) -> String {
    format!("{}{}", hash(&values_of(observed)), refused_now(observed))
}

/// Tells whether the stores hold what they held when this digest was made, as far as it says.
pub fn is_same(digest: &str, observed: &Observation) -> bool {
    let now = self::digest(observed);
    is_same_in_stores(digest, &now) && files::agrees(parts(digest).referred, observed)
}

/// Tells whether nothing but a file that the stores or the config refer to has changed since this digest was made.
pub(crate) fn is_changed_in_files(digest: &str, observed: &Observation) -> bool {
    is_same_in_stores(digest, &self::digest(observed)) && !is_same(digest, observed)
}

fn is_same_in_stores(known: &str, now: &str) -> bool {
    let (known, now) = (parts(known), parts(now));
    let rest = known.rest.is_none() || now.rest.is_none() || known.rest == now.rest;
    (known.values, known.refused) == (now.values, now.refused) && rest
}

/// A digest, taken apart.
struct Parts<'a> {
    values: &'a str,
    rest: Option<&'a str>,
    referred: Option<&'a str>,
    refused: Option<&'a str>,
}

fn parts(digest: &str) -> Parts<'_> {
    fn cut(text: &str, at: char) -> (&str, Option<&str>) {
        text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
    }
    let (digest, refused) = cut(digest, REFUSED);
    let (digest, referred) = cut(digest, REFERRED);
    let (values, rest) = cut(digest, REST);
    Parts { values, rest, referred, refused }
}

fn values_of(observed: &Observation) -> Vec<String> {
    let mut lines = Vec::new();
    for (store, view) in observed.used() {
        for (profile, one) in &view.profiles {
            let value = match one.material.fingerprint() {
                Some(print) if one.kind != CredentialKind::OAuth => print.hex(),
                _ => "-".to_owned(),
            };
            lines.push(format!("{store}\u{1f}{profile}\u{1f}{}\u{1f}{value}", one.kind));
        }
    }
    lines
}

fn rest_of(observed: &Observation) -> Vec<String> {
    let mut lines = Vec::new();
    for (store, view) in observed.used() {
        for (provider, ids) in view.order.iter().filter(|(_, ids)| !ids.is_empty()) {
            let ids: Vec<&str> = ids.iter().map(crate::ProfileId::as_str).collect();
            lines.push(format!("{store}\u{1f}{provider}\u{1f}{}", ids.join("\u{1f}")));
        }
        let dated = view.profiles.iter().filter(|(_, one)| one.kind != CredentialKind::OAuth);
        lines.extend(dated.filter_map(|(id, one)| Some(format!("{store}\u{1f}{id}\u{1f}{}", one.expires?))));
    }
    lines
}

/// FNV-1a over keyed fingerprints: a change marker, not a protection.
fn hash(lines: &[String]) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in lines.join("\n").bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("{hash:032x}")
}

fn refused_now(observed: &Observation) -> String {
    let refused: Vec<&str> = refused(observed).into_iter().map(|(agent, _)| agent.id.as_str()).collect();
    if refused.is_empty() { String::new() } else { format!("{REFUSED}{}", refused.join(",")) }
}
