//! Times as people say them.

use keyshoal_core::Timestamp;

/// Returns how long ago something was ("just now", "5 min ago", "3 d ago").
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.as_second() - then.as_second() {
        i64::MIN..=4 => "just now".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// Returns since when something has been so ("since 2026-11-02 14:03 UTC (20 d)").
pub fn since(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - then.as_second()).max(0);
    format!("since {} ({})", moment(then), span(seconds))
}

/// Returns for how long something has been so: "for 5 min", or "since 2026-11-02 (20 d)" when that is days.
pub fn lasting(then: Timestamp, now: Timestamp) -> String {
    match (now.as_second() - then.as_second()).max(0) {
        seconds @ ..=172_799 => format!("for {}", span(seconds)),
        seconds => format!("since {} ({})", then.strftime("%Y-%m-%d"), span(seconds)),
    }
}

/// Returns how long it is until a time ("in 30 s"); "now" when it is over.
pub fn until(then: Timestamp, now: Timestamp) -> String {
    match then.as_second() - now.as_second() {
        i64::MIN..=0 => "now".to_owned(),
        seconds => format!("in {}", span(seconds)),
    }
}

/// Returns a time in UTC to the minute.
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn span(seconds: i64) -> String {
    match seconds {
        ..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min", (seconds + 30) / 60),
        5400..=172_799 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn ages_are_short() {
        let said: Vec<String> =
            [0, 30, 300, 7200, 1_728_000].iter().map(|age| ago(at(0), at(*age))).collect();
        assert_eq!(said, ["just now", "30 s ago", "5 min ago", "2 h ago", "20 d ago"]);
        assert_eq!(ago(at(100), at(0)), "just now", "a clock that went back is no reason to say nonsense");
        assert_eq!(since(at(0), at(1_728_000)), "since 1970-01-01 00:00 UTC (20 d)");
    }
}
