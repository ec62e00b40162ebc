//! What is said: one message for everything that turned at one moment, as a document and as words.

use crate::Scrub;
use keyshoal_core::{Alarm, Condition, ConditionId, Nature, Timestamp, Topic, Turned};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;
use uuid::Uuid;

/// A document names so many conditions at most, and says how many more there are.
const NAMED: usize = 100;
/// A text names so many.
const SPOKEN: usize = 20;
/// A sentence is cut after so many characters.
const SENTENCE: usize = 500;

/// Which installation a message is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Our id of it.
    pub id: Option<String>,
    /// Its state directory.
    pub state_dir: Option<String>,
}

/// One message. What must not leave the machine was taken out of it when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    id: String,
    at: Timestamp,
    about: About,
    test: bool,
    /// How many messages it stands for, where there were too many within the hour.
    summary_of: usize,
    alarms: Vec<Alarm>,
}

impl Message {
    /// Makes one of what turned.
    pub fn new(alarms: &[Alarm], about: &About, scrub: &Scrub, now: Timestamp) -> Self {
        let alarms = alarms.iter().map(|alarm| scrubbed(alarm, scrub)).collect();
        let about =
            About { id: about.id.clone(), state_dir: about.state_dir.as_deref().map(|dir| scrub.text(dir)) };
        Self { id: Uuid::new_v4().to_string(), at: now, about, test: false, summary_of: 0, alarms }
    }

    /// Makes one that only shows that messages arrive.
    pub fn test(about: &About, scrub: &Scrub, now: Timestamp) -> Self {
        let condition = Condition {
            id: ConditionId::of(Topic::NotLooked),
            nature: Nature::Passing,
            message: "this is a test of keyshoal: nothing is wrong".to_owned(),
            fix: None,
        };
        let alarm = Alarm { turned: Turned::Raised, condition, since: now };
        Self { test: true, ..Self::new(&[alarm], about, scrub, now) }
    }

    /// Puts several into one, in order. What came and went between them is left out.
    pub(crate) fn joined(messages: Vec<Self>) -> Option<Self> {
        let mut messages = messages.into_iter();
        let mut all = messages.next()?;
        for message in messages {
            for alarm in message.alarms {
                let came = |one: &Alarm| {
                    one.condition.id == alarm.condition.id
                        && one.turned == Turned::Raised
                        && alarm.turned == Turned::Recovered
                };
                match all.alarms.iter().position(came) {
                    Some(at) => {
                        all.alarms.remove(at);
                    }
                    None => all.alarms.push(alarm),
                }
            }
            all.at = message.at;
        }
        (!all.alarms.is_empty()).then_some(all)
    }

    /// Puts what came after too many messages into one that says so.
    pub(crate) fn summary(messages: Vec<Self>) -> Option<Self> {
        let count = messages.iter().map(|one| one.summary_of.max(1)).sum();
        let one = Self::joined(messages)?;
        Some(Self { summary_of: if count > 1 { count } else { 0 }, ..one })
    }

    /// Divides it into what is urgent and what is not.
    pub(crate) fn divided(self) -> (Option<Self>, Option<Self>) {
        let (urgent, other): (Vec<Alarm>, Vec<Alarm>) =
            self.alarms.iter().cloned().partition(Alarm::is_urgent);
        let with = |alarms: Vec<Alarm>| (!alarms.is_empty()).then(|| Self { alarms, ..self.clone() });
        match (with(urgent), with(other)) {
            // Two messages have two names.
            (Some(urgent), Some(other)) => {
                (Some(urgent), Some(Self { id: Uuid::new_v4().to_string(), ..other }))
            }
            one => one,
        }
    }

    /// Returns its name, which stays the same however often it is sent.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells whether somebody must not sleep over it.
    pub fn is_urgent(&self) -> bool {
        self.alarms.iter().any(Alarm::is_urgent)
    }

    /// Tells whether it only says that things are well again.
    pub fn is_recovery(&self) -> bool {
        self.count(Turned::Raised) == 0
    }

    fn count(&self, turned: Turned) -> usize {
        self.alarms.iter().filter(|alarm| alarm.turned == turned).count()
    }

    /// Returns it in one line, of ASCII only.
    pub fn title(&self) -> String {
        if self.test {
            return "Keyshoal: a test".to_owned();
        }
        let (raised, recovered) = (self.count(Turned::Raised), self.count(Turned::Recovered));
        let need = if raised == 1 { "needs" } else { "need" };
        match (raised, recovered) {
            (0, well) => format!("Keyshoal: {well} well again"),
            (wrong, 0) => format!("Keyshoal: {wrong} {need} attention"),
            (wrong, well) => format!("Keyshoal: {wrong} {need} attention, {well} well again"),
        }
    }

    /// Returns it in words, a line for each condition.
    pub fn text(&self) -> String {
        let mut text = self.title();
        if let Some(dir) = &self.about.state_dir {
            let _ = write!(text, " ({dir})");
        }
        for alarm in self.alarms.iter().take(SPOKEN) {
            let sign = match alarm.turned {
                Turned::Raised => "✗",
                Turned::Recovered => "✓ well again:",
            };
            let _ = write!(text, "\n{sign} {}", alarm.condition.message);
            if let (Some(fix), Turned::Raised) = (&alarm.condition.fix, alarm.turned) {
                let _ = write!(text, "\n   → {fix}");
            }
        }
        if self.summary_of > 0 {
            let _ = write!(
                text,
                "\n({} more messages in one: enough were sent within the hour)",
                self.summary_of
            );
        }
        if self.alarms.len() > SPOKEN {
            let _ = write!(text, "\nand {} more", self.alarms.len() - SPOKEN);
        }
        text
    }

    /// Returns it as `keyshoal.alert.v1`.
    pub fn document(&self) -> Value {
        let conditions: Vec<Value> = self.alarms.iter().take(NAMED).map(condition).collect();
        json!({
            "schema": "keyshoal.alert.v1",
            "id": self.id,
            "at": self.at,
            "test": self.test,
            "urgent": self.is_urgent(),
            "title": self.title(),
            "instance": { "id": self.about.id, "state_dir": self.about.state_dir },
            "conditions": conditions,
            "summary_of": self.summary_of,
            "more": self.alarms.len().saturating_sub(NAMED),
        })
    }
}

fn condition(alarm: &Alarm) -> Value {
    let Condition { id, nature, message, fix } = &alarm.condition;
    json!({
        "id": id.to_string(),
        "state": alarm.turned.as_str(),
        "kind": id.topic.as_str(),
        "nature": nature,
        "agent": id.agent,
        "provider": id.provider,
        "profile": id.profile,
        "since": alarm.since,
        "message": message,
        "fix": fix,
    })
}

fn scrubbed(alarm: &Alarm, scrub: &Scrub) -> Alarm {
    let sentence = |text: &str| {
        let line: String =
            text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(SENTENCE).collect();
        scrub.text(&line)
    };
    let mut alarm = alarm.clone();
    alarm.condition.message = sentence(&alarm.condition.message);
    alarm.condition.fix = alarm.condition.fix.as_deref().map(sentence);
    let id = &mut alarm.condition.id;
    id.agent = id.agent.as_ref().map(|one| keyshoal_core::AgentId::new(sentence(one.as_str())));
    id.provider = id.provider.as_ref().map(|one| keyshoal_core::ProviderId::new(sentence(one.as_str())));
    id.profile = id.profile.as_ref().map(|one| keyshoal_core::ProfileId::new(sentence(one.as_str())));
    alarm
}
