//! Payloads written and read, of every layout, of any content, and of hostile ones; and what a preview makes of them.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what does not hold")]
#![expect(clippy::disallowed_methods, reason = "tests make and damage files of their own")]

mod arbitrary;
mod hostile;
mod layouts;
mod mutated;
mod previews;
mod stage;
mod vaulted;
