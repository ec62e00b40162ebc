//! Values in the file to which stores refer that the vault never had: it is older than they are, or somebody has edited the file. They are
//! asked about as those that stand in a store, and never written over.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const LAYOUTS: [Layout; 2] = [Layout::JsonFile, Layout::SharedRow];

/// Main and ops share a key, stocks and academic have their own, all by reference.
fn by_reference(layout: Layout) -> Stage {
    let stage = Stage::drifted(layout);
    for arguments in [
        &["vault", "init"] as &[&str],
        &["instance", "add", "--yes"],
        &["sync", "--yes"],
        &["instance", "set", "--delivery", "refs", "--yes"],
    ] {
        fine(&stage, arguments);
    }
    fs::write(stage.path(".config/keyshoal/keyshoal.toml"), "[watch]\npolicy = \"repair\"\n").unwrap();
    stage
}

fn fine(stage: &Stage, arguments: &[&str]) {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
}

fn file(stage: &Stage) -> PathBuf {
    stage.state_dir().join(".keyshoal/delivered/secrets.json")
}

fn delivered(stage: &Stage) -> Value {
    serde_json::from_str(&fs::read_to_string(file(stage)).unwrap()).unwrap()
}

fn shared(stage: &Stage) -> String {
    delivered(stage)["shared"][PROFILE].as_str().unwrap().to_owned()
}

/// Whatever looks, and whatever repairs unasked, leaves the value and says so.
fn is_asked_about(stage: &Stage, present: impl Fn() -> String, way_out: &str) {
    let before = present();
    for look in
        [&["status"] as &[&str], &["sync", "--yes"], &["sync", "--yes", "--offline"], &["watch", "--once"]]
    {
        let run = stage.run(look);
        let said: Vec<&str> = run.out.split_whitespace().chain(run.err.split_whitespace()).collect();
        let said = said.join(" ");
        assert_eq!(run.code, 2, "{look:?}: {said}");
        assert!(said.contains("and the vault has never had it"), "{look:?}: {said}");
        assert!(said.contains(way_out), "{look:?}: {said}");
        assert_eq!(present(), before, "{look:?}: {said}");
    }
}

#[test]
fn an_older_vault_writes_nothing_over_the_newer_value() {
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let (vault, backup) = (stage.path(".local/share/keyshoal/vault.sqlite"), stage.path("old.backup"));
        fine(&stage, &["vault", "backup", backup.to_str().unwrap()]);
        let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], GIVEN);
        assert_eq!(set.code, 0, "{}{}", set.out, set.err);
        fs::remove_file(vault).unwrap();
        fine(&stage, &["vault", "restore", backup.to_str().unwrap()]);

        let present = || shared(&stage);
        assert_eq!(present(), GIVEN, "{layout}");
        is_asked_about(&stage, present, "keyshoal credential adopt base anthropic:default");
        for change in [
            &["agent", "add", "fresh", "--yes"] as &[&str],
            &["instance", "set", "--delivery", "inline", "--yes"],
            &["instance", "set", "--delivery", "refs", "--yes"],
        ] {
            let run = stage.run(change);
            assert_ne!(run.code, 0, "{layout} {change:?}: {}{}", run.out, run.err);
            assert_eq!(present(), GIVEN, "{layout} {change:?}: {}{}", run.out, run.err);
        }
        fine(&stage, &["credential", "adopt", "base", PROFILE, "--yes"]);
        assert_eq!(present(), GIVEN, "{layout}");
        fine(&stage, &["status"]);
        // It is the value that went into the vault, not its name.
        fine(&stage, &["instance", "set", "--delivery", "inline", "--yes"]);
        assert!(!file(&stage).exists());
        let status = stage.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: {}", status.out);
    }
}

#[test]
fn an_edit_of_the_file_is_asked_about_and_gives_way_when_a_person_says_so() {
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let before = shared(&stage);
        let text = fs::read_to_string(file(&stage)).unwrap();
        fs::write(file(&stage), text.replace(&before, GIVEN)).unwrap();
        is_asked_about(&stage, || shared(&stage), "--include foreign (the vault's value)");
        let run = stage.run(&["sync", "--profile", PROFILE, "--include", "foreign", "--yes"]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        assert_eq!(shared(&stage), before, "{layout}");
        fine(&stage, &["status"]);
    }
}

#[test]
fn what_its_provider_refuses_gives_way_to_what_it_accepts() {
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let before = shared(&stage);
        let text = fs::read_to_string(file(&stage)).unwrap();
        fs::write(file(&stage), text.replace(&before, "sk-ant-api03-typed-wrong-0123456789abcdef")).unwrap();
        fine(&stage, &["sync", "--yes"]);
        assert_eq!(shared(&stage), before, "{layout}");
    }
}

#[test]
fn an_agents_own_value_is_asked_about_as_well() {
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let own = |stage: &Stage| {
            let all = delivered(stage)["agents"].as_object().unwrap().clone();
            all.values().map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let before = own(&stage);
        let text = fs::read_to_string(file(&stage)).unwrap();
        assert!(before.contains(OWN), "{before}");
        fs::write(file(&stage), text.replace(OWN, GIVEN)).unwrap();
        is_asked_about(&stage, || own(&stage), "keyshoal credential adopt");
        let status = stage.run(&["status", "--json"]).json();
        let findings = status["findings"].as_array().unwrap();
        let asked = findings.iter().find(|one| one["finding"] == "foreign").unwrap();
        let whose = asked["agent"].as_str().unwrap();
        fine(&stage, &["credential", "adopt", whose, PROFILE, "--yes"]);
        assert!(own(&stage).contains(GIVEN), "{layout}");
        fine(&stage, &["status"]);
    }
}
