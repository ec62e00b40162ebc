//! Runs `keyshoal` on installations that are damaged in one way each.
//!
//! What holds in every case: it ends by itself with one of its own exit codes, says what is wrong and where, prints no secret, leaves what
//! it cannot understand byte for byte as it was, and still helps the agents that are whole.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test says by panicking what does not hold, and reads and writes files as it likes"
)]

mod databases;
mod files;
mod left;
mod many;
mod memory;
mod said;
mod stage;
mod system;
mod tree;
mod unreadable;
mod unwritable;
