//! A running installation with a vault, and what a person does there.

use super::expected;
use crate::stage::{Run, Stage};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

/// One installation.
pub struct House {
    pub stage: Stage,
    pub agents: Vec<String>,
    files: u32,
}

impl House {
    /// Opens with the gateway running. On the release whose agents keep copies they keep them; on the one whose agents inherit, only the agent with a key
    /// of its own has one.
    pub fn open(version: &str) -> Self {
        Self::open_with(version, |_| ())
    }

    /// The same with something else in its config.
    pub fn open_with(version: &str, configure: impl FnOnce(&mut Value)) -> Self {
        let provider = Emulator::start(Config::default()).unwrap();
        provider.only_accept(&[OLD_KEY, KEPT_KEY]);
        let seed = if version == "2026.3.28" { Seed::Token } else { Seed::ApiKey };
        let mut instance = Instance::new(version, seed, provider.port()).unwrap();
        if instance.release().shared_row() {
            for agent in AGENTS.iter().filter(|agent| ![KEPT_AGENT, "main"].contains(agent)) {
                let place = Place::Agent(agent);
                if stores::read(&instance, place, Part::Profiles).ok().flatten().is_some() {
                    let forget = |store: &mut Value| {
                        store["profiles"].as_object_mut().unwrap().shift_remove(PROFILE);
                    };
                    stores::edit(&instance, place, Part::Profiles, forget).unwrap();
                }
            }
        }
        let mut config: Value =
            serde_json::from_slice(&std::fs::read(instance.config_path()).unwrap()).unwrap();
        configure(&mut config);
        std::fs::write(instance.config_path(), serde_json::to_string_pretty(&config).unwrap()).unwrap();
        instance.start_gateway().unwrap();
        let agents = AGENTS.iter().map(|agent| (*agent).to_owned()).collect();
        let house = Self { stage: Stage { instance, provider }, agents, files: 0 };
        house.everyone_sends("before", &[]);
        house
    }

    pub fn provider(&self) -> &Emulator {
        &self.stage.provider
    }

    pub fn version(&self) -> String {
        self.stage.instance.release().to_string()
    }

    /// Takes it into a vault: nothing of it changes, and the gateway notices nothing.
    pub fn take_in(&mut self) {
        let version = self.version();
        let life = self.stage.instance.gateway_life();
        let (config, documents) = (self.config_text(), self.stage.documents());
        self.only_fine(&["vault", "init"]);
        self.only_fine(&["instance", "add", "--yes"]);
        let diff = self.run(&["diff"]);
        assert_eq!(diff.code, Some(0), "{version}: taking it in left something to be done");
        self.fine(&["sync", "--yes"]);
        assert_eq!(self.config_text(), config, "{version}: the config was changed for nothing");
        let same = |(name, document): (&String, &Value)| {
            assert_eq!(documents[name]["profiles"], document["profiles"], "{version}: {name}");
        };
        self.stage.documents().iter().for_each(same);
        assert_eq!(self.stage.instance.gateway_life(), life, "{version}: the gateway was restarted");
    }

    pub fn config_text(&self) -> String {
        std::fs::read_to_string(self.stage.instance.config_path()).unwrap()
    }

    pub fn config(&self) -> Value {
        serde_json::from_str(&self.config_text()).unwrap()
    }

    /// Puts a key into a private file, and returns its path.
    pub fn key_file(&mut self, key: &str) -> String {
        self.files += 1;
        let path = self.stage.instance.scratch().join(format!("key-{}", self.files));
        std::fs::write(&path, format!("{key}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// Runs `keyshoal`.
    pub fn run(&self, args: &[&str]) -> Run {
        let run = match args.contains(&"--yes") {
            true => self.stage.keyshoal_with_rights(args),
            false => self.stage.keyshoal(args),
        };
        for secret in [super::OWN_KEY, super::PASTED_KEY] {
            assert!(!run.out.contains(secret) && !run.err.contains(secret), "a secret was printed: {run:?}");
        }
        run
    }

    /// Runs `keyshoal`, and holds that it did what it should.
    pub fn fine(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{}: keyshoal {}: {run:?}", self.version(), args.join(" "));
        run
    }

    /// The same for what has nothing to do with a gateway.
    fn only_fine(&self, args: &[&str]) {
        let run = self.stage.keyshoal(args);
        assert_eq!(run.code, Some(0), "{}: keyshoal {}: {run:?}", self.version(), args.join(" "));
    }

    /// The value that all agents inherit, as it stands in the store.
    pub fn inherited(&self) -> String {
        let store = stores::read(&self.stage.instance, Place::Inherited, Part::Profiles).unwrap().unwrap();
        let profile = &store["profiles"][PROFILE];
        ["key", "token"].iter().find_map(|field| profile[*field].as_str()).unwrap().to_owned()
    }

    /// Asks everyone, and holds that each sent its own key or the first one that all share, no other, and was served.
    pub fn everyone_sends(&self, tag: &str, own: &[(&str, &str)]) {
        self.everyone_sends_key(tag, OLD_KEY, own);
    }

    /// The same with another one that all share.
    pub fn everyone_sends_key(&self, tag: &str, shared: &str, own: &[(&str, &str)]) {
        for agent in &self.agents {
            let reply = self.stage.instance.ask(agent, tag).unwrap();
            println!("{tag} {agent}: {reply:?}");
        }
        let mut seen: BTreeMap<String, Vec<(String, u16)>> = BTreeMap::new();
        for row in self.provider().log().into_iter().filter(|row| row.tag.as_deref() == Some(tag)) {
            seen.entry(row.agent_tag.unwrap()).or_default().push((row.key.unwrap_or_default(), row.status));
        }
        for agent in &self.agents {
            let key = expected(agent, shared, own).to_owned();
            let rows = seen.get(agent).cloned().unwrap_or_default();
            assert_eq!(
                rows,
                [(key, 200)],
                "{}: what the provider saw of {agent} at step {tag}",
                self.version()
            );
        }
    }
}
