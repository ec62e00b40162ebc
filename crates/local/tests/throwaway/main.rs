//! The engine's ports on throwaway installations of every layout.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says by panicking what does not hold, and reads files as it likes"
)]

mod empty;
mod guards;
mod house;
mod marks;
mod meanwhile;
mod memory;
mod model;
mod quarantine;
mod recovery;
mod references;
mod scrub;
mod unknown;
mod vault;
mod whole_way;
