//! The directory of the main agent's store, which some releases let the environment name.
//!
//! Measured by storing a key and looking where it went: 2026.3.28 goes by `OPENCLAW_AGENT_DIR`, else `PI_CODING_AGENT_DIR`;
//! 2026.5.28 and 2026.6.11 by neither; 2026.8.2 and 2026.9.6 by the first alone. The code of 2026.5.7 is that of 2026.3.28.

use super::release::Release;
use crate::locate::Locations;
use keyshoal_core::Layout;
use keyshoal_core::observation::Notice;
use std::path::PathBuf;

/// Which variables a release goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obeys {
    /// `OPENCLAW_AGENT_DIR`, else `PI_CODING_AGENT_DIR`.
    Both,
    /// None.
    Neither,
    /// `OPENCLAW_AGENT_DIR`.
    OpenClaw,
}

impl Obeys {
    /// Returns what a release goes by.
    pub fn of_release(release: Release) -> Self {
        if release < Release::new(5, 28) {
            Self::Both
        } else if release < Release::beta(8, 1, 2) {
            Self::Neither
        } else {
            Self::OpenClaw
        }
    }

    /// Returns what the releases of a layout go by, where nothing tells which of them it is.
    pub fn of_layout(layout: Layout) -> Self {
        match layout {
            Layout::JsonFile => Self::Both,
            Layout::JsonWithState | Layout::AgentSqlite => Self::Neither,
            Layout::SharedTable | Layout::SharedRow | Layout::Unknown => Self::OpenClaw,
        }
    }

    /// Returns the directory of the main agent's store.
    pub fn directory(self, loc: &Locations) -> PathBuf {
        let named = match self {
            Self::Both => loc.redirects.openclaw.clone().or_else(|| loc.redirects.pi.clone()),
            Self::Neither => None,
            Self::OpenClaw => loc.redirects.openclaw.clone(),
        };
        named.unwrap_or_else(|| loc.main_agent_dir())
    }

    /// Says which variables are set that the release does not go by.
    pub fn ignored(self, loc: &Locations, version: Option<&str>) -> Vec<Notice> {
        let set = [
            ("OPENCLAW_AGENT_DIR", loc.redirects.openclaw.as_ref(), self == Self::Neither),
            ("PI_CODING_AGENT_DIR", loc.redirects.pi.as_ref(), self != Self::Both),
        ];
        let release =
            version.map_or_else(|| "this release".to_owned(), |version| format!("OpenClaw {version}"));
        set.into_iter()
            .filter_map(|(name, dir, ignored)| dir.filter(|_| ignored).map(|dir| (name, dir)))
            .map(|(name, dir)| Notice {
                code: "ignored_variable".to_owned(),
                message: format!(
                    "{name} names {}, but {release} keeps no credentials there; the main agent's store is in {}",
                    dir.display(),
                    self.directory(loc).display()
                ),
                fix: Some(format!("unset {name}")),
            })
            .collect()
    }
}
