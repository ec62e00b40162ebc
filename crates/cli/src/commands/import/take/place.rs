//! Where an import goes, and what must not be there.

use crate::commands::Context;
use crate::error::CommandError;
use keyshoal_openclaw::locate::{LocateError, locate, resolve};
use keyshoal_openclaw::{Environment, files};
use std::path::{Path, PathBuf};

/// What shows that a state directory is in use: configs by all their names, stores, what only a running program makes.
const SIGNS: [&str; 8] = [
    "openclaw.json",
    "clawdbot.json",
    "moltbot.json",
    "moldbot.json",
    "agents",
    "state",
    "credentials",
    "identity",
];

/// Where OpenClaw looks for its config, whatever the state directory is.
const CONFIG_PATH: &str = "OPENCLAW_CONFIG_PATH";

/// Returns the state directory that an import would fill. Refused where it holds an installation.
pub fn free(context: &Context<'_>) -> Result<PathBuf, CommandError> {
    let env = &context.world.environment;
    let dir = wanted(env, context.globals.state_dir.as_deref())?;
    let occupied = |what: &Path| {
        CommandError::user(format!(
            "{} holds an installation already ({}), and nothing is overwritten",
            dir.display(),
            what.display()
        ))
        .hint("keyshoal instance add   takes that one into the vault, where it is")
        .hint("--state-dir DIR   names another place for the import")
    };
    if files::exists(&dir) && !files::is_dir(&dir) {
        return Err(CommandError::user(format!("{} is no directory", dir.display())));
    }
    if let Some(sign) = SIGNS.iter().map(|name| dir.join(name)).find(|path| files::exists(path)) {
        return Err(occupied(&sign));
    }
    // It counts where the directory has no config of its own.
    let named = env.get(CONFIG_PATH).and_then(|named| resolve(Path::new(named), env.home.as_deref()).ok());
    if let Some(config) = named.filter(|config| !config.starts_with(&dir) && files::exists(config)) {
        return Err(named_elsewhere(&dir, &config));
    }
    // An older program's config may still count.
    if let Ok(found) = locate(env, Some(&dir), None)
        && files::exists(&found.config_path)
    {
        return Err(occupied(&found.config_path));
    }
    Ok(dir)
}

/// Says that the place is free, and that a variable has its config be one that is there.
fn named_elsewhere(dir: &Path, config: &Path) -> CommandError {
    CommandError::user(format!(
        "{CONFIG_PATH} names a config that is there already ({}), and nothing is overwritten; {} itself is free",
        config.display(),
        dir.display()
    ))
    .hint(format!("env -u {CONFIG_PATH} before the same command   has the config come into that directory"))
}

/// Returns the state directory that an import would fill, whatever is there.
pub fn wanted(env: &Environment, named: Option<&Path>) -> Result<PathBuf, CommandError> {
    match locate(env, named, None) {
        Ok(found) => Ok(found.state_dir),
        Err(LocateError::NoStateDir { looked_at }) => looked_at
            .into_iter()
            .next()
            .ok_or_else(|| CommandError::internal("a search for a state directory looked nowhere")),
        Err(error) => Err(CommandError::config(error.to_string())),
    }
}
