//! The doctor's port: what an observation leaves out, put together without a secret in the result.

mod hosts;
mod references;

use crate::observe::{Held, Snapshot};
use crate::{Installation, remember::port_error};
use keyshoal_core::examination::{BoundTo, LogEventKind, PastRun, ProgramLog};
use keyshoal_core::record::LogPlace;
use keyshoal_core::{
    AgentId, Examination, GatewayView, Observation, Referred, SecretRef, StoreId, Timestamp,
};
use keyshoal_engine::doctor::Examine;
use keyshoal_engine::ports::{Observe as _, PortError};
use keyshoal_openclaw::agent_id;
use keyshoal_openclaw::config::Config;
use keyshoal_openclaw::examine::{databases, locks, logins, logs, others, paths, recorded, residue};
use keyshoal_openclaw::gateway::trusted_users;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many runs of ours are told.
const RUNS: usize = 20;

impl Examine for Installation {
    fn examine(&self, observed: &Observation, online: bool) -> Result<Examination, PortError> {
        let seen = self.snapshot()?;
        let at = &self.locations;
        let config = &seen.config;
        let state = &at.state_dir;
        let mut dirs: Vec<PathBuf> = config.agents.iter().map(|entry| entry.agent_dir.clone()).collect();
        let on_disk = databases::agents_on_disk(state);
        let strangers = on_disk.iter().map(|(_, dir)| dir).filter(|dir| !dirs.contains(dir));
        let strangers: Vec<PathBuf> = strangers.cloned().collect();
        dirs.extend(strangers);
        let mut examined = Vec::new();
        if observed.instance.layout.is_sqlite() {
            examined.extend(databases::look(&databases::state_database(state), None));
            examined.extend(
                on_disk
                    .iter()
                    .filter_map(|(name, dir)| databases::look(&databases::of_agent(dir), Some(name))),
            );
        }
        let rewritten = self.ledger.rewritten().map_err(port_error)?;
        for one in &mut examined {
            one.rewritten = rewritten.get(&one.path).copied();
        }
        let mut other_state_dirs = others::state_dirs(at);
        let named = observed.instance.gateway.other_state_dir.as_deref().map(Path::new);
        if let Some(other) = named.and_then(others::state_dir)
            && !other_state_dirs.iter().any(|one| one.path == other.path)
        {
            other_state_dirs.push(other);
        }
        let gateway = observed.instance.gateway.pid;
        let recorded = recorded::recorded(state);
        let mut processes = others::processes(at, gateway);
        for one in recorded.processes {
            if Some(one.pid) != gateway && processes.iter().all(|known| known.pid != one.pid) {
                processes.push(one);
            }
        }
        Ok(Examination {
            runs: self.past_runs()?,
            log: self.program_log(config, &observed.instance.gateway),
            proxy: self.proxy_of_gateway().and_then(|seen| seen.shown),
            paths: paths::credential_paths(state, &at.config_path, &dirs),
            owner: paths::owner(state),
            plain: residue::plain_files(
                &self.holders(&seen, &on_disk),
                state,
                observed.instance.layout,
                self.prints(),
            ),
            databases: examined,
            registered: databases::registered(state),
            locks: locks::all(state, &dirs),
            logins: logins::found(&at.home, &self.env, self.prints()),
            references: references::facts(self, &seen),
            bindings: bindings(config),
            channels: channels(config),
            other_state_dirs,
            processes,
            node_hosts: others::node_hosts(state).into_iter().chain(recorded.nodes).collect(),
            set_aside: self.aside()?,
            disk: paths::disk(state),
            hosts: if online { hosts::asked(observed) } else { Vec::new() },
        })
    }
}

impl Installation {
    /// Returns the newest look, or looks.
    fn snapshot(&self) -> Result<Arc<Snapshot>, PortError> {
        if let Some(seen) = self.seen() {
            return Ok(seen);
        }
        self.observe()?;
        self.seen().ok_or_else(|| PortError {
            message: "the installation was looked at, and nothing was kept of it".into(),
            hint: None,
            retryable: true,
        })
    }

