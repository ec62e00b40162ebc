//! The straight way over an instance in memory: what is asked, written, activated, remembered, and what never is.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing shall fail")]

mod activation;
mod alarming;
mod alarms;
mod answers;
mod asks;
mod beside;
mod conflicts;
mod fake;
mod five;
mod life;
mod limits;
mod meanwhile;
mod overwritten;
mod rotated_back;
mod rotated_on;
mod rotating;
mod sent;
mod set;
mod sync;
mod together;
mod verifying;
mod watch;
