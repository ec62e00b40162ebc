//! What differs between releases in choosing a credential. Read in the code of 2026.3.28, 5.28, 6.11, 8.2 and 9.6.

use crate::layout::Release;
use keyshoal_core::Layout;

/// The rules of one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Ids in an order that are not stored are dropped, and an order that becomes empty with them.
    pub order_drops_missing: bool,
    /// Where the base store has an order and the agent has none, the agent's own profiles go before it.
    pub own_profiles_first: bool,
    /// An order in a store whose ids are all gone gives way to all stored profiles.
    pub stale_order_gives_way: bool,
    /// An access token is used only while more than this is left of its time, in milliseconds; `None`: until it ends.
    pub oauth_margin: Option<i64>,
    /// An OAuth profile whose time is over goes behind the others of its type.
    pub expired_oauth_last: bool,
    /// An older OAuth profile `<provider>:default` of the agent gives way to a newer one of the base store.
    pub oauth_drift_repaired: bool,
    /// `auth: "api-key"` with an `apiKey` goes before every profile.
    pub explicit_key_first: bool,
    /// What an `apiKey` that names a stored profile does.
    pub binding: Binding,
    /// An `apiKey` that is a reference goes before every profile, whatever `auth` says.
    pub reference_first: bool,
    /// A key in the config is tried after the profiles; otherwise only where there are none.
    pub key_after_profiles: bool,
    /// Where an explicit order leaves nothing, nothing else is used.
    pub order_is_final: bool,
    /// A provider in a private network is asked without a key, like one on this machine.
    pub private_is_local: bool,
    /// Other names of the same provider ([`super::names`]).
    pub early_names: bool,
}

/// What an `apiKey` that names a stored profile does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// It is no name but a key like any other.
    None,
    /// It is used where the provider has no profile to try.
    Fallback,
    /// It is the only credential of the provider.
    Only,
}

impl Rules {
    /// Returns the rules of a layout. `version` is the release as far as it is known; without it the newest of the layout is meant.
    ///
    /// Later releases go by their own rules also while the main agent's store is still the shared one.
    pub fn of(layout: Layout, version: Option<&str>) -> Self {
        let json = Self {
            order_drops_missing: false,
            own_profiles_first: false,
            stale_order_gives_way: false,
            oauth_margin: None,
            expired_oauth_last: false,
            oauth_drift_repaired: false,
            explicit_key_first: false,
            binding: Binding::None,
            reference_first: false,
            key_after_profiles: false,
            order_is_final: false,
            private_is_local: false,
            early_names: true,
        };
        let with_state = Self {
            order_drops_missing: true,
            explicit_key_first: true,
            private_is_local: true,
            early_names: false,
            ..json
        };
        let agent_sqlite = Self {
            order_drops_missing: false,
            own_profiles_first: true,
            stale_order_gives_way: true,
            oauth_margin: Some(300_000),
            oauth_drift_repaired: true,
            binding: Binding::Fallback,
            ..with_state
        };
        let before_september = version.and_then(month).is_some_and(|month| month < (2026, 9));
        let shared = Self {
            expired_oauth_last: true,
            binding: Binding::Only,
            reference_first: !before_september,
            key_after_profiles: true,
            order_is_final: true,
            ..agent_sqlite
        };
        match layout {
            Layout::JsonFile => json,
            Layout::JsonWithState => with_state,
            Layout::AgentSqlite if version.and_then(Release::parse).is_some_and(shares_a_store) => shared,
            Layout::AgentSqlite => agent_sqlite,
            Layout::SharedTable | Layout::SharedRow | Layout::Unknown => shared,
        }
    }
}

/// Tells whether a release has a store of its own that all agents share.
fn shares_a_store(release: Release) -> bool {
    matches!(release.layout(), Layout::SharedTable | Layout::SharedRow)
}

/// Reads year and month of a version such as `2026.9.6`.
fn month(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
