//! Where the stores of a layout are: the base, every agent's own, and those that no agent owns.

use super::Resolved;
use super::evidence::state_db;
use crate::config::Config;
use crate::locate::Locations;
use crate::store::place::{AGENT_DB, leftovers_in};
use crate::store::{Place, StoreFile};
use crate::{agent_id, files};
use keyshoal_core::observation::{Notice, Orphan};
use keyshoal_core::{AgentId, Layout, StoreHealth, StoreId};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Directories under `agents/` that are the program's own, whatever the roster says.
const NEVER_ORPHANS: [&str; 3] = ["main", "openclaw", "crestodian"];

/// Returns the store that agents inherit from.
pub(super) fn base(loc: &Locations, main_dir: &Path, layout: Layout) -> StoreFile {
    let mut leftovers = leftovers_in(main_dir);
    leftovers.push(loc.oauth_dir.join("oauth.json"));
    match layout {
        Layout::SharedTable => StoreFile::shared_table(state_db(loc)).with_leftovers(leftovers),
        Layout::SharedRow | Layout::Unknown => StoreFile::shared_row(state_db(loc)).with_leftovers(leftovers),
        Layout::AgentSqlite => StoreFile::agent_sqlite(main_dir.join(AGENT_DB)).with_leftovers(leftovers),
        Layout::JsonFile | Layout::JsonWithState => in_dir(main_dir, layout),
    }
    .within(&loc.state_dir)
}

fn in_dir(dir: &Path, layout: Layout) -> StoreFile {
    match layout {
        Layout::JsonFile => StoreFile::json(dir, false),
        Layout::JsonWithState => StoreFile::json(dir, true),
        _ => StoreFile::agent_sqlite(dir.join(AGENT_DB)),
    }
}

/// Returns every agent's store, in the roster's order. Agents whose stores are the same file share one id.
pub(super) fn agents(
    loc: &Locations,
    main_dir: &Path,
    config: &Config,
    layout: Layout,
    notices: &mut Vec<Notice>,
) -> Vec<(AgentId, StoreId, StoreFile)> {
    let mut known: BTreeMap<Identity, StoreId> = BTreeMap::new();
    if !matches!(layout, Layout::SharedTable | Layout::SharedRow | Layout::Unknown) {
        known.insert(Identity::of(base(loc, main_dir, layout).path()), StoreId::Base);
    }
    let mut stores = Vec::with_capacity(config.agents.len());
    for agent in &config.agents {
        let mut file = in_dir(&agent.agent_dir, layout).within(&loc.state_dir);
        let own = StoreId::Agent(agent.id.clone());
        let id = known.entry(Identity::of(file.path())).or_insert_with(|| own.clone()).clone();
        match &id {
            StoreId::Base => file = base(loc, main_dir, layout),
            StoreId::Agent(_) if id == own => {
                // Only where the directory names its agent does the program's own check hold for us too.
                if agent.agent_dir == loc.state_dir.join("agents").join(agent.id.as_str()).join("agent") {
                    file = file.owned_by(agent.id.clone());
                }
            }
            StoreId::Agent(other) => notices.push(Notice {
                code: "shared_agent_store".to_owned(),
                message: format!(
                    "agents {other} and {} keep their profiles in one file, {}",
                    agent.id,
                    file.path().display()
                ),
                fix: None,
            }),
        }
        stores.push((agent.id.clone(), id, file));
    }
    let dirs = Directories::of(config, &stores);
    for (_, id, file) in &mut stores {
        *file = dirs.with_links(file.clone(), id);
    }
    stores
}

/// In which agents' directories each store is kept.
pub(super) struct Directories<'a>(BTreeMap<StoreId, Vec<&'a Path>>);

impl<'a> Directories<'a> {
    /// Sorts the directories of the roster's agents by their stores, which come in the roster's order.
    pub fn of(config: &'a Config, stores: &[(AgentId, StoreId, StoreFile)]) -> Self {
        let mut dirs: BTreeMap<StoreId, Vec<&Path>> = BTreeMap::new();
        for (agent, (_, store, _)) in config.agents.iter().zip(stores) {
            dirs.entry(store.clone()).or_default().push(&agent.agent_dir);
        }
        Self(dirs)
    }

    /// Names to a JSON store those of its agents' directories from which a link leads to it. A directory that is itself a link is the
    /// same place.
    pub fn with_links(&self, file: StoreFile, id: &StoreId) -> StoreFile {
        if !matches!(file.place(), Place::Json { .. }) {
            return file;
        }
        let named = file.path().parent();
        let dirs = self.0.get(id).into_iter().flatten().filter(|dir| Some(**dir) != named);
        let others: Vec<&Path> = dirs.copied().collect();
        if others.is_empty() {
            return file;
        }
        let real = |dir: &Path| files::resolved(dir).ok().flatten().unwrap_or_else(|| dir.to_owned());
        let own = named.map(real);
        let links = others.into_iter().filter(|dir| Some(real(dir)) != own).map(Path::to_owned).collect();
        file.linked_from(links)
    }
}

