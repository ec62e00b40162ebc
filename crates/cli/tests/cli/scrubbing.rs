//! `scrub`: shown, asked about, done, taken back; alone and as a part of `doctor --fix`.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::path::PathBuf;

const EARLIER: &str = "sk-ant-api03-seeded-earlier-19aa03c4d5";

/// Main holds the key; its models.json and an archive beside it hold an earlier one.
fn left_about() -> Stage {
    let stage = Stage::calm(Layout::SharedRow);
    std::fs::create_dir_all(models(&stage).parent().unwrap()).unwrap();
    std::fs::write(
        models(&stage),
        json!({ "providers": { "anthropic": { "apiKey": EARLIER } } }).to_string(),
    )
    .unwrap();
    let profile = json!({ "type": "api_key", "provider": "anthropic", "key": EARLIER });
    std::fs::write(archive(&stage), json!({ "version": 1, "profiles": { PROFILE: profile } }).to_string())
        .unwrap();
    stage
}

fn models(stage: &Stage) -> PathBuf {
    stage.state_dir().join("agents/main/agent/models.json")
}

fn archive(stage: &Stage) -> PathBuf {
    models(stage).with_file_name("auth-profiles.json.migrated-1-a")
}

fn holds(stage: &Stage) -> [bool; 2] {
    [models(stage), archive(stage)]
        .map(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(EARLIER)))
}

fn files(document: &Value) -> Vec<(String, String)> {
    let files = document["files"].as_array().unwrap();
    let name = |one: &Value| one["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    files.iter().map(|one| (name(one), one["action"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn it_is_shown_and_nothing_is_written_where_nobody_agreed() {
    let stage = left_about();
    for arguments in [&["scrub", "--dry-run"] as &[&str], &["scrub"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.out, run.err);
        assert!(run.out.contains("take the key out of") && run.out.contains("remove"), "{}", run.out);
        assert!(!run.out.contains(EARLIER) && !run.err.contains(EARLIER));
        assert_eq!(holds(&stage), [true, true], "{arguments:?}");
    }
    let document = stage.run(&["scrub", "--dry-run", "--json"]).json();
    assert_eq!(document["applied"], false);
    let expected = [("models.json", "clean"), ("auth-profiles.json.migrated-1-a", "remove")];
    assert_eq!(files(&document), expected.map(|(name, action)| (name.to_owned(), action.to_owned())));
    assert!(stage.run(&["doctor", "residue"]).out.contains("→ keyshoal scrub"));
}

#[test]
fn what_goes_can_be_taken_back() {
    let stage = left_about();
    let run = stage.run(&["scrub", "--yes", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let done = run.json();
    assert!(done["files"].as_array().unwrap().iter().all(|one| one["outcome"]["state"] == "done"), "{done}");
    assert!(!run.out.contains(EARLIER) && !run.err.contains(EARLIER));
    assert_eq!(holds(&stage), [false, false]);
    assert!(!archive(&stage).exists() && models(&stage).exists());
    let again = stage.run(&["scrub"]);
    assert_eq!((again.code, again.out.contains("no plaintext lies around")), (0, true), "{}", again.out);

    let shown = stage.run(&["history", "last"]);
    assert!(shown.out.contains("models.json") && shown.out.contains("can be taken back"), "{}", shown.out);
    assert_eq!(stage.run(&["rollback", "last"]).code, 2, "nobody agreed");
    let back = stage.run(&["rollback", "last", "--yes", "--json"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    assert_eq!(back.json()["files"].as_array().unwrap().len(), 2);
    assert_eq!(holds(&stage), [true, true]);
}

/// As `agent disable` leaves it: the directory of an agent that is in no roster any more.
#[test]
fn what_lies_with_an_agent_that_has_left_the_roster_is_named_too() {
    let stage = Stage::calm(Layout::JsonFile);
    let left = stage.state_dir().join("agents/gone/agent/models.json");
    std::fs::create_dir_all(left.parent().unwrap()).unwrap();
    let text = json!({ "providers": { "anthropic": { "apiKey": NEW } } }).to_string();
    std::fs::write(&left, text).unwrap();
    let run = stage.run(&["scrub", "--dry-run"]);
    assert!(run.out.contains("agents/gone/agent/models.json"), "{}{}", run.out, run.err);
    assert!(!run.out.contains("no plaintext lies around"), "{}", run.out);
    let doctor = stage.run(&["doctor", "residue"]);
    assert!(doctor.out.contains("agents/gone/agent/models.json"), "{}", doctor.out);
}

#[test]
fn the_doctor_names_it_and_does_it_after_its_own_question() {
    let stage = left_about();
    let run = stage.run(&["doctor", "--fix", "--offline"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.err.contains("keyshoal scrub removes, after a question of its own:"), "{}", run.err);
    assert!(run.out.contains("nothing was written"), "{}", run.out);
    assert_eq!(holds(&stage), [true, true]);
    let run = stage.run(&["doctor", "--fix", "--offline", "--yes", "--json"]);
    let document = run.json();
    assert_eq!(document["fixed"], Value::Null, "{document}");
    assert_eq!(document["scrubbed"]["files"], 2, "{document}");
    assert_eq!(holds(&stage), [false, false]);
    let residue = document["checks"].as_array().unwrap().iter().find(|one| one["id"] == "residue").unwrap();
    assert_eq!(residue["symptoms"], json!([]));
}

#[test]
fn the_doctor_mends_first_and_says_what_is_left_for_the_person() {
    let stage = Stage::with(Layout::SharedRow, |sample| {
        sample
            .agent("stocks")
            .agent("ghost")
            .api_key(StoreId::Base, PROFILE, NEW)
            .api_key(StoreId::Agent("stocks".into()), PROFILE, OLD)
            .api_key(StoreId::Agent("ghost".into()), PROFILE, OWN)
    });
    std::fs::create_dir_all(models(&stage).parent().unwrap()).unwrap();
    std::fs::write(
        models(&stage),
        json!({ "providers": { "anthropic": { "apiKey": EARLIER } } }).to_string(),
    )
    .unwrap();
    stage.run(&["status", "--check"]);
    let run = stage.run(&["doctor", "--fix", "--yes"]);
    for (at, words) in ["keyshoal sync mends:", "keyshoal scrub removes", "left for you:"].iter().enumerate()
    {
        assert!(run.err.contains(words), "{at}: {}", run.err);
    }
    assert!(run.out.contains("take the key out of"), "{}", run.out);
}

#[test]
fn what_references_leave_in_databases_is_told_with_the_way_to_be_rid_of_it() {
    for (layout, told) in [(Layout::SharedRow, true), (Layout::JsonFile, false)] {
        let stage = Stage::calm(layout);
        let set = ["instance", "set", "--delivery", "refs", "--yes", "--offline"];
        for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"]] {
            assert_eq!(stage.run(arguments).code, 0);
        }
        let run = stage.run(&set);
        assert_eq!(run.err.contains("keyshoal scrub"), told, "{}{}", run.out, run.err);
        // Nothing was written then.
        assert!(!stage.run(&set).err.contains("keyshoal scrub"));
    }
}
