//! Every protection of a write is seen to matter: with it nothing is lost; without it alone, the same test loses something.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test says by panicking what does not hold, and reads files and clocks as it likes"
)]

mod against_a_database_writer;
mod against_strangers;
mod against_the_real_store;
mod marker;
