//! Quiet hours: a span of local time in which only what is urgent is sent.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use keyshoal_core::Timestamp;
use std::str::FromStr;

/// A span of the day. One that ends before it begins goes over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    to: Time,
}

/// Why a text is no span of quiet hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours are written as \"22:00-07:00\"")]
pub struct QuietError;

impl FromStr for Quiet {
    type Err = QuietError;

    fn from_str(text: &str) -> Result<Self, QuietError> {
        let (from, to) = text.split_once('-').ok_or(QuietError)?;
        let (from, to) = (time(from)?, time(to)?);
        if from == to { Err(QuietError) } else { Ok(Self { from, to }) }
    }
}

fn time(text: &str) -> Result<Time, QuietError> {
    let (hour, minute) = text.trim().split_once(':').ok_or(QuietError)?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 2 {
        true => text.parse::<i8>().map_err(|_| QuietError),
        false => Err(QuietError),
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| QuietError)
}

impl Quiet {
    /// Tells whether it is quiet at this moment in this zone.
    pub fn holds(&self, now: Timestamp, zone: &TimeZone) -> bool {
        let time = now.to_zoned(zone.clone()).time();
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_goes_over_midnight_and_local_time_counts() {
        let night: Quiet = "22:00-07:00".parse().unwrap();
        let utc = TimeZone::UTC;
        for (when, quiet) in [
            ("2026-03-01T21:59:59Z", false),
            ("2026-03-01T22:00:00Z", true),
            ("2026-03-02T00:00:00Z", true),
            ("2026-03-02T06:59:59Z", true),
            ("2026-03-02T07:00:00Z", false),
        ] {
            assert_eq!(night.holds(at(when), &utc), quiet, "{when}");
        }
        let east = TimeZone::fixed(jiff::tz::offset(9));
        assert!(night.holds(at("2026-03-01T14:00:00Z"), &east));
        let noon: Quiet = " 12:00 - 13:30 ".parse().unwrap();
        assert!(
            noon.holds(at("2026-03-01T13:29:00Z"), &utc) && !noon.holds(at("2026-03-01T13:30:00Z"), &utc)
        );
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in
            ["", "22:00", "22-7", "24:00-07:00", "22:00-22:00", "-1:00-07:00", "22:60-07:00", "+1:00-2:00"]
        {
            assert!(text.parse::<Quiet>().is_err(), "{text}");
        }
    }
}
