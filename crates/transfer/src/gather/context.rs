//! Workspaces and sessions: what comes along, and what stays where it is.

use super::{GatherError, Gathering};
use crate::files::{self, Walked};
use crate::manifest::{Part, Stays};
use crate::payload::FileEntry;
use keyshoal_core::AgentId;
use keyshoal_openclaw::{Environment, workspaces};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// So many files are looked at in one directory.
const MOST: usize = 100_000;
/// The database in which later releases keep an agent's sessions.
const DATABASE: &str = "openclaw-agent.sqlite";

impl Gathering<'_> {
    pub(super) fn context(&mut self, along: bool) -> Result<(), GatherError> {
        let agents = &self.config.agents;
        let places: Vec<PathBuf> = agents
            .iter()
            .map(|agent| workspaces::of_agent(self.locations, self.env, self.config, self.raw, agent).path)
            .collect();
        let mut owners: BTreeMap<PathBuf, AgentId> = BTreeMap::new();
        for (agent, place) in agents.iter().zip(&places) {
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
                let mut avoid: Vec<PathBuf> =
                    places.iter().filter(|other| *other != place).map(|other| files::real(other)).collect();
                avoid.push(files::real(&self.locations.state_dir));
                let walked = files::walk(&real, &avoid, MOST)?;
                self.part(&agent.id, Part::Workspace, &real, walked, along);
            }
            let sessions = workspaces::sessions_of(self.locations, agent);
            let walked = files::walk(&sessions, &[], MOST)?;
            self.part(&agent.id, Part::Sessions, &sessions, walked, along);
            let database = agent.agent_dir.join(DATABASE);
            if let Some(bytes) = files::size(&database) {
                self.stays(Part::Database, Some(&agent.id), &database, (1, bytes));
            }
        }
        let logins = &self.locations.oauth_dir;
        let walked = files::walk(logins, &[], MOST)?;
        if walked.count > 0 {
            self.stays(Part::ChannelLogins, None, logins, (walked.count, walked.bytes));
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