/// What makes two stores one, whatever links lead to them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    File(u64, u64),
    /// The file is not there yet, its directory is.
    InDir(u64, u64, PathBuf),
    Path(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        if let Ok(Some(file)) = files::metadata(path) {
            return Self::File(file.dev(), file.ino());
        }
        let dir = path.parent().and_then(|dir| files::metadata(dir).ok().flatten());
        match (dir, path.file_name()) {
            (Some(dir), Some(name)) => Self::InDir(dir.dev(), dir.ino(), name.into()),
            _ => Self::Path(path.to_owned()),
        }
    }
}

/// Returns the directories under `agents/` that hold profiles and belong to no agent.
pub(super) fn orphans(
    loc: &Locations,
    main_dir: &Path,
    stores: &[(AgentId, StoreId, StoreFile)],
    layout: Layout,
    notices: &mut Vec<Notice>,
) -> Vec<Orphan> {
    let agents_dir = loc.state_dir.join("agents");
    let base = base(loc, main_dir, layout);
    let owned = || stores.iter().map(|(_, _, file)| file.path()).chain([base.path()]);
    let by_name: BTreeSet<&Path> = owned().collect();
    let mut unowned = Vec::new();
    for name in files::listing(&agents_dir).ok().flatten().unwrap_or_default() {
        let file = in_dir(&agents_dir.join(&name).join("agent"), layout);
        if !NEVER_ORPHANS.contains(&name.as_str()) && !by_name.contains(file.path()) {
            unowned.push((name, file));
        }
    }
    if unowned.is_empty() {
        return Vec::new();
    }
    // By another name it may be an agent's all the same.
    let by_identity: BTreeSet<Identity> = owned().map(Identity::of).collect();
    unowned.retain(|(_, file)| !by_identity.contains(&Identity::of(file.path())));
    let mut orphans = Vec::new();
    for (name, file) in unowned {
        match file.read() {
            Ok(read) if !read.contents.profiles.is_empty() => orphans.push(Orphan {
                id: name,
                path: file.path().display().to_string(),
                profiles: read.contents.profiles.into_keys().collect(),
            }),
            Ok(read) => {
                if let StoreHealth::Unreadable(reason) = read.health {
                    notices.push(unreadable_orphan(&file, &reason));
                }
            }
            Err(error) => notices.push(unreadable_orphan(&file, &error.to_string())),
        }
    }
    orphans
}

/// Returns main's own store where main is in no roster: in the shared layouts the gateway loads it whatever the roster says.
pub(super) fn also_loaded(
    loc: &Locations,
    main_dir: &Path,
    stores: &[(AgentId, StoreId, StoreFile)],
    layout: Layout,
) -> Option<StoreFile> {
    if !matches!(layout, Layout::SharedTable | Layout::SharedRow) {
        return None;
    }
    let file = in_dir(main_dir, layout).within(&loc.state_dir);
    let known = stores.iter().any(|(_, _, store)| store.path() == file.path()) || {
        let identity = Identity::of(file.path());
        stores.iter().any(|(_, _, store)| Identity::of(store.path()) == identity)
    };
    (!known).then_some(file)
}

/// Returns the store at the usual place of an agent that is in no roster; `None` where it is another's.
pub(super) fn left_behind(loc: &Locations, resolved: &Resolved, id: &AgentId) -> Option<StoreFile> {
    if agent_id::normalize(id.as_str()) != *id {
        return None;
    }
    let usual = loc.state_dir.join("agents").join(id.as_str()).join("agent");
    let dir = if id.as_str() == "main" { &resolved.main_agent_dir } else { &usual };
    let mut file = in_dir(dir, resolved.layout).within(&loc.state_dir);
    if *dir == usual {
        file = file.owned_by(id.clone());
    }
    let identity = Identity::of(file.path());
    let mut known = resolved.agents.iter().map(|(_, _, store)| store).chain([&resolved.base]);
    (!known.any(|store| Identity::of(store.path()) == identity)).then_some(file)
}

/// Says that such a store cannot be read, if so.
pub(super) fn unreadable_notice(file: &StoreFile) -> Option<Notice> {
    let reason = match file.read() {
        Ok(read) => match read.health {
            StoreHealth::Unreadable(reason) => reason,
            _ => return None,
        },
        Err(error) => error.to_string(),
    };
    Some(Notice {
        code: "unreadable_store".to_owned(),
        message: format!(
            "{} cannot be read: {reason}; a running gateway loads it although main is in no roster, and reads no store again \
             while it cannot read all",
            file.path().display()
        ),
        fix: Some("openclaw doctor --fix".to_owned()),
    })
}

fn unreadable_orphan(file: &StoreFile, reason: &str) -> Notice {
    Notice {
        code: "unreadable_orphan".to_owned(),
        message: format!("{} belongs to no agent and cannot be read: {reason}", file.path().display()),
        fix: None,
    }
}

/// Says which files of earlier layouts lie beside a store.
pub(super) fn leftover_notice(agent: Option<&AgentId>, file: &StoreFile) -> Option<Notice> {
    let found = file.existing_leftovers().ok()?;
    let first = found.first()?;
    let whose = agent.map_or_else(|| "the shared store".to_owned(), |agent| format!("agent {agent}"));
    Some(Notice {
        code: "leftover_json".to_owned(),
        message: format!(
            "{} is left from an earlier layout; OpenClaw does not read it, but refuses {whose} where the store holds no \
             profile",
            first.display()
        ),
        fix: Some("openclaw doctor --fix".to_owned()),
    })
}
