//! What differs between releases in the way of routing.

use crate::config::Config;
use crate::config::model::RosterForm;
use crate::layout::Release;

/// What a release does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A binding to the conversation `*` is for every one of its kind.
    pub peer_wildcards: bool,
    /// A message that is bound to an agent outside the roster, or for which there is no default agent, is refused.
    pub refuses: bool,
    /// Under explicit ownership `agents.defaults.systemAgent` is the default agent.
    pub system_agent: bool,
}

impl Rules {
    /// Returns those of a release. Of the releases between two that were read, the later one's hold; where none is known, the newest
    /// of those that can read such a roster.
    pub fn of(release: Option<Release>, config: &Config) -> Self {
        let touched = config.touched_version.as_deref().and_then(Release::parse);
        let since =
            |oldest: Release, unknown: bool| release.or(touched).map_or(unknown, |release| release >= oldest);
        let entries = config.roster_form == RosterForm::Entries;
        Self {
            peer_wildcards: since(Release::beta(3, 29, 0), true),
            refuses: since(Release::beta(8, 1, 1), entries),
            system_agent: since(Release::new(8, 3), entries),
        }
    }
}
