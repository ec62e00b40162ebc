//! How a rotation ended, for now or for good.

use keyshoal_core::Timestamp;

/// How it ended for now.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The version before is retired.
    Finished,
    /// Every agent works with the new version; the one before is kept until then.
    Grace {
        /// Until when.
        until: Timestamp,
    },
    /// All agents have it, and nobody was asked whether they work with it.
    Unproven,
    /// One of several instances: every agent works with the new version.
    Proven,
    /// One of several instances: more agents than allowed are shown to fail.
    Failing {
        /// Why.
        why: String,
    },
    /// Every agent of the instances that can be reached from here works with it; these cannot be.
    Elsewhere {
        /// Their names.
        names: Vec<String>,
    },
    /// It was given up, and every agent has the version before again.
    RolledBack {
        /// Why.
        why: String,
        /// Whether a person asked for it; else it went back by itself.
        asked: bool,
        /// Whether every agent was brought back.
        clean: bool,
        /// Until when the newer version stays at hand, where it does.
        until: Option<Timestamp>,
    },
    /// A run left something that needs attention; the rotation stands where it stood.
    Halted {
        /// Why.
        why: String,
    },
}
