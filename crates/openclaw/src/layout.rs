//! Which layout an installation has, and where its stores are.

mod evidence;
mod main_dir;
mod places;
mod release;

use main_dir::Obeys;
pub use release::Release;

use crate::config::Config;
use crate::locate::Locations;
use crate::store::{StoreError, StoreFile};
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
    /// The directory of the main agent's store: from it agents inherit in the layouts before the shared store.
    pub main_agent_dir: PathBuf,
    /// The store that agents inherit from.
    pub base: StoreFile,
    /// Every agent of the roster, in its order, with its store. `StoreId::Base` where its store is the base itself; agents
    /// whose stores are one file share the first one's id.
    pub agents: Vec<(AgentId, StoreId, StoreFile)>,
    /// A store that no agent of the roster has and that a running gateway loads all the same.
    pub also_loaded: Option<StoreFile>,
    /// The store into which the program's own commands write.
    pub program_writes_to: StoreId,
    /// Directories with credentials that no agent owns.
    pub orphans: Vec<Orphan>,
    /// Leftovers and other things that a person should know.
    pub notices: Vec<Notice>,
    /// Why no store may be made here that is not there yet, if so.
    pub no_new_store: Option<String>,
}

/// The layout could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The system refused something.
    #[error(transparent)]
    Path(#[from] crate::PathError),
    /// The state database is there and cannot be read, so nobody can say where the profiles are.
    #[error("the layout is not known: {0}; run `openclaw doctor`")]
    Database(StoreError),
}

impl Resolved {
    /// Returns a store.
    pub fn store(&self, id: &StoreId) -> Option<&StoreFile> {
        match id {
            StoreId::Base => Some(&self.base),
            StoreId::Agent(_) => {
                self.agents.iter().find(|(_, store, _)| store == id).map(|(_, _, file)| file)
            }
        }
    }

    /// Returns the store at the usual place of an agent that is in no roster, be it there or not; `None` where it is another's.
    pub fn left_behind(&self, loc: &Locations, id: &AgentId) -> Option<StoreFile> {
        places::left_behind(loc, self, id)
    }
}

/// Finds out where an installation keeps its profiles.
///
/// The evidence is weighed in a fixed order: what a live gateway says, the state database's schema and ownership row, the agent
/// databases' schema, the release that last touched the config, and last, that there is no database at all. `installed` says which release
/// the program on this machine is: it is asked only where no store is there yet, or nothing else tells the release, because it takes a while.
pub fn resolve(
    loc: &Locations,
    config: &Config,
    gateway_word: Option<&GatewayWord>,
    installed: &dyn Fn() -> Option<String>,
) -> Result<Resolved, LayoutError> {
    let found = evidence::weigh(loc, config, gateway_word, installed)?;
    let layout = found.layout.unwrap_or(Layout::Unknown);
    let release = found.version.as_deref().and_then(Release::parse);
    let mut notices = Vec::new();
    let obeys = match (release, found.legacy_main) {
        (Some(release), _) => Obeys::of_release(release),
        // Only releases of the shared layouts keep a state database that says so.
        (None, true) => Obeys::OpenClaw,
        (None, false) => Obeys::of_layout(layout),
    };
    let main_agent_dir = obeys.directory(loc);
    notices.extend(obeys.ignored(loc, found.version.as_deref()));
    let base = places::base(loc, &main_agent_dir, layout);
    let agents = places::agents(loc, &main_agent_dir, config, layout, &mut notices);
    let base = places::Directories::of(config, &agents).with_links(base, &StoreId::Base);
    let orphans = places::orphans(loc, &main_agent_dir, &agents, layout, &mut notices);
    let also_loaded = places::also_loaded(loc, &main_agent_dir, &agents, layout);
    notices.extend(also_loaded.as_ref().and_then(places::unreadable_notice));
    notices.extend(places::leftover_notice(None, &base));
    let own = agents.iter().filter(|(id, store, _)| *store == StoreId::Agent(id.clone()));
    // Main's directory is the base's own place for leftovers, also where the base itself is the state database.
    notices.extend(
        own.filter(|(id, _, _)| id.as_str() != "main")
            .filter_map(|(id, _, file)| places::leftover_notice(Some(id), file)),
    );
    let program_writes_to = match layout {
        Layout::SharedTable | Layout::SharedRow | Layout::Unknown => StoreId::Base,
        _ => config
            .default_agent()
            .and_then(|default| agents.iter().find(|(id, _, _)| *id == default.id))
            .map_or(StoreId::Base, |(_, store, _)| store.clone()),
    };
    if let Some(version) = &found.reads_nothing {
        notices.push(Notice {
            code: "not_migrated".to_owned(),
            message: format!(
                "OpenClaw {version} is installed on this machine, and reads none of these files until its own doctor has moved them"
            ),
            fix: Some("openclaw doctor --fix".to_owned()),
        });
    }
    if release.is_some_and(Release::is_newer_than_known) && found.read_only.is_none() {
        notices.push(Notice {
            code: "newer_release".to_owned(),
            message: format!(
                "OpenClaw {} is newer than the releases that Keyshoal was tried on; its schema is a known one",
                found.version.as_deref().unwrap_or_default()
            ),
            fix: None,
        });
    }
    Ok(Resolved {
        layout,
        capabilities: release::capabilities(layout, release, found.read_only),
        version: found.version,
        evidence: found.lines,
        main_agent_dir,
        base,
        agents,
        also_loaded,
        program_writes_to,
        orphans,
        notices,
        no_new_store: found.no_new_store,
    })
}
