//! Workspaces and sessions: what comes along, and what stays where it is.

use super::{GatherError, Gathering};
use crate::files::{self, Walked};
use crate::manifest::{Part, Stays};
use crate::payload::FileEntry;
use keyshoal_core::AgentId;
use keyshoal_core::vault::VaultAgent;
use keyshoal_openclaw::config::model::AgentEntry;
use keyshoal_openclaw::{Environment, workspaces};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// So many files are looked at in one directory.
const MOST: usize = 100_000;
/// The database in which later releases keep an agent's sessions.
const DATABASE: &str = "openclaw-agent.sqlite";

/// An agent, and where it works.
struct Worker {
    id: AgentId,
    workspace: PathBuf,
    /// The directory of its store.
    dir: PathBuf,
}

impl Gathering<'_> {
    pub(super) fn context(&mut self, along: bool) -> Result<(), GatherError> {
        let roster = self.roster();
        self.work(along, &roster, &[])?;
        let logins = &self.locations.oauth_dir;
        let walked = files::walk(logins, &[], MOST)?;
        if walked.count > 0 {
            self.stays(Part::ChannelLogins, None, logins, (walked.count, walked.bytes));
        }
        Ok(())
    }

    /// Does the same for agents that the config does not have.
    pub(super) fn context_of_absent(
        &mut self,
        along: bool,
        absent: &[&VaultAgent],
    ) -> Result<(), GatherError> {
        let worker = |agent: &&VaultAgent| {
            let (id, written) = (agent.id.clone(), agent.workspace.as_deref());
            let workspace = workspaces::of_absent(self.locations, self.env, self.raw, &id, written).path;
            let dir = self.locations.state_dir.join("agents").join(id.as_str()).join("agent");
            Worker { id, workspace, dir }
        };
        let absent: Vec<Worker> = absent.iter().map(worker).collect();
        let roster = self.roster();
        self.work(along, &absent, &roster)
    }

    fn roster(&self) -> Vec<Worker> {
        let worker = |agent: &AgentEntry| Worker {
            id: agent.id.clone(),
            workspace: workspaces::of_agent(self.locations, self.env, self.config, self.raw, agent).path,
            dir: agent.agent_dir.clone(),
        };
        self.config.agents.iter().map(worker).collect()
    }

    /// Takes along, or tells of, what these have; what is also another's is that one's.
    fn work(&mut self, along: bool, these: &[Worker], others: &[Worker]) -> Result<(), GatherError> {
        let all = || these.iter().chain(others);
        let mut owners: BTreeMap<PathBuf, AgentId> =
            others.iter().map(|other| (files::real(&other.workspace), other.id.clone())).collect();
        for agent in these {
            let place = &agent.workspace;
            let what = format!("the workspace of {}, {}", agent.id, place.display());
            let real = files::real(place);
            if is_home(&real, self.env, &self.locations.home) {
                self.leave_out(
                    what,
                    "it is a home directory, or above one; copy what you want of it by hand",
                );
            } else if let Some(owner) = owners.get(&real) {
                let why = format!("it is that of {owner} too, and comes or stays with it");
                self.leave_out(what, why);
            } else {
                owners.insert(real.clone(), agent.id.clone());
                let others = all().map(|other| &other.workspace).filter(|other| *other != place);
                let mut avoid: Vec<PathBuf> = others.map(|other| files::real(other)).collect();
                avoid.push(files::real(&self.locations.state_dir));
                let walked = files::walk(&real, &avoid, MOST)?;
                self.part(&agent.id, Part::Workspace, &real, walked, along);
            }
            let sessions = workspaces::sessions_of(self.locations, &agent.id);
            let walked = files::walk(&sessions, &[], MOST)?;
            self.part(&agent.id, Part::Sessions, &sessions, walked, along);
            let database = agent.dir.join(DATABASE);
            if let Some(bytes) = files::size(&database) {
                self.stays(Part::Database, Some(&agent.id), &database, (1, bytes));
            }
        }
        Ok(())
    }

    fn part(&mut self, agent: &AgentId, part: Part, dir: &Path, walked: Walked, along: bool) {
        if !along {
            if walked.count > 0 {
                self.stays(part, Some(agent), dir, (walked.count, walked.bytes));
            }
            return;
        }
        for (path, why) in walked.skipped {
            self.leave_out(format!("{} {path} of {agent}", part.as_str()), why);
        }
        self.payload.files.extend(walked.files.into_iter().map(|found| FileEntry {
            agent: agent.clone(),
            part,
            path: found.path,
            // What its owner cannot read is read all the same, or fails; a copy that nobody can read helps nobody.
            mode: found.mode | 0o600,
            size: found.size,
            at: Some(found.at),
        }));
    }

    fn stays(&mut self, what: Part, agent: Option<&AgentId>, path: &Path, (files, bytes): (u64, u64)) {
        let (agent, path) = (agent.cloned(), path.display().to_string());
        self.payload.manifest.stays.push(Stays { what, agent, path, files, bytes });
    }
}

/// Tells whether a directory is somebody's home, or holds one: far more than a workspace.
fn is_home(dir: &Path, env: &Environment, home: &Path) -> bool {
    env.home.iter().map(PathBuf::as_path).chain([home]).any(|home| files::real(home).starts_with(dir))
}
