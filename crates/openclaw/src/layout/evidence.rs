//! What speaks for a layout, strongest first. Leftovers of earlier layouts say nothing.

use super::release::Release;
use super::{GatewayWord, LayoutError};
use crate::config::Config;
use crate::files;
use crate::locate::Locations;
use crate::store::place::AGENT_DB;
use crate::store::sqlite_store::connect::{read_only, sqlite_error};
use crate::store::sqlite_store::{
    KNOWN_AGENT_VERSION, KNOWN_STATE_VERSION, has_table, supervised, supervisor,
};
use keyshoal_core::Layout;
use rusqlite::OptionalExtension;
use std::path::{Path, PathBuf};

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// `None` only while evidence is still heard.
    pub layout: Option<Layout>,
    pub version: Option<String>,
    pub lines: Vec<String>,
    /// A state database of the shared layouts says that the main agent's store is still the shared one.
    pub legacy_main: bool,
    /// Why nothing may be written anywhere, if so.
    pub read_only: Option<String>,
    /// Why no store may be made, if so.
    pub no_new_store: Option<String>,
    /// The installed release, where it does not read what stands here.
    pub reads_nothing: Option<String>,
}

/// Why no store is made where nothing tells which release will read it.
const NOT_KNOWN: &str = "OpenClaw has made no store here yet, and nothing tells which release it is, so that nobody knows where that \
                         looks for credentials: run keyshoal where openclaw is on the PATH, or one command of OpenClaw here first \
                         (openclaw config set gateway.mode local)";

impl Found {
    /// Notes a piece of evidence; it decides if nothing stronger has.
    fn hear(&mut self, layout: Option<Layout>, line: String) {
        self.lines.push(line);
        self.layout = self.layout.or(layout);
    }
}

/// What the state database says.
#[derive(Debug, Default)]
struct StateDb {
    user_version: i64,
    app_version: Option<String>,
    /// `auth.sharedStore` as it stands.
    shared_store: Option<String>,
    supervisor: Option<String>,
}

/// Returns the path of the state database.
pub(super) fn state_db(loc: &Locations) -> PathBuf {
    loc.state_dir.join("state").join("openclaw.sqlite")
}

/// Weighs the evidence.
pub(super) fn weigh(
    loc: &Locations,
    config: &Config,
    word: Option<&GatewayWord>,
    installed: &dyn Fn() -> Option<String>,
) -> Result<Found, LayoutError> {
    let state_path = state_db(loc);
    let state = read_state_db(&state_path)?;
    // Schema 1 of the state database spans the last JSON releases and the first SQLite ones: the agents' databases decide.
    let agent = match &state {
        Some(state) if state.user_version > 1 => None,
        _ => agent_version(loc, config),
    };
    let mut found = Found::default();

    if let Some(word) = word {
        let ours = word.state_dir.as_ref().is_none_or(|dir| same_dir(dir, &loc.state_dir));
        match (&word.version, ours) {
            (Some(version), true) => {
                let layout = Release::parse(version).map(Release::layout);
                found.version = Some(version.clone());
                found.hear(layout, format!("the running gateway says that it is {version}"));
            }
            (_, false) => found.hear(None, "the running gateway uses another state directory".to_owned()),
            (None, true) => {}
        }
    }
    let touched = config.touched_version.as_deref();
    let touched_release = touched.and_then(Release::parse);
    let touched_layout = touched_release.map(Release::layout);
    if let Some(state) = &state {
        let says = format!("{} has user_version {}", state_path.display(), state.user_version);
        let layout = match state.user_version {
            ..=1 if agent.is_some() => Some(Layout::AgentSqlite),
            ..=1 => None,
            2..=7 => Some(Layout::AgentSqlite),
            8..=12 => Some(Layout::SharedTable),
            13..=KNOWN_STATE_VERSION => Some(Layout::SharedRow),
            _ => Some(Layout::Unknown),
        };
        found.hear(layout, says);
        found.version = found.version.take().or_else(|| state.app_version.clone());
    }
    if let Some(agent) = agent {
        let layout = match agent {
            ..=16 => Layout::AgentSqlite,
            17 => Layout::SharedTable,
            18..=KNOWN_AGENT_VERSION => Layout::SharedRow,
            _ => Layout::Unknown,
        };
        found.hear(Some(layout), format!("an agent's database has user_version {agent}"));
    }
    let has_files = any_json(loc, config) || any_state_json(loc, config);
    if found.layout.is_none() && !(has_files && touched_layout.is_some()) {
        hear_installed(&mut found, has_files, touched_release, installed());
    }
    if let Some(touched) = touched {
        // Without any database, files that a JSON release wrote are what there is, even if a newer release touched the config.
        let unmigrated =
            state.is_none() && touched_layout.is_some_and(Layout::is_sqlite) && any_json(loc, config);
        let layout = if unmigrated { Some(Layout::JsonWithState) } else { touched_layout };
        found.hear(layout, format!("the config was last touched by {touched}"));
    }
    if found.layout.is_none() {
        let (layout, why) = match any_state_json(loc, config) {
            true => (Layout::JsonWithState, "there is no database of profiles, and an auth-state.json"),
            false => (Layout::JsonFile, "there is no database of profiles, and no auth-state.json"),
        };
        found.hear(Some(layout), why.to_owned());
        found.no_new_store = (!has_files).then(|| NOT_KNOWN.to_owned());
    }
    found.version = found.version.or_else(|| touched.map(str::to_owned));
    if let Some(state) = state {
        settle_owner(&mut found, &state);
    }
    if found.version.is_none() {
        // Databases of some releases do not name them.
        let same = |version: &String| Release::parse(version).map(Release::layout) == found.layout;
        found.version = installed().filter(same);
    }
    if found.layout == Some(Layout::Unknown) {
        let newest = format!(
            "schemas up to {KNOWN_STATE_VERSION} (state) and {KNOWN_AGENT_VERSION} (agent) are known"
        );
        found.read_only = Some(format!(
            "this OpenClaw is newer than Keyshoal knows ({newest}); nothing is written; update Keyshoal"
        ));
    }
    Ok(found)
}

