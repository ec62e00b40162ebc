//! Which release keeps its profiles where.

use keyshoal_core::instance::ActivationWay;
use keyshoal_core::{Capabilities, Layout};

/// A release: `2026.9.6`, `2026.8.1-beta.2`. Releases order as they were published within their line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    year: u32,
    month: u32,
    number: u32,
    /// `u32::MAX` for a final release, which comes after its betas.
    beta: u32,
}

impl Release {
    /// Reads a version as the program prints it. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let (numbers, suffix) = match text.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (text, None),
        };
        let mut numbers = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let (year, month, number) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let beta = match suffix.and_then(|suffix| suffix.strip_prefix("beta.")) {
            Some(beta) => beta.parse().ok()?,
            // `2026.5.31-1` and the like are repackaged final releases.
            None => u32::MAX,
        };
        Some(Self { year, month, number, beta })
    }

    pub(crate) const fn new(month: u32, number: u32) -> Self {
        Self { year: 2026, month, number, beta: u32::MAX }
    }

    pub(crate) const fn beta(month: u32, number: u32, beta: u32) -> Self {
        Self { year: 2026, month, number, beta }
    }

    /// Returns where this release keeps its profiles, by the table in the facts.
    pub fn layout(self) -> Layout {
        if self < Self::beta(4, 8, 0) {
            Layout::JsonFile
        } else if self < Self::beta(6, 5, 0) {
            Layout::JsonWithState
        } else if self < Self::beta(8, 1, 2) {
            Layout::AgentSqlite
        } else if self < Self::new(8, 1) || self == Self::beta(9, 1, 1) {
            Layout::SharedTable
        } else {
            Layout::SharedRow
        }
    }

    /// The first release whose config has agents by name.
    pub const FIRST_WITH_ENTRIES: &str = "2026.8.1-beta.1";

    /// Tells whether its config has agents by name, `agents.entries`.
    pub fn has_entries(self) -> bool {
        self >= Self::beta(8, 1, 1)
    }

    /// Tells whether it is newer than every release that was measured.
    pub fn is_newer_than_known(self) -> bool {
        self > Self::new(9, 6)
    }
}

/// Returns what a layout can do in a release; where the release is unknown, what its oldest release can.
pub(super) fn capabilities(
    layout: Layout,
    release: Option<Release>,
    read_only: Option<String>,
) -> Capabilities {
    let sqlite = layout.is_sqlite() || layout == Layout::Unknown;
    let since = |oldest: Release| release.is_some_and(|release| release >= oldest);
    // A touch of `meta` was seen to work on 2026.3.28 alone: 5.28 and 6.11 note the change and read nothing again, and since 8.2
    // the key is unknown, so that it would make the config invalid.
    let activation = if layout == Layout::JsonFile {
        vec![ActivationWay::SecretsReload, ActivationWay::ConfigTouch]
    } else if since(Release::beta(9, 5, 0)) {
        vec![ActivationWay::AuthRefresh, ActivationWay::SecretsReload, ActivationWay::RestartRpc]
    } else {
        vec![ActivationWay::SecretsReload]
    };
    Capabilities {
        reads_through: true,
        oauth_reads_through: sqlite,
        prefers_inheritance: sqlite,
        usage_kept_by_owner: sqlite,
        makes_stores: !sqlite,
        // 2026.3.28 says `unknown option '--agent'`, and strips the rights of whoever has no device; 5.28 signs agents in, and from
        // 6.11 on the rights stay.
        signs_in_agents: layout != Layout::JsonFile,
        wants_device: layout == Layout::JsonFile,
        read_only,
        activation,
        follows_secret_files: follows_secret_files(layout, release),
        cooldown_lingers_seconds: match release {
            Some(release) if release.year == 2026 && release.month == 8 => 30,
            _ => 0,
        },
    }
}

/// Some releases take a change of nothing but `secrets.providers` for one that concerns nobody: the gateway goes on by the config before,
/// and so does `secrets.reload` (2026.4.29 to 2026.7.1-beta.1 by their code, 5.28 and 6.11 as they run; 2026.4.12 and 2026.7.1 do not).
fn follows_secret_files(layout: Layout, release: Option<Release>) -> bool {
    match release {
        Some(release) => release <= Release::new(4, 12) || release >= Release::new(7, 1),
        None => !matches!(layout, Layout::JsonWithState | Layout::AgentSqlite),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_releases_take_up_a_file_of_secrets_when_they_start_alone() {
        let follows = |version: &str| {
            let release = Release::parse(version).unwrap();
            capabilities(release.layout(), Some(release), None).follows_secret_files
        };
        for version in ["2026.3.28", "2026.4.12", "2026.7.1", "2026.7.35", "2026.8.2", "2026.9.6"] {
            assert!(follows(version), "{version}");
        }
        for version in ["2026.4.29", "2026.5.28", "2026.6.11", "2026.6.35", "2026.7.1-beta.1"] {
            assert!(!follows(version), "{version}");
        }
        let unknown = |layout| capabilities(layout, None, None).follows_secret_files;
        assert!(unknown(Layout::JsonFile) && unknown(Layout::SharedRow) && !unknown(Layout::AgentSqlite));
    }
}
