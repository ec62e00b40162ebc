//! What only a restart puts right, and `keyshoal restart`, which does it and proves it.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{OLD_KEY, PROFILE, PROVIDER, Seed};
use serde_json::json;

/// An agent that inherits is refused beside a file of an earlier layout, and stays refused when the file is gone: the gateway has to
/// be restarted, and restarts itself when it is asked to.
#[test]
fn a_migration_gate_needs_a_restart_on_2026_9_6() {
    let mut stage = Stage::open("2026.9.6", Seed::ApiKey);
    stage.rotate();
    let leftover = stage.instance.agent_dir("ops").join("auth-profiles.json");
    let old = json!({ "version": 1, "profiles": { PROFILE: { "type": "api_key", "provider": PROVIDER, "key": OLD_KEY } } });
    std::fs::write(&leftover, old.to_string()).unwrap();
    let served = |stage: &Stage, tag: &str| {
        let seen = stage.ask_everyone(tag);
        seen["ops"] == [(NEW_KEY.to_owned(), 200)]
    };
    assert!(!served(&stage, "gated"), "a leftover beside an inheriting agent does not matter");
    let status = stage.keyshoal(&["status"]);
    assert_eq!(status.code, Some(2));
    assert!(status.out.contains("auth-profiles.json"), "{status:?}");

    std::fs::remove_file(&leftover).unwrap();
    stage.keyshoal_with_rights(&["sync", "--yes"]);
    assert!(!served(&stage, "reloaded"), "a reload is enough");

    let life = stage.instance.gateway_life().unwrap();
    let restart = stage.keyshoal_with_rights(&["restart", "--yes"]);
    let after = stage.instance.gateway_life().unwrap();
    assert!(after != life, "nothing was restarted: {restart:?}");
    stage.everyone_sends("restarted", NEW_KEY);
    assert_eq!(restart.code, Some(0), "{restart:?}");
    stage.seen("gate", "restarted");
}

/// On the releases that cannot be asked, the person's own command restarts it.
#[test]
fn a_restart_by_the_persons_own_command_is_waited_for_on_2026_3_28() {
    let mut stage = Stage::open("2026.3.28", Seed::Token);
    stage.rotate();
    let asked = stage.instance.scratch().join("restart-asked");
    let command = format!("touch '{0}'; while [ -e '{0}' ]; do sleep 0.1; done", asked.display());
    let before = stage.instance.gateway_life().unwrap();
    let restart = stage.start(&stage.with_rights(&["restart", "--yes", "--restart-command", &command]), "");
    while !asked.exists() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    // Whoever runs the gateway as a service; here, that is the test.
    stage.instance.start_gateway().unwrap();
    std::fs::remove_file(&asked).unwrap();
    let restart = restart.end();
    assert_eq!(restart.code, Some(0), "{restart:?}");
    assert_ne!(stage.instance.gateway_life().unwrap().0, before.0);
    stage.everyone_sends("restarted", NEW_KEY);
    stage.seen("restart", "restarted");
}

/// A command that ends well and restarts nothing is no restart, whatever it says.
#[test]
fn a_restart_that_was_none_is_not_called_one_on_2026_3_28() {
    let mut stage = Stage::open("2026.3.28", Seed::Token);
    stage.rotate();
    let life = stage.instance.gateway_life();
    let restart = stage.keyshoal_with_rights(&["restart", "--yes", "--restart-command", "true"]);
    assert_eq!(restart.code, Some(2), "{restart:?}");
    assert!(format!("{} {}", restart.out, restart.err).contains("no restart was proven"), "{restart:?}");
    assert_eq!(stage.instance.gateway_life(), life);
}

/// The newest release restarts within its process: that is seen by its own word, and by what the agents send afterwards.
#[test]
fn a_restart_is_made_and_seen_on_2026_9_6() {
    let stage = Stage::open("2026.9.6", Seed::ApiKey);
    stage.rotate();
    let nothing = stage.keyshoal(&["restart", "--yes", "--restart-command", "true"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    assert!(nothing.out.contains("the same gateway process still runs"), "{nothing:?}");
    let restart = stage.keyshoal(&["restart", "--yes"]);
    assert!(restart.out.contains("has restarted and is ready"), "{restart:?}");
    assert_eq!(restart.code, Some(0), "{restart:?}");
    stage.everyone_sends("restarted", NEW_KEY);
    stage.seen("restart", "restarted");
}
