//! What waits: for the end of the quiet hours, and for room within the hour. Pure: it is told the time.

use crate::{Message, Quiet, Target};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use keyshoal_core::Timestamp;
use std::collections::VecDeque;

/// In so long an addressee gets so many messages at most.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Holds messages back while an addressee is to be left in peace, or has heard enough.
#[derive(Debug)]
pub struct Held {
    quiet: Option<Quiet>,
    urgent_too: bool,
    zone: TimeZone,
    waiting: Vec<Message>,
    /// So many may be sent within an hour; `None`: any number.
    per_hour: Option<usize>,
    /// When the newest were sent, at most as many as are counted.
    sent: VecDeque<Timestamp>,
    /// What came after too many.
    over: Vec<Message>,
}

impl Held {
    /// Makes it for an addressee, with what has waited since before.
    pub fn new(target: &Target, zone: TimeZone, waiting: Vec<Message>) -> Self {
        Self {
            quiet: target.quiet,
            urgent_too: target.urgent_too,
            zone,
            waiting,
            per_hour: (target.per_hour > 0).then_some(target.per_hour as usize),
            sent: VecDeque::new(),
            over: Vec::new(),
        }
    }

    fn is_quiet(&self, now: Timestamp) -> bool {
        self.quiet.is_some_and(|quiet| quiet.holds(now, &self.zone))
    }

    /// Tells whether nothing more may be sent within this hour.
    fn is_full(&mut self, now: Timestamp) -> bool {
        while self.sent.front().is_some_and(|sent| now.duration_since(*sent) >= HOUR) {
            self.sent.pop_front();
        }
        self.per_hour.is_some_and(|most| self.sent.len() >= most)
    }

    /// Takes a message and returns what of it is to be sent now.
    pub fn take(&mut self, message: Message, now: Timestamp) -> Option<Message> {
        let wanted = if !self.is_quiet(now) {
            self.waiting.push(message);
            Message::joined(std::mem::take(&mut self.waiting))
        } else {
            let (urgent, other) = if self.urgent_too { (None, Some(message)) } else { message.divided() };
            self.waiting.extend(other);
            urgent
        };
        self.over.extend(wanted);
        self.room(now)
    }

    /// Returns what has waited, once the quiet hours are over or there is room again.
    pub fn due(&mut self, now: Timestamp) -> Option<Message> {
        if !self.is_quiet(now) {
            self.over.extend(Message::joined(std::mem::take(&mut self.waiting)));
        } else if !self.urgent_too {
            // An earlier watch may have left what was beyond its bound.
            for message in std::mem::take(&mut self.waiting) {
                let (urgent, other) = message.divided();
                self.over.extend(urgent);
                self.waiting.extend(other);
            }
        }
        self.room(now)
    }

    /// Returns what was held back, as one message, as soon as one may be sent.
    fn room(&mut self, now: Timestamp) -> Option<Message> {
        if self.over.is_empty() || self.is_full(now) {
            return None;
        }
        let message = Message::summary(std::mem::take(&mut self.over))?;
        if self.per_hour.is_some() {
            self.sent.push_back(now);
        }
        Some(message)
    }

    /// Returns everything that waits, the oldest first.
    pub fn all(&self) -> Vec<&Message> {
        self.over.iter().chain(&self.waiting).collect()
    }

    /// Gives up what waits. What came and went meanwhile is nobody's business.
    pub fn release(&mut self) -> Option<Message> {
        let mut all = std::mem::take(&mut self.over);
        all.append(&mut self.waiting);
        Message::joined(all)
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
        Held::new(
            &Target { name: "me".to_owned(), kind, quiet, urgent_too, per_hour: 3 },
            TimeZone::UTC,
            Vec::new(),
        )
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
    fn who_has_heard_enough_hears_the_rest_in_one_when_an_hour_is_over() {
        let mut held = held(false);
        let raised = |agent: &str| message(Turned::Raised, Nature::Lasting, agent);
        for (at, agent) in [("12:00:00", "a"), ("12:01:00", "b"), ("12:02:00", "c")] {
            assert!(held.take(raised(agent), self::at(at)).is_some());
        }
        for agent in ["d", "e"] {
            assert!(held.take(raised(agent), at("12:03:00")).is_none());
        }
        assert_eq!(held.all().len(), 2);
        assert!(held.due(at("12:59:59")).is_none());
        let rest = held.due(at("13:00:00")).unwrap();
        assert!(
            rest.text().contains("2 more messages") && rest.text().contains("about e"),
            "{}",
            rest.text()
        );
        assert!(held.all().is_empty());
        assert!(held.take(raised("f"), at("13:00:30")).is_none(), "three were sent since 12:01");
        let rest = held.due(at("13:01:00")).unwrap().text();
        assert!(rest.contains("about f") && !rest.contains("more messages"), "{rest}");
    }

    #[test]
    fn what_came_and_went_beyond_the_bound_takes_no_room() {
        let mut held = held(false);
        for agent in ["a", "b", "c"] {
            assert!(held.take(message(Turned::Raised, Nature::Lasting, agent), at("12:00:00")).is_some());
        }
        for turned in [Turned::Raised, Turned::Recovered] {
            assert!(held.take(message(turned, Nature::Lasting, "d"), at("12:01:00")).is_none());
        }
        assert!(held.due(at("13:00:00")).is_none());
        for agent in ["e", "f", "g"] {
            assert!(held.take(message(Turned::Raised, Nature::Lasting, agent), at("13:00:01")).is_some());
        }
    }

    #[test]
    fn by_day_everything_is_sent_at_once() {
        assert!(held(true).take(message(Turned::Raised, Nature::Passing, "b"), at("12:00:00")).is_some());
    }
}
