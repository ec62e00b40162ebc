//! Values that are retired, or whose credential was removed, and that the vault still has: they come back by a command.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::{Value, json};

fn vaulted(layout: Layout, delivery: &str) -> Stage {
    let stage = Stage::calm(layout);
    for arguments in [
        &["vault", "init"] as &[&str],
        &["instance", "add", "--name", "home", "--yes"],
        &["instance", "set", "--delivery", delivery, "--yes"],
    ] {
        fine(&stage, arguments);
    }
    stage
}

fn fine(stage: &Stage, arguments: &[&str]) -> Run {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run
}

fn given(stage: &Stage, arguments: &[&str], value: &str) {
    let run = stage.run_with(arguments, value);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
}

fn versions(stage: &Stage, more: &[&str]) -> Vec<Value> {
    let shown = fine(stage, &[&["credential", "show", PROFILE, "--json"], more].concat()).json();
    shown["instance"]["credentials"][0]["versions"].as_array().unwrap().clone()
}

fn states(stage: &Stage, more: &[&str]) -> Vec<String> {
    versions(stage, more).iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

/// Which of these values an agent's own file, or the delivered one, holds.
fn held(stage: &Stage, agent: &str) -> Vec<&'static str> {
    let read = |path: String| std::fs::read_to_string(stage.state_dir().join(path)).unwrap_or_default();
    let text = read(format!("agents/{agent}/agent/auth-profiles.json"))
        + &read(".keyshoal/delivered/secrets.json".to_owned());
    [NEW, GIVEN, OWN].into_iter().filter(|value| text.contains(value)).collect()
}

#[test]
fn after_a_rotation_is_finished_the_value_before_comes_back() {
    for delivery in ["inline", "refs"] {
        let stage = vaulted(Layout::JsonFile, delivery);
        given(&stage, &["rotate", PROFILE, "--yes", "--why", "due"], GIVEN);
        let finished = fine(&stage, &["rotate", PROFILE, "--finish", "--yes"]);
        let offered = format!("keyshoal credential restore {PROFILE}");
        assert!(finished.err.contains(&offered), "{}{}", finished.out, finished.err);
        let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes"]);
        assert!(back.code == 1 && back.err.contains(&offered), "{}{}", back.out, back.err);
        let before = versions(&stage, &[]);

        let dry = stage.run(&["credential", "restore", PROFILE, "--dry-run"]);
        assert!(dry.err.contains("version 1 (") && dry.err.contains("✓ accepted"), "{}{}", dry.out, dry.err);
        let asked = stage.run(&["credential", "restore", PROFILE]);
        assert_eq!((dry.code, asked.code), (2, 2), "{}{}", asked.out, asked.err);
        assert_eq!((versions(&stage, &[]), held(&stage, "main")), (before.clone(), vec![GIVEN]));

        fine(&stage, &["credential", "restore", "anthropic", "--yes"]);
        assert_eq!(held(&stage, "main"), [NEW], "{delivery}");
        assert_eq!(states(&stage, &[]), ["retired", "previous", "current"]);
        let now = versions(&stage, &[])[2].clone();
        assert_eq!(now["why"], json!("version 1 again"));
        assert_eq!(now["created"], before[0]["created"], "a value does not get younger");
        fine(&stage, &["status"]);
        // What was there before is at hand as after any new value.
        fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
        assert_eq!(held(&stage, "main"), [GIVEN], "{delivery}");
    }
}

#[test]
fn a_version_is_named_and_a_dead_one_comes_back_only_untested() {
    let stage = vaulted(Layout::SharedRow, "inline");
    given(&stage, &["credential", "set", PROFILE, "--yes"], GIVEN);
    given(&stage, &["credential", "set", PROFILE, "--yes"], OWN);
    for (number, says) in [("3", "present value"), ("9", "no version 9")] {
        let run = stage.run(&["credential", "restore", PROFILE, "--version", number, "--yes"]);
        assert!(run.code == 1 && run.err.contains(says), "{}{}", run.out, run.err);
        assert!(run.err.contains("credential show"), "{}", run.err);
    }
    stage.emulator.only_accept(&[GIVEN, OWN]);
    let dead = stage.run(&["credential", "restore", PROFILE, "--version", "1", "--yes"]);
    assert!(dead.code == 1 && dead.err.contains("with --offline"), "{}{}", dead.out, dead.err);
    assert_eq!(states(&stage, &[]), ["retired", "previous", "current"]);
    fine(&stage, &["credential", "restore", PROFILE, "--version", "1", "--yes", "--offline"]);
    assert_eq!(states(&stage, &[]), ["retired", "retired", "previous", "current"]);
    // Without a number it is the one that was in use before.
    fine(&stage, &["credential", "restore", PROFILE, "--yes"]);
    let versions = versions(&stage, &[]);
    assert_eq!(versions[4]["why"], json!("version 3 again"));
    assert_eq!(fine(&stage, &["verify"]).code, 0);
}

#[test]
fn what_was_removed_comes_back_for_all_and_for_one_agent() {
    let stage = vaulted(Layout::JsonFile, "inline");
    given(&stage, &["credential", "override", "ops", PROFILE, "--yes"], OWN);
    let removed = fine(&stage, &["credential", "override", "ops", PROFILE, "--remove", "--yes"]);
    let offered = format!("keyshoal credential restore {PROFILE} --agent ops");
    assert!(removed.err.contains(&offered), "{}", removed.err);
    assert!(!held(&stage, "ops").contains(&OWN));
    assert_eq!(states(&stage, &["--agent", "ops"]), ["retired"]);
    fine(&stage, &["credential", "restore", PROFILE, "--agent", "ops", "--yes"]);
    assert_eq!((held(&stage, "ops"), held(&stage, "main")), (vec![OWN], vec![NEW]));

    stage.run(&["credential", "remove", PROFILE, "--yes"]);
    assert_eq!(held(&stage, "main"), [""; 0]);
    fine(&stage, &["credential", "restore", "anthropic", "--yes"]);
    assert_eq!((held(&stage, "ops"), held(&stage, "main")), (vec![OWN], vec![NEW]));
    let again = stage.run(&["credential", "restore", PROFILE, "--yes"]);
    assert!(again.code == 1 && again.err.contains("no earlier value"), "{}{}", again.out, again.err);
}

#[test]
fn what_the_vault_has_forgotten_is_said() {
    let stage = vaulted(Layout::JsonFile, "inline");
    given(&stage, &["rotate", PROFILE, "--yes", "--grace", "0"], GIVEN);
    fine(&stage, &["vault", "purge", "--older-than", "0", "--yes"]);
    let run = stage.run(&["credential", "restore", PROFILE, "--yes"]);
    assert!(run.code == 1 && run.err.contains("more than 30 days ago"), "{}{}", run.out, run.err);
    assert_eq!(held(&stage, "main"), [GIVEN]);
}
