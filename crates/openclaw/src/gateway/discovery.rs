//! Finding the gateway of a state directory without any credential.

use super::lock::{self, Lock, Locks};
use super::wire::{Bounded, Wait};
use super::{GatewayError, GatewayWord, http, process, sockets};
use crate::locate::{self, Locations};
use crate::{Environment, config::Config, files};
use keyshoal_core::GatewayView;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// OpenClaw's own default.
pub const DEFAULT_PORT: u16 = 18789;
/// A busy gateway may take a moment to greet. When nothing listens, loopback says so at once.
const GREETING: Duration = Duration::from_millis(1500);
const STATE_DIR: &str = "OPENCLAW_STATE_DIR";
const CONFIG_PATH: &str = "OPENCLAW_CONFIG_PATH";
const PORT: &str = "OPENCLAW_GATEWAY_PORT";

/// Returns the port on which the gateway of this config is to be expected: `OPENCLAW_GATEWAY_PORT` (`.env` included), else `gateway.port`, else 18789.
pub fn gateway_port(config: &Config, env: &Environment) -> u16 {
    let dotenv = || config.dotenv.get(PORT).map(|port| port.reveal_secret().trim());
    let named = env.get(PORT).or_else(dotenv).and_then(|port| port.parse().ok());
    named.or(config.gateway.port).unwrap_or(DEFAULT_PORT)
}

/// Looks for the gateway of this state directory: its lock files, its port on loopback, its process.
///
/// Asks for `/healthz` at most, shows no credential, and takes a fraction of a second when nothing listens.
/// `running` is `Some(false)` only where the port refused connections and no lock of a gateway lies there. Whatever else hinders the
/// view makes it `None`, with the reason.
pub fn discover(at: &Locations, config: &Config, env: &Environment) -> GatewayView {
    let mine = Identity::of(&at.state_dir, &at.config_path);
    let in_state = lock::in_state_dir(&at.state_dir);
    // A gateway runs as the owner of its state directory; root may have started it, and we may be either.
    let users = sockets::trusted_users(&at.state_dir);
    let in_tmp: Vec<Locks> = tmp_dirs(env).iter().map(|tmp| lock::in_tmp(tmp, &users)).collect();
    let all = in_tmp.iter().chain([&in_state]).flat_map(|locks| &locks.found);
    let alive: Vec<&Lock> = all.filter(|lock| lock.is_gateway() && lock.alive()).collect();
    if let Some(lock) = alive.iter().find(|lock| in_state.found.contains(lock) || mine.owns(lock)) {
        return GatewayView {
            running: Some(true),
            port: Some(port_of(lock, config, env)),
            pid: Some(lock.pid),
            started: process::started(lock.pid).map(|began| began.max(lock.created.unwrap_or(began))),
            ..GatewayView::default()
        };
    }
    let port = gateway_port(config, env);
    if let Some(remote) = &config.gateway.remote {
        let error = GatewayError::Remote { url: remote.url.clone() };
        return unknown(port, format!("{error}, so what runs here says nothing about it"));
    }
    let wait = Wait::begin("the gateway's greeting", GREETING);
    // A port with TLS is not spoken to in plain text.
    let seen = if config.gateway.tls { wants_tls(port, &wait) } else { http::is_gateway(port, &wait) };
    match seen {
        Ok(()) => someone_listens(port, &mine, &alive, &users),
        Err(GatewayError::NotRunning { .. }) => {
            let elsewhere = may_bind_elsewhere(config) && !sockets::listeners(port).is_empty();
            nobody_listens(port, elsewhere, &in_state, &in_tmp)
        }
        // A gateway that has just begun may be too busy to answer; its process tells who it is all the same.
        Err(_) if process::listener(port).is_some_and(process::looks_like_gateway) => {
            someone_listens(port, &mine, &alive, &users)
        }
        Err(error) => unknown(port, error.to_string()),
    }
}

fn unknown(port: u16, why: String) -> GatewayView {
    GatewayView { running: None, port: Some(port), unknown_because: Some(why), ..GatewayView::default() }
}

