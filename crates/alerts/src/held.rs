//! What waits for the end of the quiet hours. Pure: it is told the time.

use crate::{Message, Quiet, Target};
use jiff::tz::TimeZone;
use keyshoal_core::Timestamp;

/// Holds messages back while an addressee is to be left in peace.
#[derive(Debug)]
pub struct Held {
    quiet: Option<Quiet>,
    urgent_too: bool,
    zone: TimeZone,
    waiting: Vec<Message>,
}

impl Held {
    /// Makes it for an addressee.
    pub fn new(target: &Target, zone: TimeZone) -> Self {
        Self { quiet: target.quiet, urgent_too: target.urgent_too, zone, waiting: Vec::new() }
    }

    fn is_quiet(&self, now: Timestamp) -> bool {
        self.quiet.is_some_and(|quiet| quiet.holds(now, &self.zone))
    }

    /// Takes a message and returns what of it is to be sent now.
    pub fn take(&mut self, message: Message, now: Timestamp) -> Option<Message> {
        if !self.is_quiet(now) {
            self.waiting.push(message);
            return self.release();
        }
        let (urgent, other) = if self.urgent_too { (None, Some(message)) } else { message.divided() };
        self.waiting.extend(other);
        urgent
    }

    /// Returns what has waited, once the quiet hours are over.
    pub fn due(&mut self, now: Timestamp) -> Option<Message> {
        if self.is_quiet(now) { None } else { self.release() }
    }

    /// Returns what has waited, whatever the hour. What came and went meanwhile is nobody's business.
    pub fn release(&mut self) -> Option<Message> {
        Message::joined(std::mem::take(&mut self.waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{About, Kind, Scrub};
    use keyshoal_core::{Alarm, Condition, ConditionId, Nature, Topic, Turned};

    fn at(text: &str) -> Timestamp {
        format!("2026-03-01T{text}Z").parse().unwrap()
    }

    fn message(turned: Turned, nature: Nature, agent: &str) -> Message {
        let id = ConditionId { agent: Some(agent.into()), ..ConditionId::of(Topic::Rejected) };
        let condition = Condition { id, nature, message: format!("about {agent}"), fix: None };
        let alarm = Alarm { turned, condition, since: at("00:00:00") };
        Message::new(&[alarm], &About::default(), &Scrub::default(), at("00:00:00"))
    }

    fn held(urgent_too: bool) -> Held {
        let kind = Kind::Command { command: "true".to_owned() };
        let quiet = Some("22:00-07:00".parse().unwrap());
        Held::new(&Target { name: "me".to_owned(), kind, quiet, urgent_too }, TimeZone::UTC)
    }

    #[test]
    fn at_night_only_what_is_urgent_is_sent() {
        let mut held = held(false);
        let night = at("23:00:00");
        assert!(held.take(message(Turned::Raised, Nature::Lasting, "a"), night).is_some());
        assert!(held.take(message(Turned::Raised, Nature::Passing, "b"), night).is_none());
        assert!(held.take(message(Turned::Recovered, Nature::Lasting, "a"), night).is_none());
        assert!(held.due(night).is_none());
        let morning = held.due(at("07:00:00")).unwrap().text();
        assert!(morning.contains("about b") && morning.contains("well again: about a"), "{morning}");
        assert!(held.due(at("07:01:00")).is_none());
    }

    #[test]
    fn what_came_and_went_at_night_is_nobodys_business() {
        let mut held = held(true);
        let night = at("23:00:00");
        for turned in [Turned::Raised, Turned::Recovered] {
            assert!(held.take(message(turned, Nature::Lasting, "a"), night).is_none());
        }
        assert!(held.due(at("08:00:00")).is_none());
    }

    #[test]
    fn by_day_everything_is_sent_at_once() {
        assert!(held(true).take(message(Turned::Raised, Nature::Passing, "b"), at("12:00:00")).is_some());
    }
}
