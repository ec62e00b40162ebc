//! What can be wrong with a config, where, and what to do.

use crate::PathError;
use std::path::PathBuf;

/// Says why a config could not be read, understood or edited.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] PathError),
    /// It is not the text of a config.
    #[error("{place}: {problem}; {way_out}")]
    Invalid {
        /// `file:line:column`, as exactly as it is known.
        place: String,
        /// What is wrong.
        problem: String,
        /// What the person can do.
        way_out: String,
    },
    /// An edit was refused; nothing was written.
    #[error("{place}: not edited: {problem}; {way_out}")]
    NotEdited {
        /// `file:line:column`, as exactly as it is known.
        place: String,
        /// What stands in the way.
        problem: String,
        /// What the person can do.
        way_out: String,
    },
    /// Two agents share one directory, which OpenClaw refuses.
    #[error(
        "{place}: the agents {agents} share the directory {}; OpenClaw refuses such a config: give each agent a directory of its own",
        dir.display()
    )]
    SharedDirectory {
        /// The config.
        place: String,
        /// The agents.
        agents: String,
        /// Their directory.
        dir: PathBuf,
    },
}

impl ConfigError {
    /// Makes an error about something at a place.
    pub(super) fn invalid(
        place: impl Into<String>,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::Invalid { place: place.into(), problem: problem.into(), way_out: way_out.into() }
    }
}
