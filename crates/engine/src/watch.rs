//! Watching: a state machine that turns changes into looks and repairs, one that says when to verify, one that says what to raise an
//! alarm about, and the loop that drives them.

pub mod alarms;
mod back_off;
mod beside;
pub mod checks;
pub mod conditions;
pub mod drive;
mod rotating;
pub mod seen;
pub mod state;

pub use alarms::{Alarms, Hysteresis, Pass};
pub use beside::Beside;
pub use checks::{Checks, VerifyPolicy};
pub use drive::{EventSource, Report, Watch, run};
pub use rotating::HalfRotated;
pub use state::{Effect, Event, Policy, Seen, WatchState, Write};
