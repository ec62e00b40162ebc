//! The clock of this room.

use keyshoal_core::Timestamp;

/// Returns the time now.
#[expect(clippy::disallowed_methods, reason = "this is a clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
