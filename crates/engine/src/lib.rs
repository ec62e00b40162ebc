//! The straight way: observe, judge, plan, apply, activate, verify. It knows `core` alone and declares the ports it needs.
//!
//! [`look()`] is what every command begins with. [`sync()`] and [`set()`] go the whole way. [`watch`] repeats it on events. Each is a
//! function of [`ports`]; none of them touches a file, a clock or a terminal itself.

mod asks;
pub mod carry;
pub mod decide;
pub mod doctor;
mod facts;
mod joining;
pub mod look;
pub mod ports;
pub mod progress;
pub mod rotate;
pub mod scrub;
pub mod set;
pub mod source;
pub mod sync;
pub mod trial;
pub mod verify;
pub mod watch;

pub use decide::{Answer, Decide, Decision, Proceed, Unattended};
pub use look::{AskPolicy, Look, LookOptions, look};
pub use ports::{PortError, Ports};
pub use progress::Progress;
pub use set::{Rejection, SetError, SetReport, SetRequest, set};
pub use source::{SourceError, desired_of};
pub use sync::{Outcome, SyncError, SyncOptions, SyncReport, release, sync};
pub use trial::{Trial, hear_of, require_accepted, try_value};
pub use verify::{VerifyOptions, VerifyReport, verify};