fn wants_tls(port: u16, wait: &Wait) -> Result<(), GatewayError> {
    Bounded::connect(port, wait.end())?;
    Err(GatewayError::Tls { port })
}

/// Tells whether the config lets the gateway listen where the loopback does not lead. To list all sockets takes longer than
/// everything else here.
fn may_bind_elsewhere(config: &Config) -> bool {
    config.gateway.bind.as_deref().is_some_and(|bind| !matches!(bind, "auto" | "loopback" | "lan"))
}

/// The loopback refused, and no lock names a live gateway.
fn nobody_listens(port: u16, elsewhere: bool, in_state: &Locks, in_tmp: &[Locks]) -> GatewayView {
    if let Some(left) = in_state.found.iter().find(|lock| lock.is_gateway()) {
        let why = format!(
            "{} names process {}, which is none of this machine's: a container's, or one that died",
            left.path.display(),
            left.pid
        );
        return unknown(port, why);
    }
    let mut closed = in_tmp.iter().chain([in_state]).flat_map(|locks| &locks.closed);
    // A user of whom no gateway runs has no lock that counts.
    if let Some(closed) = closed.find(|dir| files::owner(dir).is_none_or(process::runs_a_gateway)) {
        return unknown(port, format!("{} cannot be looked into for a gateway's lock", closed.display()));
    }
    if elsewhere {
        let why = format!("something listens on port {port}, and not on the loopback (gateway.bind?)");
        return unknown(port, why);
    }
    GatewayView { running: Some(false), ..GatewayView::default() }
}

/// Returns what a running gateway was started with, of the variables that may hold a provider's key and no others. `None` when it cannot be
/// seen: another user's process, or none of this machine's. What the gateway reads from `.env` and the config later is not in it.
pub fn key_environment(pid: u32) -> Option<Environment> {
    let names: Vec<&str> = crate::candidates::key_variables().collect();
    Some(Environment { vars: process::environment(pid, &names)?, home: None })
}

/// A gateway greets on our port, and no lock of ours names it.
fn someone_listens(port: u16, mine: &Identity, alive: &[&Lock], users: &[u32]) -> GatewayView {
    let listeners = sockets::listeners(port);
    let strange = listeners.iter().find(|one| !users.contains(&one.user));
    if strange.is_some() || listeners.is_empty() {
        let error = GatewayError::Stranger { port, user: strange.map(|one| one.user) };
        return unknown(port, error.to_string());
    }
    let pid = process::listener(port);
    let lock = alive.iter().find(|lock| Some(lock.pid) == pid || lock.port == Some(port));
    // The config may lie anywhere, so that its place is a weak hint; what the program does by default is the weakest.
    let started_for = lock
        .and_then(|lock| lock.state_dir.clone())
        .or_else(|| named_for(pid?))
        .or_else(|| Some(lock?.config_path.as_ref()?.parent()?.to_owned()))
        .or_else(|| default_for(pid?));
    if let Some(other) = started_for.filter(|other| !mine.is(other)) {
        let other = other.display().to_string();
        let error = GatewayError::OtherStateDir { port, state_dir: other.clone() };
        return GatewayView { other_state_dir: Some(other), ..unknown(port, error.to_string()) };
    }
    GatewayView {
        running: Some(true),
        port: Some(port),
        pid,
        started: pid.and_then(process::started),
        ..GatewayView::default()
    }
}

/// Returns the state directory that a process was started for, where its environment names one.
fn named_for(pid: u32) -> Option<PathBuf> {
    process::environment(pid, &[STATE_DIR])?.get(STATE_DIR).map(PathBuf::from)
}

