//! The state machine of a watch. It waits for nothing and asks no clock: events carry the time.

use super::back_off::BackOff;
use jiff::SignedDuration;
use keyshoal_core::{Fingerprint, ProfileId, StoreId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Says how a watch behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Repair what a sync without questions would repair. Otherwise only report.
    pub repair: bool,
    /// How long it must be quiet after a change before it looks.
    pub quiet: SignedDuration,
    /// How long it waits at most while changes keep coming.
    pub at_most: SignedDuration,
    /// How often it looks without being told, as a net under missed notifications.
    pub every: SignedDuration,
    /// How often a repair may be undone by somebody else, within `fight_within`, before it stops repairing that profile.
    pub fight_after: usize,
    /// See `fight_after`; it also stays out of a fight for this long.
    pub fight_within: SignedDuration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            repair: false,
            quiet: SignedDuration::from_millis(250),
            at_most: SignedDuration::from_secs(2),
            every: SignedDuration::from_secs(60),
            fight_after: 3,
            fight_within: SignedDuration::from_secs(600),
        }
    }
}

/// Tells the state machine what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file under watch changed. `modified` is its time of change, where it could be read.
    Changed {
        /// Which.
        path: String,
        /// Its time of change now.
        modified: Option<Timestamp>,
    },
    /// Time has passed.
    Tick,
    /// A look has ended.
    Looked(Seen),
    /// A look failed, and why.
    LookFailed(String),
    /// Another Keyshoal was at work: what was seen, or was to be repaired, is found out anew.
    Overtaken,
    /// A repair could not be begun or closed.
    RepairFailed,
    /// A repair has ended: what it wrote, and what was seen afterwards.
    Repaired {
        /// Its writes that are durable.
        writes: Vec<Write>,
        /// What was seen afterwards.
        seen: Seen,
        /// The gateway was told in a way that it does not confirm (a changed config).
        unconfirmed: bool,
    },
    /// Stop.
    Stop,
}

/// Says what a look saw, as far as a watch cares.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Seen {
    /// What a sync without questions would write.
    pub planned: Vec<Write>,
    /// The gateway may hold older values than the stores, although nothing has to be written.
    pub activation: bool,
    /// [`keyshoal_core::activation::digest`] of what the stores held, and which gateway process was there.
    pub digest: String,
    /// What a person should read, in words; compared with the last time so that nothing is said twice.
    pub attention: BTreeSet<String>,
    /// When each store's file was last changed, by path.
    pub modified: BTreeMap<String, Timestamp>,
}

/// Names one write of a profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    /// Where.
    pub store: StoreId,
    /// Which profile.
    pub profile: ProfileId,
    /// What stands there before it.
    pub over: Option<Fingerprint>,
}

/// Asks the driver to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Look, and tell what was seen.
    Look,
    /// Repair all but these, and tell what was written.
    Repair {
        /// Leave these alone.
        except: BTreeSet<(StoreId, ProfileId)>,
    },
    /// Tell the person what needs attention now. Empty when nothing does any more.
    Report {
        /// What.
        attention: BTreeSet<String>,
    },
    /// Tell the person that somebody keeps undoing a repair, and that it is left alone for a while.
    Fight {
        /// Where.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
        /// How often it was undone.
        times: usize,
    },
    /// End.
    End,
}

/// Says for how long the gateway is not told again.
///
/// Only another value in a store, or another gateway process, ends it early. A changed file does not: use marks are written with every turn, and telling the
/// gateway by way of its config changes a file that is watched.
#[derive(Clone, Debug)]
struct Rest {
    /// What the stores held, and for which gateway process.
    digest: String,
    /// `None`: as long as they hold just that.
    until: Option<Timestamp>,
}

impl Rest {
    fn holds(&self, digest: &str, now: Timestamp) -> bool {
        self.digest == digest && self.until.is_none_or(|until| until > now)
    }
}

/// Remembers what a watch needs between events.
#[derive(Clone, Debug)]
pub struct WatchState {
    policy: Policy,
    /// When the first and the last change came that no look has answered yet.
    pending: Option<(Timestamp, Timestamp)>,
    /// A look or a repair is under way.
    busy: bool,
    last_look: Option<Timestamp>,
    said: BTreeSet<String>,
    modified: BTreeMap<String, Timestamp>,
    /// When each of our repairs was found undone.
    undone: BTreeMap<(StoreId, ProfileId), VecDeque<Timestamp>>,
    /// What we repaired and have not found undone since.
    repaired: BTreeSet<(StoreId, ProfileId)>,
    /// What we stay out of, and until when.
    fights: BTreeMap<(StoreId, ProfileId), Timestamp>,
    /// The gateway could not be told of what the stores hold, or does not confirm it.
    activation_rests: Option<Rest>,
    /// Looks that fail.
    looks: BackOff,
    /// Repairs that fail, and what they were to write.
    repairs: BackOff,
    unrepaired: Vec<Write>,
    ended: bool,
}

