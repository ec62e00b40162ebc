//! One release, its gateway and its provider, with what a person does there.

use crate::matrix;
use keyshoal_emulator::{Config, Emulator, Recorded};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

/// The key that the provider changes to.
pub const NEW_KEY: &str = "sk-testkit-new-0000000000000002";

/// Everything that plays in one scenario.
pub struct Stage {
    pub instance: Instance,
    pub provider: Emulator,
}

/// What a run of `keyshoal` said.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Stage {
    /// Opens with every agent on the old key, as seen at the provider, and the gateway running.
    pub fn open(version: &str, seed: Seed) -> Self {
        let provider = Emulator::start(Config::default()).unwrap();
        provider.only_accept(&[OLD_KEY, KEPT_KEY]);
        let mut instance = Instance::new(version, seed, provider.port()).unwrap();
        instance.start_gateway().unwrap();
        let stage = Self { instance, provider };
        stage.everyone_sends("before", OLD_KEY);
        stage
    }

    /// The provider changes its key, and the person tells one agent with the program's own command.
    pub fn rotate(&self) {
        self.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
        self.instance.rotate_by_cli("main", NEW_KEY).unwrap();
    }

    /// Asks every agent once and returns what the provider saw of it: keys and statuses, oldest first.
    pub fn ask_everyone(&self, tag: &str) -> BTreeMap<&'static str, Vec<(String, u16)>> {
        for agent in AGENTS {
            // What the gateway says is not believed, not even that it failed.
            let reply = self.instance.ask(agent, tag);
            println!("{tag} {agent}: {reply:?}");
        }
        let seen = |agent: &str| {
            self.rows(tag, agent).into_iter().map(|row| (row.key.unwrap_or_default(), row.status)).collect()
        };
        AGENTS.iter().map(|agent| (*agent, seen(agent))).collect()
    }

    /// Returns the provider's rows of one agent and step.
    fn rows(&self, tag: &str, agent: &str) -> Vec<Recorded> {
        let log = self.provider.log().into_iter();
        log.filter(|row| row.tag.as_deref() == Some(tag) && row.agent_tag.as_deref() == Some(agent)).collect()
    }

    /// Asks everyone, and holds that each sent this key and no other and was served; the agent with a deliberate key, its own.
    pub fn everyone_sends(&self, tag: &str, key: &str) {
        let seen = self.ask_everyone(tag);
        for agent in AGENTS {
            let expected = if *agent == KEPT_AGENT { KEPT_KEY } else { key };
            assert_eq!(
                seen[agent],
                [(expected.to_owned(), 200)],
                "{}: what the provider saw of {agent} at step {tag}",
                self.instance.release(),
            );
        }
    }

    /// Runs `keyshoal` as the person would.
    pub fn keyshoal(&self, args: &[&str]) -> Run {
        self.keyshoal_told(args, "")
    }

    /// The same, with something on its standard input.
    pub fn keyshoal_told(&self, args: &[&str], stdin: &str) -> Run {
        let began = std::time::Instant::now();
        let mut child = self
            .instance
            .command(env!("CARGO_BIN_EXE_keyshoal").as_ref())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let run = Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        let took = began.elapsed();
        println!("keyshoal {}: {:?} after {took:.1?}\n{}\n{}", args.join(" "), run.code, run.out, run.err);
        for secret in [OLD_KEY, NEW_KEY, KEPT_KEY] {
            assert!(!run.out.contains(secret) && !run.err.contains(secret), "a secret was printed: {args:?}");
        }
        run
    }

    /// The same, with the rights that it takes to renew the gateway's memory: 2026.3.28 gives none to a client without a device
    /// identity, which is a thing to be allowed; the newer releases give them on the loopback interface.
    pub fn keyshoal_with_rights(&self, args: &[&str]) -> Run {
        let device: &[&str] = if self.instance.release().paste_api_key() { &[] } else { &["--allow-device"] };
        self.keyshoal(&[args, device].concat())
    }

    /// Reads every document of every store.
    pub fn documents(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        let places = AGENTS.iter().map(|agent| (*agent, Place::Agent(agent)));
        for (name, place) in places.chain([("inherited", Place::Inherited)]) {
            for part in [Part::Profiles, Part::State] {
                if let Some(value) = stores::read(&self.instance, place, part).unwrap() {
                    all.insert(format!("{name} {part:?}"), value);
                }
            }
        }
        all
    }

    /// Notes that this scenario was seen at the provider on this release.
    pub fn seen(&self, scenario: &str, tag: &str) {
        let rows: Vec<Recorded> =
            self.provider.log().into_iter().filter(|row| row.tag.as_deref() == Some(tag)).collect();
        matrix::note(&self.instance.release().to_string(), scenario, &rows);
    }
}
