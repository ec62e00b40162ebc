//! Runs `keyshoal` beside the real OpenClaw, release by release, with its gateway answering.
//!
//! What counts is the provider's log: which key each agent really sent. The program's own word is never asked: it says 200 around
//! a 401, and success after a failure.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test says by panicking what does not hold, and reads files, clocks and the environment as it likes"
)]

mod activation;
mod cooldown;
mod delivering;
mod guards;
mod leftover;
mod load;
mod matrix;
mod moving;
mod own_file;
mod plain;
mod probing;
mod proof;
mod references;
mod restarting;
mod rotation;
mod scrubbing;
mod setting;
mod situations;
mod stage;
mod vaulted;
mod watching;
