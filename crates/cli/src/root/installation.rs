//! Opening the installation that the options name.

use super::holdings::Need;
use super::program::Program;
use super::{World, variables};
use crate::arguments::Globals;
use crate::error::{CommandError, ErrorKind};
use keyshoal_core::Secret;
use keyshoal_local::{AskRelease, Installation, OpenError, OpenOptions, owner};
use keyshoal_openclaw::locate::{LocateError, Locations};
use keyshoal_openclaw::{files, locate};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// A token or key is never longer than this.
const LONGEST_SECRET: u64 = 64 * 1024;

/// What a command needs of the installation.
#[derive(Clone, Debug, Default)]
pub struct OpenFor {
    /// Ask no provider.
    pub offline: bool,
    /// The person's own command that restarts the gateway.
    pub restart_command: Option<String>,
    /// Ask each agent through the gateway after a run.
    pub ask_agents: bool,
    /// Nothing of its memory is made or changed.
    pub read_only: bool,
    /// Which release will run there, where that is known; else the program on the PATH tells.
    pub release: Option<String>,
    /// How much it needs the installation's vault, where that has one.
    pub vault: Need,
}

/// Opens it.
pub fn open(world: &World, globals: &Globals, wanted: OpenFor) -> Result<Installation, CommandError> {
    // OpenClaw runs on its defaults without a config; who names one means it.
    if let Some(named) = &globals.config
        && !keyshoal_openclaw::files::exists(named)
    {
        return Err(CommandError::config(format!("there is no config {}", named.display()))
            .hint("name an openclaw.json that exists, or leave --config out"));
    }
    let gateway_token = globals.gateway_token_file.as_deref().map(read_secret).transpose()?;
    let options = OpenOptions {
        state_dir: globals.state_dir.clone(),
        config: globals.config.clone(),
        env: world.environment.clone(),
        keys_dir: keys_dir(world, globals),
        offline: wanted.offline,
        max_requests: globals.max_requests,
        ca_file: globals.ca_file.clone(),
        allow_device: globals.allow_device,
        gateway_token,
        restart_command: wanted.restart_command,
        wait_for_lock: Duration::from_secs(globals.wait),
        ask_agents: wanted.ask_agents,
        read_only: wanted.read_only,
        installed: AskRelease::by({
            let environment = world.environment.clone();
            let told = wanted.release.clone();
            move || told.clone().or_else(|| Some(Program::find(&environment, None).ok()??.version))
        }),
        ..OpenOptions::default()
    };
    Installation::open(options).map_err(failed)
}

/// Finds the installation's places alone, for what needs no memory of it.
pub fn locations(world: &World, globals: &Globals) -> Result<Locations, CommandError> {
    let found = locate::locate(&world.environment, globals.state_dir.as_deref(), globals.config.as_deref());
    found.map_err(|error| failed(OpenError::Locate(error)))
}

fn failed(error: OpenError) -> CommandError {
    let kind = match error {
        OpenError::Locate(_) | OpenError::NoKeysDir => ErrorKind::Config,
        _ => ErrorKind::Io,
    };
    let hint =
        matches!(error, OpenError::Locate(_)).then_some("`keyshoal demo` shows everything without OpenClaw");
    let mut made = CommandError::new(kind, error.to_string());
    made.hints.extend(hint.map(str::to_owned));
    made
}

/// Returns the directory of keys and policy, where the person names one; else the installation chooses.
pub fn keys_dir(world: &World, globals: &Globals) -> Option<PathBuf> {
    let told = world.environment.get(variables::KEYSHOAL_CONFIG_DIR).map(PathBuf::from);
    globals.keys_dir.clone().or(told)
}

/// Returns the directory of keys and policy, by default `keyshoal` in the user's config directory.
pub fn keys_dir_or_default(world: &World, globals: &Globals) -> Result<PathBuf, CommandError> {
    let chosen = keys_dir(world, globals);
    let default = || keyshoal_local::open::default_keys_dir(&world.environment);
    chosen.or_else(default).ok_or_else(|| failed(OpenError::NoKeysDir))
}