    /// The directories that hold credentials, with the agents whose they are or were: one that is in no roster any more keeps its files. What
    /// lies beside main's own files may be everybody's.
    fn holders(&self, seen: &Snapshot, on_disk: &[(String, PathBuf)]) -> Vec<(Option<AgentId>, PathBuf)> {
        let entries = seen.config.agents.iter();
        let mut dirs: Vec<_> =
            entries.map(|entry| (Some(entry.id.clone()), entry.agent_dir.clone())).collect();
        let base = seen.stores.get(&StoreId::Base).and_then(|held| held.file.path().parent());
        for dir in [Some(self.locations.main_agent_dir()), base.map(Path::to_owned)].into_iter().flatten() {
            if dirs.iter().all(|(_, known)| *known != dir) {
                dirs.push((None, dir));
            }
        }
        for (name, dir) in on_disk {
            if dirs.iter().all(|(_, known)| known != dir) {
                dirs.push((Some(AgentId::new(name)), dir.clone()));
            }
        }
        dirs
    }

    fn past_runs(&self) -> Result<Vec<PastRun>, PortError> {
        let runs = self.ledger.runs(RUNS).map_err(port_error)?;
        let past = runs.into_iter().map(|run| PastRun {
            id: run.id,
            command: run.command,
            begun: run.begun,
            done: run.done,
            steps: run.steps,
        });
        Ok(past.collect())
    }

    /// Reads the program's log: its own where the config names one, else what its user's gateways share.
    fn program_log(&self, config: &Config, gateway: &GatewayView) -> ProgramLog {
        self.in_log(config, gateway, logs::read)
    }

    /// Returns when the gateway last read its stores again, by the word of a log of its own. Nobody asks where no store is newer than it.
    pub(crate) fn last_read(
        &self,
        config: &Config,
        gateway: &GatewayView,
        stores: &BTreeMap<StoreId, Held>,
        referred: &BTreeMap<SecretRef, Referred>,
    ) -> Option<Timestamp> {
        let began = gateway.started.filter(|_| gateway.running == Some(true))?;
        let written = |held: &Held| held.read.modified.and_then(|at| Timestamp::try_from(at).ok());
        let files = referred.values().filter_map(|one| one.modified);
        stores.values().filter_map(written).chain(files).find(|at| *at > began)?;
        let log = self.program_log(config, gateway);
        // When it was ready is later than when it read.
        let again = |kind| matches!(kind, LogEventKind::SecretsRead | LogEventKind::ConfigApplied);
        let reads = log.events.iter().filter(|event| log.own && again(event.kind));
        reads.map(|event| event.at).max()
    }

    /// Returns how far the program's log goes; `None` where there is none, or where no gateway runs whose lines would be in a shared one.
    pub(crate) fn log_place(&self) -> Option<LogPlace> {
        let seen = self.seen()?;
        self.in_log(&seen.config, &seen.observed.instance.gateway, logs::end)
    }

    fn in_log<T>(
        &self,
        config: &Config,
        gateway: &GatewayView,
        read: impl FnOnce(&logs::Where<'_>) -> T,
    ) -> T {
        let users = trusted_users(&self.locations.state_dir);
        let mut shared: Vec<PathBuf> = vec!["/tmp/openclaw".into()];
        let temporary = self.env.get("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        shared.extend(users.iter().map(|user| temporary.join(format!("openclaw-{user}"))));
        read(&logs::Where {
            configured: config.log_file.as_deref(),
            shared: &shared,
            users: &users,
            since: gateway.started.filter(|_| gateway.running == Some(true)),
        })
    }
}

fn bindings(config: &Config) -> Vec<BoundTo> {
    let bound = config.bindings.iter().filter_map(|binding| {
        let agent = agent_id::normalize(&binding.agent).as_str().to_owned();
        Some(BoundTo { channel: binding.channel.clone()?, agent })
    });
    bound.collect()
}

/// The channels that the config sets up and does not disable.
fn channels(config: &Config) -> Vec<String> {
    config.channels.iter().filter(|(_, channel)| channel.enabled).map(|(name, _)| name.clone()).collect()
}
