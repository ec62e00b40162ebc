//! The whole rotation in one command: `keyshoal set`.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{KEPT_KEY, OLD_KEY, PROVIDER, Seed};

fn set_reaches_everyone(version: &str, seed: Seed) {
    let mut stage = Stage::open(version, seed);
    // The provider accepts both for a while, as providers do.
    stage.provider.only_accept(&[OLD_KEY, NEW_KEY, KEPT_KEY]);
    let life = stage.instance.gateway_life();
    let set = stage.keyshoal_told(&["set", PROVIDER, "--yes", "--allow-device"], &format!("{NEW_KEY}\n"));
    stage.everyone_sends("set", NEW_KEY);
    assert_eq!(stage.instance.gateway_life(), life, "the gateway was restarted");
    assert_eq!(set.code, Some(0));
    stage.seen("set", "set");
}

fn a_dead_key_goes_nowhere(version: &str, seed: Seed) {
    let stage = Stage::open(version, seed);
    let before = stage.documents();
    let set = stage.keyshoal_told(&["set", PROVIDER, "--yes", "--allow-device"], &format!("{NEW_KEY}\n"));
    assert_eq!(set.code, Some(1), "a key that the provider refuses was taken");
    assert_eq!(before, stage.documents(), "a key that the provider refuses was written");
}

#[test]
fn a_new_key_reaches_every_agent_of_2026_3_28() {
    set_reaches_everyone("2026.3.28", Seed::Token);
}

#[test]
fn a_new_key_reaches_every_agent_of_2026_9_6() {
    set_reaches_everyone("2026.9.6", Seed::ApiKey);
}

#[test]
fn a_dead_key_goes_nowhere_on_2026_8_2() {
    a_dead_key_goes_nowhere("2026.8.2", Seed::ApiKey);
}
