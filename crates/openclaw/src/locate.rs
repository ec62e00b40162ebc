//! Where an OpenClaw installation is: state directory, config, the main agent's directory.

mod level;

use crate::Environment;
use crate::files;
use std::path::{Component, Path, PathBuf};

/// The name of the config file.
const CONFIG_NAME: &str = "openclaw.json";
/// Names that earlier releases gave it. 2026.9 no longer looks for the last one.
const OLD_CONFIG_NAMES: [&str; 2] = ["clawdbot.json", "moldbot.json"];
/// The name of the state directory in the home directory.
const STATE_NAME: &str = ".openclaw";
/// Names that earlier releases gave it. 2026.9 no longer looks for the last one.
const OLD_STATE_NAMES: [&str; 2] = [".clawdbot", ".moldbot"];

/// The places of one installation. All paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations {
    /// The home directory that `~` stands for: `OPENCLAW_HOME`, else the user's.
    pub home: PathBuf,
    /// The state directory. It exists.
    pub state_dir: PathBuf,
    /// The config file. It need not exist.
    pub config_path: PathBuf,
    /// Where the environment wants the main agent's store; which of it counts depends on the release.
    pub redirects: Redirects,
    /// The directory of legacy OAuth files: `credentials`, or `OPENCLAW_OAUTH_DIR`.
    pub oauth_dir: PathBuf,
    /// Directories outside of the config's own from which `$include` may read (`OPENCLAW_INCLUDE_ROOTS`).
    pub include_roots: Vec<PathBuf>,
    /// What a person should know about how these were found, one line each.
    pub notes: Vec<String>,
}

/// Directories that the environment names in the place of `agents/main/agent`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirects {
    /// `OPENCLAW_AGENT_DIR`.
    pub openclaw: Option<PathBuf>,
    /// `PI_CODING_AGENT_DIR`.
    pub pi: Option<PathBuf>,
}

impl Locations {
    /// Returns the main agent's own directory, whatever the environment says.
    pub fn main_agent_dir(&self) -> PathBuf {
        self.state_dir.join("agents").join("main").join("agent")
    }
}

/// Says why no installation was found.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Nothing names a home directory.
    #[error(
        "no home directory is known; set HOME or OPENCLAW_HOME, or name the state directory with --state-dir"
    )]
    NoHome,
    /// No directory is where one should be.
    #[error(
        "no OpenClaw state directory: looked at {}; name it with --state-dir or OPENCLAW_STATE_DIR",
        list(looked_at)
    )]
    NoStateDir {
        /// The places, in the order in which they were looked at.
        looked_at: Vec<PathBuf>,
    },
    /// What was named lies above or below a state directory.
    #[error("{} is no state directory of OpenClaw, but {} is: name that with --state-dir", given.display(), right.display())]
    WrongLevel {
        /// What was named.
        given: PathBuf,
        /// The state directory beside it.
        right: PathBuf,
    },
    /// A path cannot be made absolute.
    #[error("{}: {source}; name an absolute path", path.display())]
    BadPath {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Finds the installation as OpenClaw itself does; explicit arguments win over the environment.
///
/// `OPENCLAW_PROFILE` alone moves nothing: only the program's own `--profile` option does, by setting `OPENCLAW_STATE_DIR`.
/// The rules are those of `config/paths.ts` in 2026.3.28 to 2026.9.6, the older names included.
pub fn locate(
    env: &Environment,
    state_dir: Option<&Path>,
    config: Option<&Path>,
) -> Result<Locations, LocateError> {
    let home = home(env);
    let by_environment = state_dir_by_environment(env, home.as_deref())?;
    let mut notes = Vec::new();
    let (chosen, foreign_environment) = match state_dir {
        Some(given) => {
            let given = resolve(given, home.as_deref())?;
            let foreign = by_environment.as_ref().is_none_or(|(found, _)| *found != given);
            (given, foreign)
        }
        None => (by_environment.as_ref().ok_or(LocateError::NoHome)?.0.clone(), false),
    };
    if !files::is_dir(&chosen) {
        let looked_at = match (state_dir, &by_environment) {
            (None, Some((_, looked_at))) => looked_at.clone(),
            _ => vec![chosen],
        };
        return Err(LocateError::NoStateDir { looked_at });
    }
    if state_dir.is_some()
        && let Some(right) = level::right_one(&chosen)
    {
        return Err(LocateError::WrongLevel { given: chosen, right });
    }
    note_profile(env, state_dir, home.as_deref(), &chosen, &mut notes);

    let overridden = state_dir.is_some() || env.get("OPENCLAW_STATE_DIR").is_some();
    let config_path = match (config, env.get("OPENCLAW_CONFIG_PATH")) {
        (Some(given), _) => resolve(given, home.as_deref())?,
        (None, Some(named)) if !foreign_environment || existing_config(&chosen).is_none() => {
            resolve(Path::new(named), home.as_deref())?
        }
        (None, named) => {
            let found = config_in(&chosen, overridden, home.as_deref());
            let other =
                |named: &&str| resolve(Path::new(named), home.as_deref()).ok().as_ref() != Some(&found);
            if let Some(named) = named.filter(other) {
                notes.push(format!(
                    "OPENCLAW_CONFIG_PATH={named} was ignored: --state-dir names a directory with a config of its own \
                     (name the config with --config if it is the right one)"
                ));
            }
            found
        }
    };
    let redirects = redirects(env, home.as_deref(), foreign_environment, &mut notes)?;
    let oauth_dir = match env.get("OPENCLAW_OAUTH_DIR") {
        Some(named) if !foreign_environment => resolve(Path::new(named), home.as_deref())?,
        _ => chosen.join("credentials"),
    };
    let mut include_roots = Vec::new();
    for root in env.get("OPENCLAW_INCLUDE_ROOTS").unwrap_or_default().split(':').map(str::trim) {
        if !root.is_empty() {
            include_roots.push(resolve(Path::new(root), home.as_deref())?);
        }
    }
    let home = home.unwrap_or_else(|| chosen.clone());
    Ok(Locations { home, state_dir: chosen, config_path, redirects, oauth_dir, include_roots, notes })
}

/// Returns where the environment wants the main agent's store, unless it speaks of another state directory.
fn redirects(
    env: &Environment,
    home: Option<&Path>,
    foreign_environment: bool,
    notes: &mut Vec<String>,
) -> Result<Redirects, LocateError> {
    let [openclaw, pi] = ["OPENCLAW_AGENT_DIR", "PI_CODING_AGENT_DIR"].map(|name| env.get(name));
    if foreign_environment && (openclaw.is_some() || pi.is_some()) {
        notes.push(
            "OPENCLAW_AGENT_DIR (or PI_CODING_AGENT_DIR) was ignored: it belongs to another state directory \
             than the one named by --state-dir"
                .to_owned(),
        );
        return Ok(Redirects::default());
    }
    let path = |named: Option<&str>| named.map(|named| resolve(Path::new(named), home)).transpose();
    Ok(Redirects { openclaw: path(openclaw)?, pi: path(pi)? })
}

/// Expands a leading `~`, makes the path absolute and takes `.` and `..` out, as OpenClaw does with paths in its config.
pub fn resolve(path: &Path, home: Option<&Path>) -> Result<PathBuf, LocateError> {
    let expanded = match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_), None) => return Err(LocateError::NoHome),
        (Err(_), _) => path.to_owned(),
    };
    let absolute = std::path::absolute(&expanded)
        .map_err(|source| LocateError::BadPath { path: path.to_owned(), source })?;
    Ok(normalize(&absolute))
}

