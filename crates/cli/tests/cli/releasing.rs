//! A release says what it would leave behind, and is asked about.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::{Value, json};

/// The drifted installation in a vault: academic has an override, the others share.
fn vaulted(layout: Layout) -> Stage {
    let stage = Stage::drifted(layout);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    stage
}

fn released(stage: &Stage) -> usize {
    stage.run(&["instance", "list", "--json"]).json()["released"].as_array().unwrap().len()
}

/// Of which agents something is said in a list of a release.
fn agents(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["agent"].as_str().unwrap()).collect()
}

#[test]
fn a_release_shows_what_it_marks_and_does_nothing_unasked() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = vaulted(layout);
        let status = || {
            let mut status = stage.run(&["status", "--json"]).json();
            status["at"] = Value::Null;
            status
        };
        let before = status();
        for arguments in [&["instance", "release", "--dry-run"] as &[&str], &["instance", "release"]] {
            let run = stage.run(arguments);
            assert_eq!(run.code, 2, "{layout}, {arguments:?}: {}{}", run.out, run.err);
            let marks = format!("academic {PROFILE} (");
            assert!(run.err.contains(&marks) && run.err.contains("on purpose"), "{layout}: {}", run.err);
            let told = stage.run(&[arguments, &["--json"]].concat()).json()["release"].clone();
            assert_eq!((&told["applied"], agents(&told["marked"])), (&json!(false), vec!["academic"]));
            assert_eq!(told["unmarked"], json!([]), "{layout}");
        }
        assert_eq!((released(&stage), status()), (0, before), "{layout}");
        let done = stage.run(&["instance", "release", "--yes", "--json"]);
        assert_eq!((done.code, &done.json()["release"]["applied"]), (0, &json!(true)), "{layout}");
        assert_eq!(released(&stage), 1, "{layout}");
        assert_eq!(
            stage.run(&["instance", "release"]).code,
            0,
            "{layout}: nothing is left to be asked about"
        );
    }
}

#[test]
fn without_the_vaults_key_what_gets_no_mark_is_named_with_the_command_that_marks_it() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = vaulted(layout);
        std::fs::remove_file(stage.path(".config/keyshoal/vault.key")).unwrap();
        let command = format!("keyshoal keep academic {PROFILE}");
        for (arguments, code) in [("--dry-run", 2), ("--yes", 0)] {
            let run = stage.run(&["instance", "release", arguments, "--json"]);
            assert_eq!(run.code, code, "{layout}: {}{}", run.out, run.err);
            let told = run.json()["release"].clone();
            assert_eq!(
                (agents(&told["unmarked"]), &told["marked"]),
                (vec!["academic"], &json!([])),
                "{layout}"
            );
            assert!(run.err.contains(&command), "{layout}: {}", run.err);
        }
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        let kept = stage.run(&words);
        assert_eq!(kept.code, 0, "{layout}: {}{}", kept.out, kept.err);
        let status = stage.run(&["status", "--json"]);
        let findings = status.json()["findings"].clone();
        let of = findings.as_array().unwrap().iter().find(|one| one["agent"] == "academic").unwrap().clone();
        assert_eq!((status.code, &of["finding"]), (0, &json!("kept")), "{layout}: {findings}");
    }
}

#[test]
fn whoever_removes_an_instance_under_references_is_told_what_its_agents_hold() {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [
        &["vault", "init"] as &[&str],
        &["instance", "add", "--name", "here", "--yes", "--offline"],
        &["instance", "set", "--delivery", "refs", "--yes", "--offline"],
    ] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    let run = stage.run(&["instance", "remove", "here", "--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("--delivery inline"), "{}{}", run.out, run.err);
}
