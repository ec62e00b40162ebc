//! `keyshoal.alerts.v1`, and alarms in the lines of `watch --json`.

use keyshoal_core::{AgentId, Alarm, Nature, ProfileId, ProviderId, Timestamp};
use serde::Serialize;

/// One thing that an alarm was raised about, or that is over.
#[derive(Clone, Debug, Serialize)]
pub struct AlarmDocument {
    id: String,
    state: &'static str,
    kind: &'static str,
    nature: Nature,
    agent: Option<AgentId>,
    provider: Option<ProviderId>,
    profile: Option<ProfileId>,
    since: Timestamp,
    message: String,
    fix: Option<String>,
}

impl AlarmDocument {
    /// Makes it.
    pub fn of(alarm: &Alarm) -> Self {
        let condition = &alarm.condition;
        let id = &condition.id;
        Self {
            id: id.to_string(),
            state: alarm.turned.as_str(),
            kind: id.topic.as_str(),
            nature: condition.nature,
            agent: id.agent.clone(),
            provider: id.provider.clone(),
            profile: id.profile.clone(),
            since: alarm.since,
            message: condition.message.clone(),
            fix: condition.fix.clone(),
        }
    }
}

/// What `alerts list --json` and `alerts test --json` print.
#[derive(Clone, Debug, Serialize)]
pub struct AlertsDocument {
    schema: &'static str,
    alerts: Vec<AddresseeDocument>,
    dead_letters: usize,
}

/// One addressee.
#[derive(Clone, Debug, Serialize)]
pub struct AddresseeDocument {
    /// Its name.
    pub name: String,
    /// How it is told.
    pub kind: &'static str,
    /// Where that leads: scheme and host only.
    pub to: Option<String>,
    /// Its quiet hours.
    pub quiet: Option<String>,
    /// `usable`, `unusable`; after a test `arrived` or `failed`.
    pub state: &'static str,
    /// What it answered, or what is wrong.
    pub reason: Option<String>,
}

impl AlertsDocument {
    /// Makes it.
    pub fn new(alerts: Vec<AddresseeDocument>, dead_letters: usize) -> Self {
        Self { schema: "keyshoal.alerts.v1", alerts, dead_letters }
    }
}
