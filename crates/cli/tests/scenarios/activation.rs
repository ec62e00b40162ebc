//! A store that is right on disk is not a gateway that sends the right key: what it takes that it does, and what is said until then.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, PROFILE, Seed};
use std::time::{Duration, Instant};

/// Without a reload the stores are right and the agents are not: that is never called done. (The newest releases may notice by chance:
/// any write of their own to the shared state makes them read the agents' rows again.)
fn nothing_is_done_before_the_gateway_knows(version: &str, seed: Seed) {
    let stage = Stage::unasked(version, seed);
    stage.rotate();
    // The fault has to show first: the program's command makes the newest gateways read their stores, in their own time.
    stage.have_stale_copies(&["stocks", "research"]);
    let sync = stage.keyshoal(&["sync", "--yes", "--activate", "none"]);
    assert_eq!(sync.code, Some(2), "the gateway still has the old keys, and sync says that all is well");
    for agent in ["stocks", "research"] {
        // Held back by a cooldown or with the old key: not served.
        let seen = stage.ask(agent, "not-activated");
        assert!(
            seen.iter().all(|(_, status)| *status != 200),
            "the reload does not matter to {agent}: {seen:?}"
        );
    }
    // Now the stores hold what they should, and what those requests left behind: cooldowns of a value that is gone.
    let sync = stage.keyshoal_with_rights(&["sync", "--yes"]);
    stage.everyone_sends("activated", NEW_KEY);
    assert_eq!(sync.code, Some(0));
    stage.seen("activation", "activated");
}

#[test]
fn a_reload_is_needed_and_made_on_2026_3_28() {
    nothing_is_done_before_the_gateway_knows("2026.3.28", Seed::Token);
}

#[test]
fn a_reload_is_needed_and_made_on_2026_6_11() {
    nothing_is_done_before_the_gateway_knows("2026.6.11", Seed::ApiKey);
}

/// Without any right at the gateway, a change of the config makes it read its stores again, and the report says that this is not proven.
#[test]
fn without_rights_the_config_is_touched_on_2026_3_28() {
    let mut stage = Stage::open("2026.3.28", Seed::Token);
    stage.rotate();
    let life = stage.instance.gateway_life();
    let sync = stage.keyshoal(&["sync", "--yes"]);
    assert_eq!(sync.code, Some(2), "nobody has seen that the gateway read its stores, and sync says so");
    assert!(sync.out.contains("not proven") || sync.err.contains("not proven"), "{sync:?}");
    // The gateway looks at its config when it likes.
    let patience = Instant::now() + Duration::from_secs(30);
    for attempt in 0.. {
        let seen = stage.ask_everyone(&format!("touched-{attempt}"));
        if AGENTS.iter().all(|agent| *agent == KEPT_AGENT || seen[agent] == [(NEW_KEY.to_owned(), 200)]) {
            break;
        }
        assert!(Instant::now() < patience, "the gateway never read its stores again: {seen:?}");
    }
    stage.everyone_sends("touched", NEW_KEY);
    assert_eq!(stage.instance.gateway_life(), life, "the gateway was restarted");
    stage.seen("touch", "touched");
}

/// The program's own command changed the type of the profile, and the config now refuses every other copy: no agent sends anything.
#[test]
fn agents_whose_type_no_longer_fits_work_again_on_2026_3_28() {
    let stage = Stage::open("2026.3.28", Seed::ApiKey);
    stage.rotate();
    // The gateway restarts by itself for this change; wait until it has and the fault shows. It puts the restart off while it answers,
    // and may have missed the change: it gets its pauses, and the config is saved once more.
    let patience = Instant::now() + Duration::from_secs(90);
    for attempt in 0.. {
        let seen = stage.ask_everyone(&format!("mismatched-{attempt}"));
        if seen["stocks"].is_empty() && seen["main"] == [(NEW_KEY.to_owned(), 200)] {
            break;
        }
        assert!(Instant::now() < patience, "the config's mode never took effect: {seen:?}");
        std::thread::sleep(Duration::from_secs(3));
        if attempt == 2 {
            let config = stage.instance.config_path();
            let text = std::fs::read_to_string(&config).unwrap() + "\n";
            std::fs::write(&config, text).unwrap();
        }
    }
    let sync = stage.keyshoal_with_rights(&["sync", "--yes"]);
    for agent in ["main", "stocks", "research", "ops"] {
        let reply = stage.instance.ask(agent, "fitting").unwrap();
        assert!(reply.text.starts_with("pong"), "{agent}: {reply:?}");
    }
    // The deliberate copy has a type that the config refuses as well. It is a person's: it stays as it is, and is reported.
    assert_eq!(sync.code, Some(2));
    assert!(sync.out.contains("kept"), "{sync:?}");
    assert_eq!(stage.documents()["academic Profiles"]["profiles"][PROFILE]["key"], KEPT_KEY);
    stage.seen("type", "fitting");
}
