//! When a condition is told of: the state machine of alarms. It asks no clock: passes carry the time.
//!
//! What stays until somebody does something is told of at the first sight. What may pass by itself is told of when it was seen so
//! many times in a row, or for so long. Nothing is told twice while it lasts, and its end is told once.

use super::state::later;
use jiff::SignedDuration;
use keyshoal_core::alarm::Source;
use keyshoal_core::{Alarm, Condition, ConditionId, Nature, Timestamp, Turned};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Says when trouble that may pass by itself is told of: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hysteresis {
    /// It was seen so many times in a row.
    pub times: u32,
    /// It was seen again after so long, and at no pass between was it gone.
    pub after: SignedDuration,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self { times: 3, after: SignedDuration::from_mins(10) }
    }
}

/// What one source sees at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The source. What others brought is left as it is.
    pub source: Source,
    /// What is not as it should be.
    pub seen: BTreeMap<ConditionId, Condition>,
    /// What cannot be told this time: it neither counts nor ends.
    pub open: BTreeSet<ConditionId>,
}

impl Pass {
    /// Makes one that sees nothing wrong.
    pub fn new(source: Source) -> Self {
        Self { source, seen: BTreeMap::new(), open: BTreeSet::new() }
    }

    /// Adds a condition.
    pub fn see(&mut self, condition: Condition) {
        self.seen.insert(condition.id.clone(), condition);
    }
}

/// One condition that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What.
    pub condition: Condition,
    /// When it was first seen.
    pub since: Timestamp,
    /// How many times in a row it was seen.
    pub times: u32,
    /// It was told of.
    pub told: bool,
}

/// Remembers what is not as it should be, and what was told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    hysteresis: Hysteresis,
    standing: BTreeMap<ConditionId, Standing>,
}

impl Alarms {
    /// Begins with nothing known.
    pub fn new(hysteresis: Hysteresis) -> Self {
        Self { hysteresis, standing: BTreeMap::new() }
    }

    /// Goes on with another hysteresis.
    pub fn set_hysteresis(&mut self, hysteresis: Hysteresis) {
        self.hysteresis = hysteresis;
    }

    /// Goes on from what was remembered elsewhere.
    pub fn restore(&mut self, standing: Vec<Standing>) {
        self.standing = standing.into_iter().map(|one| (one.condition.id.clone(), one)).collect();
    }

    /// Returns what is there, told of or not.
    pub fn standing(&self) -> impl Iterator<Item = &Standing> {
        self.standing.values()
    }

    /// Takes a pass in and returns what is to be told, ends first.
    pub fn take(&mut self, pass: Pass, now: Timestamp) -> Vec<Alarm> {
        let Pass { source, seen, open } = pass;
        let mut told = Vec::new();
        self.standing.retain(|id, one| {
            let stays = id.topic.source() != source || seen.contains_key(id) || open.contains(id);
            if !stays && one.told {
                told.push(alarm(Turned::Recovered, one));
            }
            stays
        });
        for (id, condition) in seen {
            if id.topic.source() != source {
                continue;
            }
            let one = self.standing.entry(id).or_insert_with(|| Standing {
                condition: condition.clone(),
                since: now,
                times: 0,
                told: false,
            });
            one.condition = condition;
            one.times = one.times.saturating_add(1);
            if !one.told && self.hysteresis.is_over(one, now) {
                one.told = true;
                told.push(alarm(Turned::Raised, one));
            }
        }
        told
    }
}

impl Hysteresis {
    fn is_over(self, one: &Standing, now: Timestamp) -> bool {
        one.condition.nature == Nature::Lasting
            || one.times >= self.times.max(1)
            || one.times > 1 && later(one.since, self.after) <= now
    }
}

fn alarm(turned: Turned, one: &Standing) -> Alarm {
    Alarm { turned, condition: one.condition.clone(), since: one.since }
}
