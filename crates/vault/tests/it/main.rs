//! The vault as its callers see it.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says by panicking what does not hold, and uses files as it likes"
)]

mod at_work;
mod backups;
mod changes;
mod crash;
mod model;
mod moved;
mod rekeying;
mod repairing;
mod returning;
mod said;
mod schema;
mod secrets;
mod tampering;
mod world;
