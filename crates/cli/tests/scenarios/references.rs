//! Credentials by reference: no store holds a key, a rotation is one file and one reload, and there is a way back.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every JSON document of a store in which one of these keys stands.
fn stores_with(stage: &Stage, keys: &[&str]) -> Vec<String> {
    let documents = stage.documents().into_iter();
    let holding = documents.filter(|(_, document)| keys.iter().any(|key| document.to_string().contains(key)));
    holding.map(|(name, _)| name).collect()
}

fn file(stage: &Stage) -> PathBuf {
    stage.instance.state_dir().join(".keyshoal/delivered/secrets.json")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A stage whose instance is in a vault.
fn vaulted(version: &str, seed: Seed) -> Stage {
    let stage = Stage::open(version, seed);
    assert_eq!(stage.keyshoal(&["vault", "init"]).code, Some(0));
    assert_eq!(stage.keyshoal(&["instance", "add", "--yes", "--offline"]).code, Some(0));
    stage
}

fn on_rotated_and_off(stage: &Stage, how: &'static [&'static str]) {
    let set = |delivery: &'static str| {
        let set = ["instance", "set", "--delivery", delivery, "--yes", "--offline"];
        stage.keyshoal_with_rights(&[&set, how].concat())
    };

    assert_eq!(set("refs").code, Some(0));
    assert_eq!(stores_with(stage, &[OLD_KEY, KEPT_KEY]), Vec::<String>::new());
    stage.everyone_sends("refs", OLD_KEY);
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0));

    let before = stage.documents();
    let config = text(&stage.instance.config_path());
    stage.provider.only_accept(&[OLD_KEY, NEW_KEY, KEPT_KEY]);
    let rotate = stage.with_rights(&["rotate", PROFILE, "--yes", "--grace", "0"]);
    assert_eq!(stage.keyshoal_told(&rotate, NEW_KEY).code, Some(0));
    stage.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
    let secret = |documents: &std::collections::BTreeMap<String, serde_json::Value>| {
        let mut found: Vec<_> = Vec::new();
        for (name, document) in documents {
            found.push((name.clone(), document.pointer(&format!("/profiles/{PROFILE}")).cloned()));
        }
        found
    };
    assert_eq!(secret(&before), secret(&stage.documents()), "a store was written");
    assert_eq!(config, text(&stage.instance.config_path()), "the config was written");
    assert!(text(&file(stage)).contains(NEW_KEY) && !text(&file(stage)).contains(OLD_KEY));
    stage.everyone_sends("rotated", NEW_KEY);

    assert_eq!(set("inline").code, Some(0));
    assert!(!file(stage).exists(), "the file stayed");
    assert!(!stores_with(stage, &[NEW_KEY]).is_empty());
    stage.everyone_sends("inline", NEW_KEY);
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0));
    stage.seen("references", "rotated");
}

/// A dry run, or what is refused, leaves everything as it is.
fn nothing_is_written(stage: &Stage, delivery: &str) {
    assert!(
        !file(stage).exists() && !stores_with(stage, &[OLD_KEY]).is_empty(),
        "{delivery} wrote something"
    );
}

fn set_up_rotated_and_taken_back(version: &str, seed: Seed) {
    let stage = vaulted(version, seed);
    let dry = stage.keyshoal(&["instance", "set", "--delivery", "refs", "--dry-run", "--offline"]);
    assert_eq!(dry.code, Some(2));
    nothing_is_written(&stage, "a dry run");
    on_rotated_and_off(&stage, &[]);
}

#[test]
fn references_are_set_up_rotated_and_taken_back_on_2026_3_28() {
    set_up_rotated_and_taken_back("2026.3.28", Seed::Token);
}

#[test]
fn references_are_set_up_rotated_and_taken_back_on_2026_9_6() {
    set_up_rotated_and_taken_back("2026.9.6", Seed::ApiKey);
}

/// This release takes up a file of secrets when it starts, and not before: a reload goes by the config of then, and its answer says nothing.
#[test]
fn references_are_set_up_with_a_restart_and_taken_back_on_2026_6_11() {
    let stage = vaulted("2026.6.11", Seed::ApiKey);
    let refs = ["instance", "set", "--delivery", "refs", "--yes", "--offline"];
    let refused = stage.keyshoal(&refs);
    assert!(refused.code == Some(1) && refused.err.contains("--activate restart"), "{refused:?}");
    nothing_is_written(&stage, "what was refused");

    // A command that restarts nothing leaves stores that refer to what the gateway does not know.
    let restart = ["--activate", "restart"];
    let idle = [&refs[..], &restart, &["--restart-command", "true"]].concat();
    assert_eq!(stage.keyshoal(&idle).code, Some(2));
    let sync = stage.keyshoal(&["sync", "--yes", "--offline"]);
    let told = "takes up a file of secrets that its config names only when it starts";
    assert!(sync.code == Some(2) && sync.out.replace("\n    ", " ").contains(told), "{sync:?}");
    stage.everyone_sends("not-followed", OLD_KEY);
    on_rotated_and_off(&stage, &["--activate", "restart"]);
}

/// A gateway takes up the changed config a moment after it was written. What is said to be done must be so for the very next turn.
#[test]
fn the_turn_right_after_a_change_of_delivery_is_served_on_2026_9_6() {
    let stage = Stage::open("2026.9.6", Seed::ApiKey);
    assert_eq!(stage.keyshoal(&["vault", "init"]).code, Some(0));
    assert_eq!(stage.keyshoal(&["instance", "add", "--yes", "--offline"]).code, Some(0));
    for round in 0..8 {
        for delivery in ["refs", "inline"] {
            let set = ["instance", "set", "--delivery", delivery, "--yes", "--offline"];
            assert_eq!(stage.keyshoal(&set).code, Some(0));
            let reply = stage.instance.ask("main", &format!("{delivery}-{round}"));
            assert!(reply.as_ref().is_ok_and(|reply| reply.http == 200), "{delivery}, {round}: {reply:?}");
        }
    }
}

