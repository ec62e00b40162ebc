//! The system's clock.

use keyshoal_core::Timestamp;

/// Returns the time now.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
