//! Points in time.

/// A point in time, as `jiff` has it: nanosecond resolution, RFC 3339 in UTC when printed.
pub type Timestamp = jiff::Timestamp;

/// Reads milliseconds since 1970, as OpenClaw stores them. `None` when out of range.
pub fn from_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

/// Returns the time so many seconds later; the last there is, where that is beyond it.
pub fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
