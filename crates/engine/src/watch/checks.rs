//! When a watch verifies: on a schedule, after what agents send has changed, and later where providers limit or are down. It asks no
//! clock.

use super::state::later;
use crate::verify::VerifyReport;
use jiff::SignedDuration;
use keyshoal_core::{AgentId, CredentialKind, Fingerprint, Observation, ProviderId, Timestamp, VerdictKind};
use std::collections::BTreeSet;

/// Says when a watch verifies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyPolicy {
    /// So often; `None`: not on a schedule.
    pub every: Option<SignedDuration>,
    /// After what agents send has changed.
    pub after_change: bool,
    /// Also put a prompt to every agent through the running gateway.
    pub through_gateway: bool,
}

impl VerifyPolicy {
    /// Tells whether it ever verifies.
    pub fn is_on(&self) -> bool {
        self.every.is_some() || self.after_change
    }
}

/// Changes come in bursts: from one verification to that of the next change it waits at least so long.
const APART: SignedDuration = SignedDuration::from_secs(10);
/// The first wait where a provider is down or cannot be reached; each further one is twice as long.
const DOWN: SignedDuration = SignedDuration::from_secs(60);
/// The same where it says that there are too many requests.
const LIMITED: SignedDuration = SignedDuration::from_secs(240);
/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// The longest wait that a provider is granted.
const LONGEST_WANTED: SignedDuration = SignedDuration::from_hours(1);

/// Returns how long the providers of a verification want to be left alone.
pub fn wanted(report: &VerifyReport) -> Option<SignedDuration> {
    let proofs = report.agents.iter().flat_map(|agent| &agent.proofs);
    let seconds = proofs.filter_map(|proof| proof.verdict.retry_after).max()?;
    Some(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// What agents send, as far as asking about it anew would tell something new.
pub type Sends = BTreeSet<(AgentId, ProviderId, String, Fingerprint)>;

/// Returns what agents send. An OAuth login renews its token by itself, which is no change.
pub fn sends(observed: &Observation) -> Sends {
    let mut sends = Sends::new();
    for agent in observed.agents.iter().filter(|agent| agent.enabled) {
        for (provider, candidates) in &agent.candidates {
            let endpoint = agent.endpoints.get(provider).map(keyshoal_core::Endpoint::key);
            for one in candidates.iter().filter(|one| one.kind != Some(CredentialKind::OAuth)) {
                if let Some(value) = one.material.fingerprint() {
                    let whom = endpoint.clone().unwrap_or_default();
                    sends.insert((agent.id.clone(), provider.clone(), whom, value));
                }
            }
        }
    }
    sends
}

/// Says how providers answered as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// All that were asked answered.
    None,
    /// One is down or cannot be reached.
    Down,
    /// One says that there are too many requests.
    Limited,
}

impl Trouble {
    /// Judges a verification.
    pub fn of(report: &VerifyReport) -> Self {
        let kinds =
            report.agents.iter().flat_map(|agent| agent.proofs.iter().map(|proof| proof.verdict.kind));
        let troubles = kinds.filter(|kind| kind.is_passing()).map(|kind| match kind {
            VerdictKind::RateLimited => Self::Limited,
            _ => Self::Down,
        });
        troubles.max().unwrap_or(Self::None)
    }
}

/// Remembers when the next verification is due.
#[derive(Clone, Debug)]
pub struct Checks {
    policy: VerifyPolicy,
    last: Option<Timestamp>,
    known: Option<Sends>,
    /// What agents send has changed at this time, and nobody has verified since.
    changed: Option<Timestamp>,
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Checks {
    /// Begins; on a schedule, the first is due at once.
    pub fn new(policy: VerifyPolicy) -> Self {
        Self { policy, last: None, known: None, changed: None, failures: 0, not_before: None }
    }

    /// Returns how to verify.
    pub fn policy(&self) -> &VerifyPolicy {
        &self.policy
    }

    /// Takes in what a look saw.
    pub fn looked(&mut self, sends: Sends, now: Timestamp) {
        let other = self.known.as_ref().is_some_and(|known| *known != sends);
        if other && self.policy.after_change {
            self.changed = self.changed.or(Some(now));
        }
        self.known = Some(sends);
    }

    /// Takes in that a verification has ended, how providers answered, and how long one wants to be left alone.
    pub fn verified(&mut self, trouble: Trouble, wanted: Option<SignedDuration>, now: Timestamp) {
        self.last = Some(now);
        self.changed = None;
        let first = match trouble {
            Trouble::None => {
                self.failures = 0;
                self.not_before = None;
                return;
            }
            Trouble::Down => DOWN,
            Trouble::Limited => LIMITED,
        };
        let doubled = first.checked_mul(1 << self.failures.min(8)).unwrap_or(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(LONGEST).max(wanted.unwrap_or_default().min(LONGEST_WANTED));
        self.not_before = Some(later(now, wait));
    }

    /// Returns when the next verification is due; the end of time when none is.
    pub fn wake_at(&self, now: Timestamp) -> Timestamp {
        if !self.policy.is_on() {
            return Timestamp::MAX;
        }
        if let Some(not_before) = self.not_before {
            return not_before;
        }
        let scheduled = match (self.policy.every, self.last) {
            (Some(every), Some(last)) => later(last, every),
            (Some(_), None) => now,
            (None, _) => Timestamp::MAX,
        };
        let changed = self.changed.map(|changed| match self.last {
            Some(last) => changed.max(later(last, APART)),
            None => changed,
        });
        changed.map_or(scheduled, |changed| changed.min(scheduled))
    }

    /// Tells whether one is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.wake_at(now) <= now
    }
}
