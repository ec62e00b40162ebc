//! How much is asked, how fast, and when to stop: bounds over all requests of one round, and over those to one endpoint.

use keyshoal_core::VerdictKind;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// How a [`crate::Prober`] spares the providers, the network and the person's money.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many requests are under way at once.
    pub concurrency: usize,
    /// How many of them go to one endpoint.
    pub per_endpoint: usize,
    /// How long after one request to an endpoint the next one starts, at least.
    pub interval: Duration,
    /// What is added to that by chance, at most, so that many programs do not ask in step.
    pub jitter: Duration,
    /// After so many failures in a row (no answer, or 5xx) the rest of an endpoint's questions is answered without being asked.
    pub give_up_after: u32,
    /// How many requests are sent at most, controls included; `None` for as many as there are questions.
    pub max_requests: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 8,
            per_endpoint: 4,
            interval: Duration::from_millis(20),
            jitter: Duration::from_millis(10),
            give_up_after: 3,
            max_requests: None,
        }
    }
}

/// How many requests were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// With credentials that were asked about.
    pub probes: u64,
    /// With keys that cannot be right.
    pub controls: u64,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Probe,
    Control,
}

/// Counts requests.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    probes: AtomicU64,
    controls: AtomicU64,
}

impl Counter {
    fn count(&self, errand: Errand) {
        match errand {
            Errand::Probe => &self.probes,
            Errand::Control => &self.controls,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Requests {
        Requests {
            probes: self.probes.load(Ordering::Relaxed),
            controls: self.controls.load(Ordering::Relaxed),
        }
    }
}

/// Why a request is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The endpoint failed so many times in a row, the last time like this.
    Broken { kind: VerdictKind, failures: u32 },
    /// As many requests as are allowed were sent.
    Spent { allowed: u32 },
}

impl Refused {
    /// Returns the verdict and what the person should know.
    pub(crate) fn verdict(self, host: &str) -> (VerdictKind, String) {
        match self {
            Self::Broken { kind, failures } => (
                kind,
                format!(
                    "not asked: {host} failed {failures} times in a row ({}); ask again later",
                    kind.short()
                ),
            ),
            Self::Spent { allowed } => (
                VerdictKind::NotAsked,
                format!("not asked: the bound of {allowed} requests was reached; allow more or ask again"),
            ),
        }
    }
}

/// The way through which every request of a round goes.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: Limits,
    counter: Arc<Counter>,
    all: Arc<Semaphore>,
    sent: AtomicU32,
    lanes: Mutex<BTreeMap<String, Arc<Lane>>>,
}

#[derive(Debug)]
struct Lane {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: Instant,
    failures: u32,
    broken: Option<VerdictKind>,
}

/// Leave to send one request.
#[derive(Debug)]
pub(crate) struct Leave {
    lane: Arc<Lane>,
    give_up_after: u32,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Gate {
    pub(crate) fn new(limits: &Limits, counter: &Arc<Counter>) -> Self {
        Self {
            limits: limits.clone(),
            counter: Arc::clone(counter),
            all: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            sent: AtomicU32::new(0),
            lanes: Mutex::default(),
        }
    }

    /// Waits for its turn at an endpoint.
    pub(crate) async fn enter(&self, endpoint: &str, errand: Errand) -> Result<Leave, Refused> {
        let lane = self.lane(endpoint);
        let closed = |_| Refused::Spent { allowed: self.sent.load(Ordering::Relaxed) };
        // The semaphores are never closed.
        let here = Arc::clone(&lane.permits).acquire_owned().await.map_err(closed)?;
        lane.refuses()?;
        let turn = lane.turn(self.limits.interval + self.limits.jitter.mul_f64(fastrand::f64()));
        sleep_until(turn).await;
        let everywhere = Arc::clone(&self.all).acquire_owned().await.map_err(closed)?;
        // Those before may have failed meanwhile.
        lane.refuses()?;
        self.spend()?;
        self.counter.count(errand);
        Ok(Leave { lane, give_up_after: self.limits.give_up_after.max(1), _permits: (here, everywhere) })
    }

    fn lane(&self, endpoint: &str) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Lane {
                permits: Arc::new(Semaphore::new(self.limits.per_endpoint.max(1))),
                state: Mutex::new(State { next: Instant::now(), failures: 0, broken: None }),
            })
        };
        Arc::clone(lanes.entry(endpoint.to_owned()).or_insert_with(new))
    }

    fn spend(&self) -> Result<(), Refused> {
        let Some(allowed) = self.limits.max_requests else { return Ok(()) };
        let more = |sent: u32| (sent < allowed).then_some(sent + 1);
        let spent = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        spent.map(drop).map_err(|_| Refused::Spent { allowed })
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuses(&self) -> Result<(), Refused> {
        let state = self.state();
        match state.broken {
            Some(kind) => Err(Refused::Broken { kind, failures: state.failures }),
            None => Ok(()),
        }
    }

    /// Takes the next free time, and leaves the one after it to the next.
    fn turn(&self, gap: Duration) -> Instant {
        let mut state = self.state();
        let turn = state.next.max(Instant::now());
        state.next = turn + gap;
        turn
    }
}

impl Leave {
    /// Takes note of how it went.
    pub(crate) fn done(self, failure: Option<VerdictKind>) {
        let mut state = self.lane.state();
        match failure {
            None => state.failures = 0,
            Some(_) if state.broken.is_some() => {}
            Some(kind) => {
                state.failures += 1;
                state.broken = (state.failures >= self.give_up_after).then_some(kind);
            }
        }
    }
}
