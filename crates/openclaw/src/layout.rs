//! Which layout an installation has, and where its stores are.

use crate::store::StoreFile;
use keyshoal_core::observation::{Notice, Orphan};
use keyshoal_core::{AgentId, Capabilities, Layout, StoreId};
use std::path::PathBuf;

/// What a running gateway says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GatewayWord {
    /// Its version (`2026.9.6`).
    pub version: Option<String>,
    /// Its state directory, when it names one.
    pub state_dir: Option<PathBuf>,
}

/// An installation's layout and its stores.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it keeps profiles.
    pub layout: Layout,
    /// The release that last wrote it, as far as the evidence tells.
    pub version: Option<String>,
    /// Why we think so, one line each, strongest first.
    pub evidence: Vec<String>,
    /// What the layout can do in that release.
    pub capabilities: Capabilities,
    /// The store that agents inherit from.
    pub base: StoreFile,
    /// Every agent of the roster, in its order, with its store. `StoreId::Base` where its store is the base itself.
    pub agents: Vec<(AgentId, StoreId, StoreFile)>,
    /// The store into which the program's own commands write.
    pub program_writes_to: StoreId,
    /// Directories with credentials that no agent owns.
    pub orphans: Vec<Orphan>,
    /// Leftovers and other things that a person should know.
    pub notices: Vec<Notice>,
}

/// The layout could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The system refused something.
    #[error(transparent)]
    Path(#[from] crate::PathError),
}

/// Decides the layout by an ordered table of evidence and finds every store.
pub fn resolve(
    locations: &crate::locate::Locations,
    config: &crate::config::Config,
    gateway_word: Option<&GatewayWord>,
) -> Result<Resolved, LayoutError> {
    let _ = (locations, config, gateway_word);
    Err(crate::PathError {
        path: locations.state_dir.clone(),
        source: std::io::Error::other("the layout is not decided yet"),
    }
    .into())
}
