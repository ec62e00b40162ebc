//! A watch that may repair: after the program's own command it puts the others right, and nobody runs anything.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use std::time::Duration;

fn a_watch_repairs(version: &str, seed: Seed) {
    let mut stage = Stage::open(version, seed);
    let keys = stage.instance.home().join(".config/keyshoal");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(keys.join("keyshoal.toml"), "[watch]\npolicy = \"repair\"\n").unwrap();
    // Whose key is deliberate is known before anything happens.
    assert_eq!(stage.keyshoal(&["keep", KEPT_AGENT, PROFILE]).code, Some(0));
    let life = stage.instance.gateway_life();

    let mut watch = stage.start(&stage.with_rights(&["watch"]), "");
    watch.until_it_says("watching");
    stage.rotate();
    stage.everyone_sends_in_time("watched", NEW_KEY, Duration::from_secs(90));
    assert_eq!(stage.instance.gateway_life(), life, "the gateway was restarted");
    watch.tell_to_stop();
    let watch = watch.end();
    assert_eq!(watch.code, Some(0), "{watch:?}");
    assert!(watch.out.contains("durable"), "it does not say what it did: {watch:?}");

    let documents = format!("{:?}", stage.documents());
    assert!(!documents.contains(OLD_KEY), "a stale copy is left: {documents}");
    assert!(documents.contains(KEPT_KEY), "the deliberate key is gone: {documents}");
    stage.seen("watch", "watched");
}

#[test]
fn a_watch_repairs_what_the_program_left_on_2026_3_28() {
    a_watch_repairs("2026.3.28", Seed::Token);
}

#[test]
fn a_watch_repairs_what_the_program_left_on_2026_9_6() {
    a_watch_repairs("2026.9.6", Seed::ApiKey);
}
