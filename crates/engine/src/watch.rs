//! Watching: a state machine that turns changes into looks and repairs, and the loop that drives it.

mod back_off;
pub mod drive;
pub mod state;

pub use drive::{EventSource, Report, run};
pub use state::{Effect, Event, Policy, Seen, WatchState, Write};