/// A rotation that is killed once the file holds the new key, before its run is over.
fn killed_in_the_middle(stage: &Stage) {
    let rotate = stage.with_rights(&["rotate", PROFILE, "--yes"]);
    let working = stage.start(&rotate, NEW_KEY);
    while !text(&file(stage)).contains(NEW_KEY) {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(working);
    let status = stage.keyshoal(&["status"]);
    assert!(status.out.contains("open run"), "it was killed too late: {status:?}");
}

fn killed_and_taken_back_or_finished(version: &str, seed: Seed) {
    let stage = Stage::open(version, seed);
    assert_eq!(stage.keyshoal(&["vault", "init"]).code, Some(0));
    assert_eq!(stage.keyshoal(&["instance", "add", "--yes", "--offline"]).code, Some(0));
    let set = ["instance", "set", "--delivery", "refs", "--yes", "--offline"];
    assert_eq!(stage.keyshoal_with_rights(&set).code, Some(0));
    stage.provider.only_accept(&[OLD_KEY, NEW_KEY, KEPT_KEY]);

    killed_in_the_middle(&stage);
    let undo = stage.keyshoal(&["recover", "--undo"]);
    let way_back = ["rotate", PROFILE, "--rollback"];
    assert!(undo.code == Some(1) && undo.err.contains(&way_back.join(" ")), "{undo:?}");
    let back = stage.keyshoal_with_rights(&[&way_back[..], &["--yes"]].concat());
    assert_eq!(back.code, Some(0), "{back:?}");
    assert!(text(&file(&stage)).contains(OLD_KEY) && !text(&file(&stage)).contains(NEW_KEY));
    stage.provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    stage.everyone_sends("taken-back", OLD_KEY);
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0));

    stage.provider.only_accept(&[OLD_KEY, NEW_KEY, KEPT_KEY]);
    killed_in_the_middle(&stage);
    let finished = stage.keyshoal_with_rights(&["recover", "--finish"]);
    assert!(finished.code == Some(2) && finished.out.contains("half rotated"), "{finished:?}");
    stage.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
    stage.everyone_sends("finished", NEW_KEY);
    // The stores are right, and nobody has proven the new value yet.
    let status = stage.keyshoal(&["status"]);
    assert!(status.code == Some(2) && status.out.contains("half rotated"), "{status:?}");
    let over = stage.with_rights(&["rotate", PROFILE, "--resume", "--yes", "--grace", "0"]);
    assert_eq!(stage.keyshoal(&over).code, Some(0));
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0));
    stage.seen("references", "taken-back");
}

#[test]
fn a_killed_rotation_under_references_goes_back_or_on_on_2026_9_6() {
    killed_and_taken_back_or_finished("2026.9.6", Seed::ApiKey);
}

/// The vault was let go of, and then the file was lost: what `status` names as the way out gives every agent a key again.
fn lost_and_given_again(version: &str, seed: Seed) {
    let mut stage = Stage::open(version, seed);
    assert_eq!(stage.keyshoal(&["vault", "init"]).code, Some(0));
    assert_eq!(stage.keyshoal(&["instance", "add", "--yes", "--offline"]).code, Some(0));
    let set = ["instance", "set", "--delivery", "refs", "--yes", "--offline"];
    assert_eq!(stage.keyshoal_with_rights(&set).code, Some(0));
    let released = stage.keyshoal(&["instance", "release", "--yes"]);
    assert!(
        released.code == Some(0) && released.err.contains("go on depending on that file"),
        "{released:?}"
    );
    std::fs::remove_file(file(&stage)).unwrap();
    stage.instance.stop_gateway();

    let status = stage.keyshoal(&["status"]);
    assert!(status.code == Some(2) && status.out.contains("✗ missing"), "{status:?}");
    let own = format!("keyshoal set {PROFILE} --agent {KEPT_AGENT}");
    assert!(
        status.out.contains(&format!("keyshoal set {PROFILE} ")) && status.out.contains(&own),
        "{status:?}"
    );
    stage.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
    // Another key is missing still.
    assert_eq!(stage.keyshoal_told(&["set", PROFILE, "--yes"], NEW_KEY).code, Some(2));
    let given = ["set", PROFILE, "--agent", KEPT_AGENT, "--yes"];
    stage.keyshoal_told(&given, KEPT_KEY);
    if status.out.contains("unrelated:work") {
        let other = ["set", "unrelated:work", "--offline", "--yes"];
        assert_eq!(stage.keyshoal_told(&other, "sk-testkit-other-0000000000000004").code, Some(0));
    }
    stage.instance.start_gateway().unwrap();
    stage.everyone_sends("given-again", NEW_KEY);
    assert_eq!(stage.keyshoal(&["status"]).code, Some(0));
    stage.seen("references", "given-again");
}

#[test]
fn keys_of_a_lost_file_are_given_again_on_2026_3_28() {
    lost_and_given_again("2026.3.28", Seed::Token);
}

#[test]
fn keys_of_a_lost_file_are_given_again_on_2026_9_6() {
    lost_and_given_again("2026.9.6", Seed::ApiKey);
}
