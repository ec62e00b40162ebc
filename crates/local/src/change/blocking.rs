//! Stores that keep a gateway from reading any of them again.

use crate::Installation;
use keyshoal_core::StoreHealth;
use keyshoal_openclaw::store::StoreFile;

impl Installation {
    /// Names the stores that cannot be read, for people. The SQLite releases reload all stores or none, so one of another agent
    /// keeps the gateway at its old values; what was written stands, and counts as soon as that one is mended.
    pub(super) fn blocking(&self) -> Option<String> {
        let seen = self.seen().filter(|seen| seen.observed.instance.layout.is_sqlite())?;
        let files = seen.stores.values().map(|held| &held.file).chain(&seen.also_loaded);
        let broken: Vec<String> = files.filter_map(trouble).collect();
        (!broken.is_empty()).then(|| {
            format!(
                "the gateway reads all stores again or none, and this stands in its way: {}; mend it (openclaw doctor --fix), \
                 then run keyshoal sync again: what was written stays",
                broken.join("; ")
            )
        })
    }
}

fn trouble(file: &StoreFile) -> Option<String> {
    let reason = match file.read() {
        Ok(read) => match read.health {
            StoreHealth::Unreadable(reason) => reason,
            _ => return None,
        },
        Err(error) => return Some(error.to_string()),
    };
    Some(format!("{} ({reason})", file.path().display()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at files directly")]
mod tests {
    use crate::{Installation, OpenOptions};
    use keyshoal_core::{AgentId, Layout, StoreId};
    use keyshoal_engine::ports::Observe;
    use keyshoal_openclaw::{Environment, sample};

    #[test]
    fn the_stores_that_a_gateway_cannot_read_are_named_with_mains_own() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let of = |id: &str| StoreId::Agent(AgentId::from(id));
        sample::Installation::new(Layout::SharedRow)
            .agent("stocks")
            .agent("main")
            .api_key(StoreId::Base, "acme:default", "key-1")
            .api_key(of("stocks"), "acme:default", "key-2")
            .api_key(of("main"), "acme:default", "key-3")
            .write(&state)
            .unwrap();
        // Main leaves the roster; its database stays.
        let config = state.join("openclaw.json");
        let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
        let roster = text["agents"]["entries"].as_object_mut().unwrap();
        roster.remove("main");
        std::fs::write(&config, text.to_string()).unwrap();
        let installation = Installation::open(OpenOptions {
            state_dir: Some(state.clone()),
            keys_dir: Some(dir.path().join("keys")),
            env: Environment { home: Some(dir.path().join("home")), ..Environment::default() },
            ..OpenOptions::default()
        })
        .unwrap();
        let notices = || {
            let observed = installation.observe().unwrap();
            observed.notices.iter().filter(|one| one.code == "unreadable_store").count()
        };
        assert_eq!((notices(), installation.blocking()), (0, None));
        for id in ["stocks", "main"] {
            let db = state.join("agents").join(id).join("agent/openclaw-agent.sqlite");
            std::fs::write(&db, "garbage that goes on for a while").unwrap();
            let said = installation.blocking().unwrap();
            assert!(said.contains(&db.display().to_string()), "{said}");
        }
        assert_eq!(notices(), 1, "main's, before anything is written");
    }
}