/// Hears which release is installed. Where there is no store yet it decides, unless a newer one has written the config; files that are there
/// stay what they are.
fn hear_installed(found: &mut Found, has_files: bool, touched: Option<Release>, installed: Option<String>) {
    let Some(version) = installed else { return };
    let Some(release) = Release::parse(&version).filter(|one| touched.is_none_or(|touched| *one > touched))
    else {
        return;
    };
    let line = format!("OpenClaw {version} is installed on this machine");
    match has_files {
        false => {
            found.hear(Some(release.layout()), line);
            found.version = found.version.take().or(Some(version));
        }
        true if release.layout().is_sqlite() => found.reads_nothing = Some(version),
        true => {
            found.hear(None, line);
            found.version = found.version.take().or(Some(version));
        }
    }
}

/// In the shared layouts a row says who owns the shared store; without it, the main agent's database still does.
fn settle_owner(found: &mut Found, state: &StateDb) {
    if let Some(manager) = &state.supervisor {
        found.read_only = Some(supervised(manager));
    }
    if !matches!(found.layout, Some(Layout::SharedTable | Layout::SharedRow)) {
        return;
    }
    let location = state.shared_store.as_deref().map(|text| {
        let value = serde_json::from_str::<serde_json::Value>(text).ok();
        value.and_then(|value| value.get("location")?.as_str().map(str::to_owned))
    });
    match location.as_ref().map(Option::as_deref) {
        Some(Some("state-db")) => found.lines.push("auth.sharedStore says state-db".to_owned()),
        None | Some(Some("legacy-main")) => {
            found.layout = Some(Layout::AgentSqlite);
            found.legacy_main = true;
            found
                .lines
                .push("auth.sharedStore does not say state-db: the main agent's store is shared".to_owned());
        }
        Some(_) => {
            found.read_only = Some(
                "auth.sharedStore in the state database names a place that is not known; run `openclaw doctor --fix`"
                    .to_owned(),
            );
        }
    }
}

fn read_state_db(path: &Path) -> Result<Option<StateDb>, LayoutError> {
    let read = read_only(path, |db| -> rusqlite::Result<StateDb> {
        let value = |key: &str| {
            let sql = "SELECT value_json FROM config_machine_state WHERE state_key = ?1";
            db.query_row(sql, [key], |row| row.get::<_, String>(0)).optional()
        };
        let machine_state = has_table(db, "config_machine_state")?;
        let app_version = match has_table(db, "schema_meta")? {
            true => db
                .query_row("SELECT app_version FROM schema_meta WHERE meta_key = 'primary'", [], |row| {
                    row.get(0)
                })
                .optional()?
                .flatten(),
            false => None,
        };
        Ok(StateDb {
            user_version: db.pragma_query_value(None, "user_version", |row| row.get(0))?,
            app_version,
            shared_store: if machine_state { value("auth.sharedStore")? } else { None },
            supervisor: supervisor(db)?,
        })
    })?;
    read.transpose().map_err(|error| LayoutError::Database(sqlite_error(path, error)))
}

/// Returns the user_version of the first agent's database that has one. A database that cannot be read says nothing here; it is
/// reported when its store is read.
fn agent_version(loc: &Locations, config: &Config) -> Option<i64> {
    agent_dirs(loc, config).find_map(|dir| {
        let version = read_only(&dir.join(AGENT_DB), |db| -> rusqlite::Result<i64> {
            db.pragma_query_value(None, "user_version", |row| row.get(0))
        });
        version.ok()??.ok().filter(|version| *version > 0)
    })
}

/// Returns every directory in which an agent's store may be; which of main's it is, depends on the release.
fn agent_dirs(loc: &Locations, config: &Config) -> impl Iterator<Item = PathBuf> {
    std::iter::once(loc.main_agent_dir())
        .chain(loc.redirects.openclaw.clone())
        .chain(loc.redirects.pi.clone())
        .chain(config.agents.iter().map(|agent| agent.agent_dir.clone()))
}

fn any_json(loc: &Locations, config: &Config) -> bool {
    agent_dirs(loc, config).any(|dir| files::exists(&dir.join("auth-profiles.json")))
}

fn any_state_json(loc: &Locations, config: &Config) -> bool {
    agent_dirs(loc, config).any(|dir| files::exists(&dir.join("auth-state.json")))
}

fn same_dir(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| files::resolved(path).ok().flatten().unwrap_or_else(|| path.to_owned());
    real(one) == real(other)
}
