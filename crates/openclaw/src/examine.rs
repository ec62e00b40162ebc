//! What an examination looks at besides stores and config: logs, owners and modes, free pages, locks, other logins, references.
//!
//! Everything here only reads, within bounds, and returns values without secrets.

pub mod databases;
pub mod locks;
pub mod logins;
pub mod logs;
pub mod others;
pub mod paths;
pub mod recorded;
pub mod references;
pub mod residue;
