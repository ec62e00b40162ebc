//! A run that breaks off at any of its durable operations, by the end of its process or of the power, and what is left of it.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test reads and writes files as it likes, and says by panicking what does not hold"
)]

mod advised;
mod disk;
mod house;
mod killed;
mod moved;
mod power;
mod referred;
mod released;
mod replay;
mod rotated;
mod scrubbed;
mod trace;