impl WatchState {
    /// Begins. The first tick looks.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            pending: None,
            busy: false,
            last_look: None,
            said: BTreeSet::new(),
            modified: BTreeMap::new(),
            undone: BTreeMap::new(),
            repaired: BTreeSet::new(),
            fights: BTreeMap::new(),
            activation_rests: None,
            looks: BackOff::new(SignedDuration::from_secs(1), SignedDuration::from_secs(60)),
            repairs: BackOff::new(SignedDuration::from_secs(30), SignedDuration::from_secs(600)),
            unrepaired: Vec::new(),
            ended: false,
        }
    }

    /// Returns when the next tick is due, so that the driver can sleep until then.
    pub fn wake_at(&self, now: Timestamp) -> Timestamp {
        let net = self.last_look.map_or(now, |last| later(last, self.policy.every));
        let due = match self.pending {
            Some((first, last)) => {
                later(first, self.policy.at_most).min(later(last, self.policy.quiet)).min(net)
            }
            None => net,
        };
        self.looks.until().map_or(due, |until| due.max(until))
    }

    /// Takes an event in and returns what is to be done, in order.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        if self.ended {
            return Vec::new();
        }
        match event {
            Event::Changed { path, modified } => {
                self.changed(&path, modified, now);
                Vec::new()
            }
            Event::Tick => self.tick(now),
            Event::Looked(seen) => self.looked(seen, now),
            Event::LookFailed(reason) => {
                self.busy = false;
                self.looks.failed(now);
                self.report(BTreeSet::from([reason]))
            }
            Event::Overtaken => {
                self.busy = false;
                self.pending = Some((now, now));
                Vec::new()
            }
            Event::RepairFailed => {
                self.busy = false;
                self.repairs.failed(now);
                Vec::new()
            }
            Event::Repaired { writes, seen, unconfirmed } => {
                self.after_repair(&writes, seen, unconfirmed, now)
            }
            Event::Stop => {
                self.ended = true;
                vec![Effect::End]
            }
        }
    }

    /// Notes a change, unless it is one that the last look or our own repair has already seen.
    fn changed(&mut self, path: &str, modified: Option<Timestamp>, now: Timestamp) {
        let seen = modified.is_some() && self.modified.get(path).copied() == modified;
        if !seen {
            let first = self.pending.map_or(now, |(first, _)| first);
            self.pending = Some((first, now));
        }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.busy || self.wake_at(now) > now {
            return Vec::new();
        }
        self.busy = true;
        self.pending = None;
        self.last_look = Some(now);
        vec![Effect::Look]
    }

    fn looked(&mut self, seen: Seen, now: Timestamp) -> Vec<Effect> {
        self.busy = false;
        self.looks.succeeded();
        self.modified = seen.modified;
        self.fights.retain(|_, until| *until > now);
        let mut effects = Vec::new();
        for write in &seen.planned {
            effects.extend(self.count_undone(write, now));
        }
        effects.extend(self.report(seen.attention));
        let place = |write: &Write| (write.store.clone(), write.profile.clone());
        if seen.planned != self.unrepaired {
            self.repairs.succeeded();
            self.unrepaired.clone_from(&seen.planned);
        }
        let open = seen.planned.iter().any(|write| !self.fights.contains_key(&place(write)))
            && !self.repairs.holds(now);
        let rests = self.activation_rests.as_ref().is_some_and(|rest| rest.holds(&seen.digest, now));
        let tell_gateway = seen.activation && !rests;
        if self.policy.repair && (open || tell_gateway) {
            self.busy = true;
            effects.push(Effect::Repair { except: self.fights.keys().cloned().collect() });
        }
        effects
    }

    /// Counts a repair of ours that somebody has undone, and stays out when it happens too often.
    fn count_undone(&mut self, write: &Write, now: Timestamp) -> Option<Effect> {
        let place = (write.store.clone(), write.profile.clone());
        if !self.repaired.remove(&place) {
            return None;
        }
        let times = self.undone.entry(place.clone()).or_default();
        times.push_back(now);
        while times.front().is_some_and(|first| later(*first, self.policy.fight_within) < now) {
            times.pop_front();
        }
        let times = times.len();
        if times < self.policy.fight_after {
            return None;
        }
        self.fights.insert(place, later(now, self.policy.fight_within));
        let Write { store, profile, .. } = write.clone();
        Some(Effect::Fight { store, profile, times })
    }

    fn after_repair(
        &mut self,
        writes: &[Write],
        seen: Seen,
        unconfirmed: bool,
        now: Timestamp,
    ) -> Vec<Effect> {
        self.busy = false;
        let until = (!unconfirmed).then(|| later(now, self.policy.fight_within));
        self.activation_rests = seen.activation.then_some(Rest { digest: seen.digest, until });
        self.modified = seen.modified;
        // What is still to be written after a repair that wrote nothing is what it failed to write.
        if writes.is_empty() && seen.planned == self.unrepaired && !seen.planned.is_empty() {
            self.repairs.failed(now);
        } else {
            self.repairs.succeeded();
        }
        self.repaired.extend(writes.iter().map(|write| (write.store.clone(), write.profile.clone())));
        self.report(seen.attention)
    }

    /// Reports when there is something else to say than the last time.
    fn report(&mut self, attention: BTreeSet<String>) -> Vec<Effect> {
        if attention == self.said {
            return Vec::new();
        }
        self.said.clone_from(&attention);
        vec![Effect::Report { attention }]
    }
}

/// Returns a later time; the end of time when there is none.
pub(super) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
