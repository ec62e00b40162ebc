//! The stores are ahead of the vault: an earlier backup of it was put back.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};

const NEXT: &str = "sk-ant-api03-seeded-next-1f2e3d4c5b6a7988";
const ADOPT: &str = "keyshoal credential adopt base anthropic:default";

/// An installation whose key was rotated after the backup that its vault is now.
fn ahead(layout: Layout, delivery: &str) -> Stage {
    let stage = Stage::with(layout, |sample| {
        let sample = sample.agent("ops").agent("stocks").api_key(StoreId::Base, PROFILE, NEW);
        sample.api_key(StoreId::Agent("stocks".into()), PROFILE, NEW)
    });
    stage.emulator.only_accept(&[NEW, GIVEN, NEXT]);
    std::fs::write(stage.path("given"), GIVEN).unwrap();
    std::fs::write(stage.path("next"), NEXT).unwrap();
    let backup = stage.path("backup");
    let backup = backup.to_str().unwrap();
    let fine = |arguments: &[&str]| {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    };
    fine(&["vault", "init"]);
    fine(&["instance", "add", "--name", "home", "--yes"]);
    fine(&["instance", "set", "--delivery", delivery, "--yes"]);
    fine(&["vault", "backup", backup]);
    fine(&["rotate", PROFILE, "--yes", "--from-file", stage.path("given").to_str().unwrap()]);
    std::fs::remove_dir_all(stage.path(".local/share/keyshoal")).unwrap();
    fine(&["vault", "restore", backup]);
    stage
}

#[test]
fn a_rotation_says_what_stands_there_and_how_the_vault_takes_it_in() {
    for (layout, delivery) in
        [(Layout::JsonFile, "inline"), (Layout::SharedRow, "inline"), (Layout::SharedRow, "refs")]
    {
        let stage = ahead(layout, delivery);
        let next = stage.path("next");
        let rotate = ["rotate", PROFILE, "--yes", "--from-file", next.to_str().unwrap()];
        let found = stage.run(&["status", "--json"]).json();
        let finding = found["findings"].as_array().unwrap().iter().find(|one| one["finding"] == "foreign");
        let message = finding.unwrap()["message"].as_str().unwrap();
        let there = message.split_whitespace().nth(1).unwrap().to_owned();
        assert!(message.starts_with("holds ") && there.len() == 8, "{message}");
        // That its provider accepts it makes it nobody's decision.
        let verified = stage.run(&["verify", "--json"]);
        assert_eq!(
            (verified.code, &verified.json()["summary"]["accepted"]),
            (2, &3.into()),
            "{}",
            verified.out
        );
        let before = stage.run(&["instance", "show", "--json"]).json();
        for more in [&[] as &[&str], &["--instances", "home"], &["--dry-run"]] {
            let run = stage.run(&[&rotate[..], more].concat());
            assert_eq!(run.code, 1, "{more:?}: {}{}", run.out, run.err);
            let said = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
            // The copy that stocks has is no value of its own.
            let who = "main, ops, stocks would not get the new value";
            for words in [there.as_str(), who, "nothing was changed", ADOPT, "--include foreign"] {
                assert!(said.contains(words), "{more:?}, {words}: {}", run.err);
            }
            assert!(!run.out.contains("the value before again"), "{}", run.out);
        }
        assert_eq!(stage.run(&["instance", "show", "--json"]).json(), before);
        let list = stage.run(&["artifacts", "--list"]);
        assert!(!list.out.contains("next sync") && list.out.contains("a person decides"), "{}", list.out);
        let adopt: Vec<&str> = ADOPT.split_whitespace().skip(1).chain(["--yes"]).collect();
        assert_eq!(stage.run(&adopt).code, 0);
        let run = stage.run(&rotate);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        assert_eq!(stage.run(&["status"]).code, 0);
    }
}

#[test]
fn the_value_that_stands_there_can_be_given_to_a_rotation_again() {
    let stage = ahead(Layout::SharedRow, "inline");
    let run = stage.run(&["rotate", PROFILE, "--yes", "--from-file", stage.path("given").to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stage.run(&["verify"]).code, 0);
}
