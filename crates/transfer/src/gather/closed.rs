//! Whether all of a copied state directory lies in it: a link may lead to another installation, whose keys would come in.

use super::{GatherError, Read};
use crate::files;
use keyshoal_openclaw::delivered;
use keyshoal_openclaw::locate::Locations;
use std::path::{Path, PathBuf};

/// What may lie in an agent's directory and is read.
const OF_AGENT: [&str; 4] = ["auth-profiles.json", "auth-state.json", "auth.json", "openclaw-agent.sqlite"];

impl Read {
    /// Refuses a link that leads out of the state directory, or nowhere.
    pub(super) fn require_closed(&self, locations: &Locations) -> Result<(), GatherError> {
        let dir = &locations.state_dir;
        let real = files::real(dir);
        for path in self.places(locations).into_iter().filter(|path| path.starts_with(dir)) {
            let Some(to) = files::link(&path) else { continue };
            if to.as_ref().is_some_and(|to| to.starts_with(&real)) {
                continue;
            }
            let (path, dir) = (path.display().to_string(), dir.display().to_string());
            let to = to.map_or_else(|| "nowhere".to_owned(), |to| to.display().to_string());
            return Err(GatherError::LeadsOut { path, to, dir });
        }
        Ok(())
    }

    /// Returns everything that is read of an installation, directories before what is in them.
    fn places(&self, locations: &Locations) -> Vec<PathBuf> {
        let dir = &locations.state_dir;
        let delivered = delivered::path(dir);
        let ours = delivered.ancestors().take_while(|above| *above != dir.as_path());
        let ours: Vec<PathBuf> = ours.map(Path::to_owned).collect();
        let mut places = vec![locations.config_path.clone()];
        places.extend([".env", "agents", "state", "state/openclaw.sqlite"].map(|name| dir.join(name)));
        places.extend(ours.into_iter().rev());
        let own = self.config.agents.iter().map(|agent| &agent.agent_dir);
        for agent in own.chain([&self.resolved.main_agent_dir]) {
            places.extend(agent.parent().map(Path::to_owned));
            places.push(agent.clone());
            places.extend(OF_AGENT.map(|name| agent.join(name)));
        }
        places
    }
}
