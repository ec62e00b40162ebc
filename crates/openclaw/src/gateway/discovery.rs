//! Finding the gateway of a state directory without any credential.

use super::lock::{self, Lock};
use super::wire::Wait;
use super::{GatewayError, http, process};
use crate::{Environment, config::Config, files, locate::Locations};
use keyshoal_core::GatewayView;
use std::os::unix::fs::MetadataExt;
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
/// `running` is `None` where it cannot be told: something listens and does not greet, or a lock names a process that is not of this
/// machine's (a container's) or died without taking its lock along.
pub fn discover(at: &Locations, config: &Config, env: &Environment) -> GatewayView {
    let mine = Identity::of(&at.state_dir, &at.config_path);
    let in_state = lock::in_state_dir(&at.state_dir);
    // A gateway runs as the owner of its state directory; root may have started it, and we may be either.
    let owner = files::metadata(&at.state_dir).ok().flatten().map(|meta| meta.uid());
    let owners: Vec<u32> = [0, rustix::process::geteuid().as_raw()].into_iter().chain(owner).collect();
    let locks: Vec<Lock> = tmp_dirs(env)
        .iter()
        .flat_map(|tmp| lock::in_tmp(tmp, &owners))
        .chain(in_state.iter().cloned())
        .filter(Lock::is_gateway)
        .collect();
    let alive: Vec<&Lock> = locks.iter().filter(|lock| lock.alive()).collect();
    if let Some(lock) = alive.iter().find(|lock| in_state.contains(lock) || mine.owns(lock)) {
        return GatewayView {
            running: Some(true),
            port: Some(port_of(lock, config, env)),
            pid: Some(lock.pid),
            started: process::started(lock.pid),
            ..GatewayView::default()
        };
    }
    let port = gateway_port(config, env);
    match http::is_gateway(port, &Wait::begin("the gateway's greeting", GREETING)) {
        Ok(_) => someone_listens(port, &mine, &alive),
        Err(GatewayError::NotRunning { .. }) => {
            let left_behind = in_state.iter().any(Lock::is_gateway);
            GatewayView { running: if left_behind { None } else { Some(false) }, ..GatewayView::default() }
        }
        // Something else has the port: then no gateway of this config runs there, or one that is stuck.
        Err(GatewayError::NotAGateway { .. }) => {
            GatewayView { running: Some(false), ..GatewayView::default() }
        }
        // A gateway that has just begun may be too busy to answer; its process tells who it is all the same.
        Err(_) if process::listener(port).is_some_and(process::looks_like_gateway) => {
            someone_listens(port, &mine, &alive)
        }
        Err(_) => GatewayView { running: None, port: Some(port), ..GatewayView::default() },
    }
}

/// Returns what a running gateway was started with, of the variables that may hold a provider's key and no others. `None` when it cannot be
/// seen: another user's process, or none of this machine's. What the gateway reads from `.env` and the config later is not in it.
pub fn key_environment(pid: u32) -> Option<Environment> {
    let names: Vec<&str> = crate::candidates::key_variables().collect();
    Some(Environment { vars: process::environment(pid, &names)?, home: None })
}

/// A gateway greets on our port, and no lock of ours names it.
fn someone_listens(port: u16, mine: &Identity, alive: &[&Lock]) -> GatewayView {
    let pid = process::listener(port);
    let lock = alive.iter().find(|lock| Some(lock.pid) == pid || lock.port == Some(port));
    // The config may lie anywhere, so that its place is the weakest hint.
    let started_for = lock
        .and_then(|lock| lock.state_dir.clone())
        .or_else(|| started_for(pid?))
        .or_else(|| Some(lock?.config_path.as_ref()?.parent()?.to_owned()));
    GatewayView {
        running: Some(true),
        port: Some(port),
        pid,
        started: pid.and_then(process::started),
        version: None,
        other_state_dir: started_for
            .filter(|other| *other != mine.state_dir && real(other) != mine.real_state_dir)
            .map(|other| other.display().to_string()),
    }
}

/// Returns the state directory that a process was started for, where its environment names one.
fn started_for(pid: u32) -> Option<PathBuf> {
    process::environment(pid, &[STATE_DIR])?.get(STATE_DIR).map(PathBuf::from)
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

    fn owns(&self, lock: &Lock) -> bool {
        if let Some(state_dir) = &lock.state_dir {
            return *state_dir == self.state_dir || real(state_dir) == self.real_state_dir;
        }
        // Early releases name the config alone; two state directories may share one, so the process has a word too.
        let same = lock
            .config_path
            .as_ref()
            .is_some_and(|config| *config == self.config || real(config) == self.real_config);
        let named = process::environment(lock.pid, &[STATE_DIR, CONFIG_PATH]).unwrap_or_default();
        let elsewhere = named.contains_key(CONFIG_PATH)
            && named
                .get(STATE_DIR)
                .map(PathBuf::from)
                .is_some_and(|dir| dir != self.state_dir && real(&dir) != self.real_state_dir);
        same && !elsewhere
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
