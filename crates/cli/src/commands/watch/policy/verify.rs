//! `[verify]` and `[alarms]`: when a watch asks providers, and when it raises an alarm.

use jiff::SignedDuration;
use keyshoal_engine::watch::{Hysteresis, VerifyPolicy};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    every_minutes: u32,
    after_change: bool,
    through_gateway: bool,
}

impl Default for Verify {
    fn default() -> Self {
        Self { every_minutes: 30, after_change: true, through_gateway: false }
    }
}

impl Verify {
    /// Returns it as the engine takes it.
    pub fn policy(&self) -> VerifyPolicy {
        VerifyPolicy {
            every: (self.every_minutes > 0).then(|| SignedDuration::from_mins(i64::from(self.every_minutes))),
            after_change: self.after_change,
            through_gateway: self.through_gateway,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alarms {
    after_times: u32,
    after_minutes: u32,
    per_hour: u32,
}

impl Default for Alarms {
    fn default() -> Self {
        Self { after_times: 3, after_minutes: 10, per_hour: 30 }
    }
}

impl Alarms {
    /// Returns how many messages an addressee gets within an hour at most; 0: any number.
    pub fn per_hour(&self) -> u32 {
        self.per_hour
    }

    /// Returns it as the engine takes it.
    pub fn hysteresis(&self) -> Hysteresis {
        Hysteresis {
            times: self.after_times,
            after: SignedDuration::from_mins(i64::from(self.after_minutes)),
        }
    }
}