/// Takes `.` and `..` out of an absolute path, without looking at the disk.
pub fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Returns the home directory that `~` stands for.
fn home(env: &Environment) -> Option<PathBuf> {
    let own = env
        .home
        .clone()
        .or_else(|| usable(env.get("HOME")).map(PathBuf::from))
        .or_else(|| usable(env.get("USERPROFILE")).map(PathBuf::from));
    let chosen = match usable(env.get("OPENCLAW_HOME")) {
        Some(named) => match Path::new(named).strip_prefix("~") {
            Ok(rest) => own?.join(rest),
            Err(_) => PathBuf::from(named),
        },
        None => own?,
    };
    std::path::absolute(chosen).ok().map(|path| normalize(&path))
}

/// Drops what scripts write by accident.
fn usable(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !matches!(*value, "undefined" | "null"))
}

/// Returns the state directory that the environment names, and the places that were looked at.
fn state_dir_by_environment(
    env: &Environment,
    home: Option<&Path>,
) -> Result<Option<(PathBuf, Vec<PathBuf>)>, LocateError> {
    if let Some(named) = env.get("OPENCLAW_STATE_DIR") {
        let named = resolve(Path::new(named), home)?;
        return Ok(Some((named.clone(), vec![named])));
    }
    let Some(home) = home else { return Ok(None) };
    let places: Vec<PathBuf> =
        std::iter::once(STATE_NAME).chain(OLD_STATE_NAMES).map(|name| home.join(name)).collect();
    let found = places.iter().find(|place| files::exists(place)).unwrap_or(&places[0]).clone();
    Ok(Some((found, places)))
}

/// Returns the config that exists in a directory, by its present or an earlier name.
fn existing_config(dir: &Path) -> Option<PathBuf> {
    std::iter::once(CONFIG_NAME)
        .chain(OLD_CONFIG_NAMES)
        .map(|name| dir.join(name))
        .find(|path| files::exists(path))
}

/// Returns the config of a state directory, which for the default directory may still stand in an earlier one.
fn config_in(state_dir: &Path, overridden: bool, home: Option<&Path>) -> PathBuf {
    if let Some(found) = existing_config(state_dir) {
        return found;
    }
    if let (false, Some(home)) = (overridden, home) {
        for name in OLD_STATE_NAMES {
            if let Some(found) = existing_config(&home.join(name)) {
                return found;
            }
        }
    }
    state_dir.join(CONFIG_NAME)
}

/// Says that a named profile has a directory of its own which was not chosen.
fn note_profile(
    env: &Environment,
    state_dir: Option<&Path>,
    home: Option<&Path>,
    chosen: &Path,
    notes: &mut Vec<String>,
) {
    let (None, Some(profile), Some(home)) = (state_dir, env.get("OPENCLAW_PROFILE"), home) else { return };
    if profile.eq_ignore_ascii_case("default")
        || !profile.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    {
        return;
    }
    let own = home.join(format!("{STATE_NAME}-{profile}"));
    if own != chosen && files::is_dir(&own) {
        notes.push(format!(
            "OPENCLAW_PROFILE={profile} is set, but like OpenClaw this uses {}; the profile's own directory is {} (name it with --state-dir)",
            chosen.display(),
            own.display()
        ));
    }
}

/// Joins paths for an error.
fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
