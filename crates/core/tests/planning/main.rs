//! What judging and planning promise: examples of each rule, and properties over generated instances.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing shall fail")]

mod draw;
mod files;
mod generate;
mod held;
mod marks;
mod missing;
mod nowhere;
mod oauth;
mod overwritten;
mod own_files;
mod properties;
mod rules;
mod source;
mod unheard;
mod vault;
mod world;
