//! Four clients talk to one agent while its installation is rotated 300 times, each time by a process of its own: no update of either side
//! is lost, and nobody notices.

use crate::stage::Stage;
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, PROFILE, PROVIDER, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const AGENT: &str = "stocks";
const CLIENTS: usize = 4;
const RUNS: u32 = 300;
/// How many runs a client lets pass before its next turn: a person reads before he writes again. With more turns than these the gateway
/// has no time left, and each run waits for it.
const PAUSE: u32 = 10;
/// How many of the gateway's own writes have to fall into the midst of the runs. About one a turn.
const WRITES: u32 = 50;

fn key(number: u32) -> String {
    format!("sk-testkit-load-{number:016}")
}

/// What the gateway notes after every request: when it last used the profile, in the agent's own state and in the inherited one. 0 where
/// it cannot be read, as while the gateway rewrites a file in place.
fn last_used(stage: &Stage) -> [u64; 2] {
    [Place::Agent(AGENT), Place::Inherited].map(|place| {
        let state = stores::read(&stage.instance, place, Part::State).ok().flatten();
        state.and_then(|state| state["usageStats"][PROFILE]["lastUsed"].as_u64()).unwrap_or(0)
    })
}

/// Whom a run gives the new value. It has to be a store into which the gateway writes, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Everybody: where the agent keeps a copy of its own.
    All,
    /// The agent alone: where it would inherit, and the gateway would note nothing.
    One,
}

impl For {
    fn places(self) -> Vec<Place<'static>> {
        if self == Self::One {
            return vec![Place::Agent(AGENT)];
        }
        let agents = AGENTS.iter().filter(|agent| **agent != KEPT_AGENT).map(|agent| Place::Agent(agent));
        agents.chain([Place::Inherited]).collect()
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::All => &["set", PROVIDER, "--yes"],
            Self::One => &["set", PROVIDER, "--yes", "--agent", AGENT],
        }
    }
}

/// Returns every value of the profile that stands in these stores.
fn values(stage: &Stage, places: &[Place<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for place in places.iter().copied() {
        // Half a file while the gateway rewrites it in place: it is read again.
        let document = (0..200).find_map(|_| {
            let read = stores::read(&stage.instance, place, Part::Profiles);
            if read.is_err() {
                std::thread::sleep(Duration::from_millis(5));
            }
            read.ok()
        });
        let Some(document) = document.unwrap_or_else(|| panic!("{place:?} stays unreadable")) else {
            continue;
        };
        let profile = &document["profiles"][PROFILE];
        found.extend(["key", "token"].iter().filter_map(|field| profile[field].as_str()).map(str::to_owned));
    }
    found
}

fn nothing_is_lost(version: &str, seed: Seed, whom: For) {
    let stage = Stage::open(version, seed);
    let before = last_used(&stage);
    let places = whom.places();
    let (going, answered, done) = (AtomicBool::new(true), AtomicU32::new(0), AtomicU32::new(0));
    let (mut ours_lost, mut theirs) = (Vec::new(), (0, 0));
    std::thread::scope(|scope| {
        // Whatever fails below, the clients come to their end.
        let _stop = Stop(&going);
        for client in 0..CLIENTS {
            let (stage, going, answered, done) = (&stage, &going, &answered, &done);
            scope.spawn(move || {
                let mut turn = 0;
                while going.load(Ordering::Relaxed) {
                    turn += 1;
                    let reply = stage.instance.ask(AGENT, &format!("load-{client}-{turn}")).unwrap();
                    assert!(reply.text.starts_with("pong"), "a turn failed: {reply:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                    let next = done.load(Ordering::Relaxed) + PAUSE;
                    while going.load(Ordering::Relaxed) && done.load(Ordering::Relaxed) < next {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
            });
        }
        // Somebody who only looks: what the gateway has noted never goes back.
        let (stage, going) = (&stage, &going);
        let watcher = scope.spawn(move || {
            let (mut newest, mut steps, mut back) = (before, 0, 0);
            while going.load(Ordering::Relaxed) {
                for (newest, now) in newest.iter_mut().zip(last_used(stage)).filter(|(_, now)| *now != 0) {
                    steps += u32::from(now > *newest);
                    back += u32::from(now < *newest);
                    *newest = now;
                }
                // What went back would stay so until the gateway's next turn.
                std::thread::sleep(Duration::from_millis(20));
            }
            (steps, back)
        });
        // As many as the first run has left: whoever inherits since has none of his own.
        let (mut copies, mut unproven) = (None, 0);
        for number in 1..=RUNS {
            stage.provider.accept(&key(number));
            let args = stage.with_rights(whom.arguments());
            let run = stage.start(&args, &format!("{}\n", key(number))).end();
            // A gateway at its limits may turn a client away: then the run says that it is not proven, and the stores are right all the same.
            // Nor is a store proven that the gateway rewrites for longer than a run waits.
            let proven = run.out.contains("✓ gateway") && !run.out.contains("cannot be read back");
            let ended = run.code == Some(if proven { 0 } else { 2 });
            let written = run.out.contains("✓ durable") && !run.out.contains("✗ conflict");
            assert!(ended && written, "run {number}: {run:?}; {:?}", values(stage, &places));
            unproven += u32::from(!proven);
            if number.is_multiple_of(25) {
                println!("{number} runs, {} turns", answered.load(Ordering::Relaxed));
            }
            assert!(!run.out.contains(&key(number)) && !run.err.contains(&key(number)), "{run:?}");
            // Each run changed what all agents use, and the gateway's own writes since have kept it.
            let found = values(stage, &places);
            let copies = *copies.get_or_insert(found.len());
            if found.len() != copies || found.iter().any(|value| *value != key(number)) {
                ours_lost.push((number, found));
            }
            done.store(number, Ordering::Relaxed);
        }
        println!("{version}: of {RUNS} runs {unproven} could not prove that the gateway had followed");
        going.store(false, Ordering::Relaxed);
        theirs = watcher.join().unwrap();
    });
    let found = values(&stage, &places);
    assert!(
        !found.is_empty() && found.iter().all(|value| *value == key(RUNS)),
        "the last one was taken back: {found:?}"
    );
    let answered = answered.into_inner();
    let (steps, back) = theirs;
    println!("{version}: {RUNS} runs, {answered} turns answered, {steps} notes of the gateway seen");
    assert_eq!((ours_lost, back), (Vec::new(), 0));
    assert!(
        steps >= WRITES && answered >= WRITES,
        "the gateway hardly wrote, {steps} times in {answered} turns: nothing was tested"
    );
    // And with the clients gone the gateway has followed to the last.
    if whom == For::All {
        assert_eq!(stage.keyshoal_with_rights(&["sync", "--yes"]).code, Some(0));
    }
    let seen = stage.ask_everyone("load");
    assert_eq!(seen[AGENT], [(key(RUNS), 200)]);
    stage.seen("load", "load");
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[test]
fn no_update_is_lost_under_load_on_2026_3_28() {
    nothing_is_lost("2026.3.28", Seed::Token, For::All);
}

#[test]
fn no_update_is_lost_under_load_on_2026_9_6() {
    nothing_is_lost("2026.9.6", Seed::ApiKey, For::One);
}
