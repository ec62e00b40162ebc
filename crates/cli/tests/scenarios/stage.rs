//! One release, its gateway and its provider, with what a person does there.

use crate::matrix;
use keyshoal_emulator::{Config, Emulator, Recorded};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

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

/// A `keyshoal` at work. It is killed when nobody waits for its end.
pub struct Started(Option<Child>);

impl Started {
    /// Tells it to stop, as a service manager does.
    pub fn tell_to_stop(&self) {
        let child = self.0.as_ref().unwrap();
        kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    }

    /// Waits until it says this on its standard error. What it has said until then is gone from there.
    pub fn until_it_says(&mut self, word: &str) {
        let pipe = self.0.as_mut().unwrap().stderr.as_mut().unwrap();
        let mut said = Vec::new();
        while !String::from_utf8_lossy(&said).contains(word) {
            let mut byte = [0];
            let count = pipe.read(&mut byte).unwrap();
            assert!(count > 0, "it ended, and never said {word:?}: {}", String::from_utf8_lossy(&said));
            said.push(byte[0]);
        }
    }

    /// Waits for its end. Whatever it said, no secret is in it.
    pub fn end(mut self) -> Run {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let run = Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        for secret in [OLD_KEY, NEW_KEY, KEPT_KEY] {
            assert!(!run.out.contains(secret) && !run.err.contains(secret), "a secret was printed: {run:?}");
        }
        run
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Stage {
    /// Opens with every agent on the old key, as seen at the provider, and the gateway running.
    pub fn open(version: &str, seed: Seed) -> Self {
        let stage = Self::unasked(version, seed);
        stage.everyone_sends("before", OLD_KEY);
        stage
    }

    /// The same, and nobody has asked an agent yet: where the scenario itself shows soon that the old key was in use.
    pub fn unasked(version: &str, seed: Seed) -> Self {
        let provider = Emulator::start(Config::default()).unwrap();
        provider.only_accept(&[OLD_KEY, KEPT_KEY]);
        let mut instance = Instance::new(version, seed, provider.port()).unwrap();
        instance.start_gateway().unwrap();
        Self { instance, provider }
    }

    /// The provider changes its key, and the person tells one agent with the program's own command.
    pub fn rotate(&self) {
        self.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
        self.instance.rotate_by_cli("main", NEW_KEY).unwrap();
    }

    /// Asks an agent once and returns what the provider saw of it: keys and statuses, oldest first.
    pub fn ask(&self, agent: &str, tag: &str) -> Vec<(String, u16)> {
        // What the gateway says is not believed, not even that it failed.
        let reply = self.instance.ask(agent, tag);
        println!("{tag} {agent}: {reply:?}");
        self.rows(tag, agent).into_iter().map(|row| (row.key.unwrap_or_default(), row.status)).collect()
    }

    /// Asks every agent once.
    pub fn ask_everyone(&self, tag: &str) -> BTreeMap<&'static str, Vec<(String, u16)>> {
        AGENTS.iter().map(|agent| (*agent, self.ask(agent, tag))).collect()
    }

    /// Asks these agents, and holds that each goes on sending its stale copy of the old key and is refused.
    pub fn have_stale_copies(&self, agents: &[&str]) {
        for agent in agents {
            let seen = self.ask(agent, "drifted");
            assert!(seen.contains(&(OLD_KEY.to_owned(), 401)), "{agent} has no stale copy: {seen:?}");
        }
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

    /// The same, as soon as it is so: some things take their time.
    pub fn everyone_sends_in_time(&self, tag: &str, key: &str, patience: Duration) {
        let until = Instant::now() + patience;
        for attempt in 0.. {
            let seen = self.ask_everyone(&format!("{tag}-{attempt}"));
            let right = |agent: &&str| *agent == KEPT_AGENT || seen[agent] == [(key.to_owned(), 200)];
            if AGENTS.iter().all(right) {
                return self.everyone_sends(tag, key);
            }
            assert!(Instant::now() < until, "{}, {tag}: never: {seen:?}", self.instance.release());
        }
    }

    /// Runs `keyshoal` as the person would.
    pub fn keyshoal(&self, args: &[&str]) -> Run {
        self.keyshoal_told(args, "")
    }

    /// The same, with something on its standard input.
    pub fn keyshoal_told(&self, args: &[&str], stdin: &str) -> Run {
        let began = std::time::Instant::now();
        let run = self.start(args, stdin).end();
        println!(
            "keyshoal {}: {:?} after {:.1?}\n{}\n{}",
            args.join(" "),
            run.code,
            began.elapsed(),
            run.out,
            run.err
        );
        run
    }

    /// Starts `keyshoal` and does not wait for its end.
    pub fn start(&self, args: &[&str], stdin: &str) -> Started {
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
        Started(Some(child))
    }

    /// The same, with the rights that it takes to renew the gateway's memory: 2026.3.28 gives none to a client without a device
    /// identity, which is a thing to be allowed; the newer releases give them on the loopback interface.
    pub fn keyshoal_with_rights(&self, args: &[&str]) -> Run {
        self.keyshoal(&self.with_rights(args))
    }

    /// Adds what gives those rights to the arguments.
    pub fn with_rights<'a>(&self, args: &[&'a str]) -> Vec<&'a str> {
        let device: &[&str] = if self.instance.release().paste_api_key() { &[] } else { &["--allow-device"] };
        [args, device].concat()
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