/// Returns the state directory that a process whose environment names none uses by default, unless its command line may choose one.
fn default_for(pid: u32) -> Option<PathBuf> {
    if !process::looks_like_gateway(pid) || process::chooses_profile(pid) {
        return None;
    }
    let vars = process::environment(pid, &["HOME", "OPENCLAW_HOME", CONFIG_PATH])?;
    // A config of its own may name any place, and its directory is no sign.
    if vars.contains_key(CONFIG_PATH) {
        return None;
    }
    let home = vars.get("HOME").map(PathBuf::from);
    locate::locate(&Environment { vars, home }, None, None).ok().map(|found| found.state_dir)
}

/// Says whose a gateway is that was connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of the state directory that was meant.
    Ours,
    /// It names a directory that is not on this machine, as one in a container does.
    CannotTell,
    /// It names another directory of this machine.
    Others,
}

/// Tells by a gateway's own word whose it is. One that names no directory is taken at its port.
pub fn whose(state_dir: &Path, word: &GatewayWord) -> Whose {
    let Some(named) = &word.state_dir else { return Whose::Ours };
    if *named == *state_dir || real(named) == real(state_dir) {
        return Whose::Ours;
    }
    // Seen from its container, our directory has another name, which its lock in our directory tells.
    let locks = lock::in_state_dir(state_dir).found;
    if locks.iter().any(|lock| lock.is_gateway() && lock.state_dir.as_ref() == Some(named)) {
        return Whose::Ours;
    }
    match files::metadata(named) {
        Ok(None) => Whose::CannotTell,
        _ => Whose::Others,
    }
}

fn port_of(lock: &Lock, config: &Config, env: &Environment) -> u16 {
    lock.port
        .or_else(|| process::port_option(lock.pid))
        .or_else(|| process::environment(lock.pid, &[PORT])?.get(PORT)?.trim().parse().ok())
        .or(config.gateway.port)
        .unwrap_or_else(|| gateway_port(config, env))
}

/// Where early releases keep their locks: the directory for temporary files, as far as it can be guessed for another process.
fn tmp_dirs(env: &Environment) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> =
        ["TMPDIR", "TMP", "TEMP"].iter().filter_map(|name| env.get(name)).map(PathBuf::from).collect();
    dirs.push(PathBuf::from("/tmp"));
    dirs.push(PathBuf::from("/var/tmp"));
    let mut seen = Vec::new();
    dirs.retain(|dir| {
        let real = real(dir);
        !seen.contains(&real) && {
            seen.push(real);
            true
        }
    });
    dirs
}

/// Who we look for.
struct Identity {
    state_dir: PathBuf,
    real_state_dir: PathBuf,
    config: PathBuf,
    real_config: PathBuf,
}

impl Identity {
    fn of(state_dir: &Path, config: &Path) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            real_state_dir: real(state_dir),
            config: config.to_owned(),
            real_config: real(config),
        }
    }

    /// Tells whether a path is the state directory.
    fn is(&self, path: &Path) -> bool {
        *path == self.state_dir || real(path) == self.real_state_dir
    }

    fn owns(&self, lock: &Lock) -> bool {
        if let Some(state_dir) = &lock.state_dir {
            return self.is(state_dir);
        }
        // Early releases name the config alone; two state directories may share one, so the process has a word too.
        let same = lock
            .config_path
            .as_ref()
            .is_some_and(|config| *config == self.config || real(config) == self.real_config);
        let named = process::environment(lock.pid, &[STATE_DIR, CONFIG_PATH]).unwrap_or_default();
        let elsewhere = named.contains_key(CONFIG_PATH)
            && named.get(STATE_DIR).map(PathBuf::from).is_some_and(|dir| !self.is(&dir));
        same && !elsewhere
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_of_another_user_is_not_taken_for_ours() {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mine = Identity::of(dir.path(), &dir.path().join("openclaw.json"));
        let us = rustix::process::geteuid().as_raw();
        assert_eq!(someone_listens(port, &mine, &[], &[us]).running, Some(true));
        let strange = someone_listens(port, &mine, &[], &[us + 1]);
        assert_eq!((strange.running, strange.pid), (None, None));
        assert!(strange.unknown_because.unwrap().contains(&format!("user {us}")));
    }
}
