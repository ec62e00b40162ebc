//! What a person and a script see of the `keyshoal` binary.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what does not hold")]
#![expect(clippy::disallowed_methods, reason = "tests make and damage files of their own")]

mod alarming;
mod binary;
mod bringing_back;
mod bundling;
mod by_hand;
mod carried;
mod doctoring;
mod documents;
mod explaining;
mod fake;
mod first_look;
mod fresh;
mod given_again;
mod given_back;
mod going_back;
mod half_rotated;
mod hostile;
mod importing;
mod included;
mod keyless;
mod let_in_again;
mod lost;
mod metrics;
mod moving;
mod moving_a_vault;
mod offered;
mod one_value;
mod overwritten;
mod questions;
mod readme;
mod rekeying;
mod releasing;
mod rendering;
mod repairing;
mod resting;
mod rotating;
mod routing;
mod scrubbing;
mod secrets;
mod stage;
mod taking_back;
mod telling;
mod terminal;
mod together;
mod tracing;
mod unneeded;
mod vault_damaged;
mod vaulted;
mod vaulting;
mod verifying;
mod watching;
mod watching_a_vault;
mod waving;