/// Reads a secret from a file, without the line end.
pub fn read_secret(path: &Path) -> Result<Secret, CommandError> {
    let bytes = files::read(path, LONGEST_SECRET).map_err(|error| CommandError::io(error.to_string()))?;
    let bytes = Zeroizing::new(
        bytes.ok_or_else(|| CommandError::user(format!("{} does not exist", path.display())))?,
    );
    secret_of(&bytes).ok_or_else(|| CommandError::user(format!("{} is not UTF-8 text", path.display())))
}

/// Makes a secret of what was read, without blanks and line ends around it.
pub fn secret_of(bytes: &[u8]) -> Option<Secret> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(Secret::new(text.trim_start_matches('\u{feff}').trim()))
}

/// Becomes the owner of the state directory when root runs us on somebody else's, or, where none is there, of the vault that is named. Must
/// come before any thread.
///
/// The directory is fixed first: the owner's home would name another one.
pub fn act_as_owner(world: &mut World, globals: &mut Globals) -> Result<Option<String>, CommandError> {
    let found =
        locate::locate(&world.environment, globals.state_dir.as_deref(), globals.config.as_deref()).ok();
    let named = globals.vault.clone().or_else(|| world.get(variables::KEYSHOAL_VAULT).map(PathBuf::from));
    // Where neither is there, opening will say what is wrong.
    let Some(whose) = found.as_ref().map(|found| found.state_dir.clone()).or(named) else { return Ok(None) };
    let note = become_owner(world, &whose)?;
    if let (Some(_), Some(found)) = (&note, found) {
        globals.state_dir = Some(found.state_dir);
        globals.config = Some(found.config_path);
    }
    Ok(note)
}

/// The same before a state directory is made or filled: its owner is that of the directory, or of the one in which it is to lie.
pub fn act_as_owner_to_be(world: &mut World, globals: &mut Globals) -> Result<Option<String>, CommandError> {
    let dir = match locate::locate(&world.environment, globals.state_dir.as_deref(), None) {
        Ok(found) => Some(found.state_dir),
        Err(LocateError::NoStateDir { looked_at }) => looked_at.into_iter().next(),
        // The command says what is wrong, and makes nothing.
        Err(_) => None,
    };
    let Some(dir) = dir else { return Ok(None) };
    let Some(there) = dir.ancestors().find(|above| files::exists(above)) else { return Ok(None) };
    let note = become_owner(world, there)?;
    if note.is_some() {
        globals.state_dir = Some(dir);
    }
    Ok(note)
}

/// Becomes the owner of what is there, and takes that user's home for everything that follows. Returns what a person should know of it.
fn become_owner(world: &mut World, whose: &Path) -> Result<Option<String>, CommandError> {
    let became = owner::act_as_owner(whose).map_err(|error| {
        CommandError::io(error.to_string()).hint("run keyshoal as that user: sudo -u USER keyshoal …")
    })?;
    let Some(owner) = became else { return Ok(None) };
    let note = format!(
        "acting as user {}, who owns {}",
        owner.name.clone().unwrap_or_else(|| owner.uid.to_string()),
        whose.display()
    );
    let vars = &mut world.environment.vars;
    let homes = [variables::XDG_CONFIG_HOME, variables::XDG_DATA_HOME];
    for name in homes.iter().chain(&["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"]) {
        vars.remove(*name);
    }
    if let Some(home) = &owner.home {
        vars.insert("HOME".to_owned(), home.display().to_string());
    }
    if let Some(name) = owner.name {
        vars.insert("USER".to_owned(), name.clone());
        vars.insert("LOGNAME".to_owned(), name);
    }
    world.environment.home = owner.home;
    Ok(Some(note))
}
