//! Rotations by the vault while everybody works: no turn fails, and every agent ends with the new key.

use super::house::House;
use crate::stage::NEW_KEY;
use keyshoal_emulator::Recorded;
use keyshoal_testkit::instance::{KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The key after the next.
const THIRD_KEY: &str = "sk-testkit-third-0000000000000005";
/// A key that the provider does not know.
const DEAD_KEY: &str = "sk-testkit-dead-00000000000000006";

/// How many clients talk at once: each to agents of its own, one after the other.
const CLIENTS: usize = 2;

/// Runs something while clients talk to every agent all the time. Returns what the provider saw meanwhile.
pub(super) fn with_traffic(house: &House, tag: &str, act: impl FnOnce()) -> Vec<Recorded> {
    let (going, answered) = (AtomicBool::new(true), Mutex::new(BTreeSet::new()));
    std::thread::scope(|scope| {
        let _stop = Stop(&going);
        for client in 0..CLIENTS {
            let (going, answered) = (&going, &answered);
            let agents: Vec<&String> = house.agents.iter().skip(client).step_by(CLIENTS).collect();
            scope.spawn(move || {
                for turn in 1.. {
                    for agent in &agents {
                        let reply = house.stage.instance.ask(agent, &format!("{tag}-{turn}")).unwrap();
                        assert!(reply.text.starts_with("pong"), "{tag}: a turn of {agent} failed: {reply:?}");
                        answered.lock().unwrap().insert((*agent).clone());
                    }
                    if !going.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        // Everybody has worked with what was before.
        let until = Instant::now() + Duration::from_secs(150);
        while answered.lock().unwrap().len() < house.agents.len() {
            assert!(Instant::now() < until, "{tag}: the agents do not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        act();
    });
    let prefix = format!("{tag}-");
    let ours = |row: &Recorded| row.tag.as_deref().is_some_and(|tag| tag.starts_with(&prefix));
    let rows: Vec<Recorded> = house.provider().log().into_iter().filter(ours).collect();
    println!("{tag}: {} requests of agents", rows.len());
    assert!(rows.iter().all(|row| row.status == 200), "{tag}: the provider refused somebody");
    rows
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Holds that each agent went from one key to the next, once, and the one with its own key kept to that.
fn moved_once(house: &House, rows: &[Recorded], old: &str, new: &str) {
    for agent in &house.agents {
        let of_it = rows.iter().filter(|row| row.agent_tag.as_ref() == Some(agent));
        let mut keys: Vec<&str> = of_it.map(|row| row.key.as_deref().unwrap()).collect();
        keys.dedup();
        match agent == KEPT_AGENT {
            true => assert_eq!(keys, [KEPT_KEY], "{agent}"),
            false => assert!([vec![old, new], vec![old]].contains(&keys), "{agent}: {keys:?}"),
        }
    }
}

/// Who was the first to have the model answer with this key: an agent, or nobody's name for a prompt of the rotation's own proof.
fn first_with(house: &House, key: &str) -> Option<String> {
    let log = house.provider().log();
    let turn = |row: &&Recorded| row.key.as_deref() == Some(key) && row.path.ends_with("/chat/completions");
    let first = log.iter().find(turn);
    first.expect("nobody sent the new key").agent_tag.clone()
}

fn a_rotation_in_steps(version: &str) {
    let mut house = House::open(version);
    house.take_in();
    let life = house.stage.instance.gateway_life();
    let waves = !house.stage.instance.release().shared_row();

    let (second, third, dead) =
        (house.key_file(NEW_KEY), house.key_file(THIRD_KEY), house.key_file(DEAD_KEY));
    house.provider().accept(NEW_KEY);
    let rotate = ["rotate", PROFILE, "--from-file", &second, "--yes", "--through-gateway"];
    let rows = with_traffic(&house, "first", || {
        let run = house.fine(&rotate);
        let canary = run.out.contains("canary 1: stocks") || run.err.contains("canary 1: stocks");
        assert_eq!(canary, waves, "{version}: {run:?}");
    });
    moved_once(&house, &rows, OLD_KEY, NEW_KEY);
    let first = first_with(&house, NEW_KEY);
    // The proof puts its prompt to the canary alone before anybody else has the key.
    if waves {
        assert!(
            first.as_deref().is_none_or(|agent| agent == "stocks"),
            "{version}: {first:?} was before the canary"
        );
    }
    house.everyone_sends_key("second", NEW_KEY, &[]);

    house.provider().accept(THIRD_KEY);
    let rows = with_traffic(&house, "again", || {
        house.fine(&["rotate", PROFILE, "--from-file", &third, "--yes"]);
    });
    moved_once(&house, &rows, NEW_KEY, THIRD_KEY);
    house.everyone_sends_key("third", THIRD_KEY, &[]);

    let rows = with_traffic(&house, "back", || {
        house.fine(&["rotate", PROFILE, "--rollback", "--yes"]);
    });
    moved_once(&house, &rows, THIRD_KEY, NEW_KEY);
    house.everyone_sends_key("rolled-back", NEW_KEY, &[]);

    // What the provider refuses goes nowhere.
    let (stores, config) = (house.stage.documents(), house.config_text());
    let run = house.run(&["rotate", PROFILE, "--from-file", &dead, "--yes"]);
    assert_eq!(run.code, Some(1), "{version}: a key that the provider refuses was taken");
    assert_eq!(
        (stores, config),
        (house.stage.documents(), house.config_text()),
        "{version}: something was written"
    );
    assert_eq!(house.run(&["status"]).code, Some(0), "{version}");
    house.everyone_sends_key("unmoved", NEW_KEY, &[]);
    assert_eq!(house.stage.instance.gateway_life(), life, "{version}: the gateway was restarted");
    house.stage.seen("vault-rotation", "unmoved");
}

#[test]
fn two_rotations_by_the_vault_fail_no_turn_on_2026_3_28() {
    a_rotation_in_steps("2026.3.28");
}

#[test]
fn two_rotations_by_the_vault_fail_no_turn_on_2026_9_6() {
    a_rotation_in_steps("2026.9.6");
}
