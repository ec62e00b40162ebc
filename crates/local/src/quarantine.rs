//! Moving the credential directory of an agent that is no more out of the program's sight, and back.

use crate::remember::port_error;
use crate::{Installation, clock};
use keyshoal_core::examination::SetAside;
use keyshoal_core::{Layout, Material, Observation};
use keyshoal_engine::carry::Own;
use keyshoal_engine::ports::{Observe as _, PortError};
use keyshoal_ledger::quarantine::{self, Moved};
use keyshoal_openclaw::examine::databases;
use keyshoal_openclaw::store::StoreFile;
use keyshoal_openclaw::{agent_id, files};
use std::path::Path;

/// Directories below `agents/` that are the program's own: never moved, whatever the roster says.
const RESERVED: [&str; 3] = ["main", "openclaw", "crestodian"];

impl Installation {
    /// Moves the credential directory of an agent that is in no roster aside. Nothing that is in use is moved.
    pub fn set_aside(&self, name: &str) -> Result<SetAside, PortError> {
        self.require_memory()?;
        let lock = self.run_lock("quarantine")?;
        // Under the lock, so that what was seen is what is moved.
        let observed = self.observe()?;
        if RESERVED.contains(&agent_id::normalize(name).as_str()) {
            return Err(refused(
                format!("{name} is one of OpenClaw's own directories and is never moved"),
                None,
            ));
        }
        let in_roster = observed.agents.iter().any(|agent| agent.id.as_str() == name);
        if in_roster {
            return Err(refused(
                format!("{name} is in the roster"),
                Some("take the agent out of the config first (openclaw agents delete)"),
            ));
        }
        if !observed.orphans.iter().any(|orphan| orphan.id == name) && !self.has_directory_of(name) {
            let known: Vec<&str> = observed.orphans.iter().map(|orphan| orphan.id.as_str()).collect();
            let hint = match known.as_slice() {
                [] => "no directory here holds credentials without an agent".to_owned(),
                known => format!("those without an agent are: {}", known.join(", ")),
            };
            return Err(refused(format!("agents/{name} is no orphan"), Some(&hint)));
        }
        let dir = self.state_dir().join("agents").join(name).join("agent");
        let same = |other: &Path| files::real_path(other) == files::real_path(&dir);
        if let Some(user) = observed.agents.iter().find(|agent| same(Path::new(&agent.agent_dir))) {
            return Err(refused(format!("{} is the directory of agent {}", dir.display(), user.id), None));
        }
        if self.may_be_open(&observed, name) {
            return Err(refused(
                format!("the database in {} may be open in a running gateway", dir.display()),
                Some("stop the gateway, move it aside, and start it again"),
            ));
        }
        let moved = quarantine::set_aside(self.state_dir(), name, &dir, clock::now(), &lock);
        moved.map(told).map_err(port_error)
    }

    /// Tells whether a gateway may have the database in a directory open, so that it cannot be moved aside now.
    pub fn may_be_open(&self, observed: &Observation, name: &str) -> bool {
        let dir = self.state_dir().join("agents").join(name).join("agent");
        observed.instance.gateway.running != Some(false) && databases::is_open(&databases::of_agent(&dir))
    }

    /// Tells whether there is a credential directory of this name, with or without credentials in it.
    pub fn has_directory_of(&self, name: &str) -> bool {
        let is_name = agent_id::normalize(name).as_str() == name;
        is_name && files::exists(&self.state_dir().join("agents").join(name).join("agent"))
    }

    /// Enters the values of an orphan in the book and returns them. References are carried as what they are.
    pub fn values_of_orphan(&self, name: &str) -> Result<Vec<Own>, PortError> {
        let observed = self.observe()?;
        if !observed.orphans.iter().any(|orphan| orphan.id == name) {
            return Err(refused(format!("agents/{name} is no orphan"), None));
        }
        let dir = self.state_dir().join("agents").join(name).join("agent");
        let file = match observed.instance.layout {
            Layout::JsonFile => StoreFile::json(&dir, false),
            Layout::JsonWithState => StoreFile::json(&dir, true),
            _ => StoreFile::agent_sqlite(databases::of_agent(&dir)),
        };
        let read = file.read().map_err(|error| refused(error.to_string(), None))?;
        self.book.enter_store(&read.contents, self.prints());
        let own =
            read.contents.profiles.iter().filter_map(|(id, profile)| match profile.material(self.prints()) {
                Material::Inline(fingerprint) | Material::Ref { fingerprint, .. } => Some(Own {
                    profile: id.clone(),
                    provider: profile.provider.clone(),
                    kind: profile.kind.clone(),
                    fingerprint,
                }),
                Material::Fenced | Material::Absent => None,
            });
        Ok(own.collect())
    }

    /// Moves the newest directory of this agent back to where it was.
    pub fn put_back_aside(&self, name: &str) -> Result<SetAside, PortError> {
        self.require_memory()?;
        let lock = self.run_lock("quarantine")?;
        let aside = self.aside()?;
        let Some(one) = aside.iter().rfind(|one| one.agent == name) else {
            let known: Vec<&str> = aside.iter().map(|one| one.agent.as_str()).collect();
            let hint = (!known.is_empty()).then(|| format!("set aside are: {}", known.join(", ")));
            return Err(refused(format!("nothing of {name} is set aside"), hint.as_deref()));
        };
        if files::exists(Path::new(&one.from)) {
            return Err(refused(
                format!("{} is there again, and nothing is replaced", one.from),
                Some(&format!("move it away first; what was set aside is in {}", one.to)),
            ));
        }
        let moved = quarantine::put_back(self.state_dir(), name, &lock).map_err(port_error)?;
        moved.map(told).ok_or_else(|| refused(format!("nothing of {name} is set aside"), None))
    }

    /// Returns what is set aside.
    pub fn aside(&self) -> Result<Vec<SetAside>, PortError> {
        let all = quarantine::list(self.state_dir()).map_err(port_error)?;
        Ok(all.into_iter().map(told).collect())
    }
}

fn refused(message: String, hint: Option<&str>) -> PortError {
    PortError { message, hint: hint.map(str::to_owned), retryable: false }
}

fn told(moved: Moved) -> SetAside {
    SetAside {
        agent: moved.agent,
        from: moved.from.display().to_string(),
        to: moved.to.display().to_string(),
        at: moved.at,
    }
}
