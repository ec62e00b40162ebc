//! What `recover` names as the way back of a run that was killed, where a vault says what is right: it is done as it is said.

use crate::moved::{copy, killed};
use crate::referred::home::{Home, put_back};
use crate::referred::{INLINE, NEW, OLD, OWN, PROFILE};
use keyshoal_core::Layout;
use keyshoal_emulator::{Config, Emulator};
use serde_json::Value;

/// Whose installation it is, and a file with a new value.
fn home() -> (Home, String) {
    let home = Home::new(Layout::JsonFile, INLINE);
    let file = home.dir.path().join("new.txt").to_str().unwrap().to_owned();
    (home, file)
}

/// Has a command killed in the midst of its run: at the first store that would be replaced.
fn broken_off(home: &Home, words: &[&str]) {
    let before = tempfile::tempdir().unwrap();
    copy(home.dir.path(), before.path());
    for n in 1.. {
        put_back(before.path(), home);
        let words = [words, &["--yes", "--offline"]].concat();
        assert!(
            killed(home.dir.path(), &home.state(), &words, "rename,renameat,renameat2", n),
            "{words:?} has no run"
        );
        if home.has_open_run() {
            return;
        }
    }
}

fn said(home: &Home, words: &[&str], code: i32) -> String {
    let output = home.run(words);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Holds that both forms of `recover` name these words, and does what they say.
fn goes_back(home: &Home, way_back: &[&str]) {
    let line = format!("keyshoal {}   ", way_back.join(" "));
    for said in [said(home, &["recover"], 2), said(home, &["recover", "--undo"], 1)] {
        assert!(said.contains(&line), "{line}: {said}");
    }
    said(home, &[way_back, &["--yes", "--offline"]].concat(), 0);
    assert!(!home.has_open_run(), "{line}");
    let diff = home.document(&["diff", "--offline", "--json"]);
    assert_eq!(
        (diff["actions"].as_array().map(Vec::len), &diff["config"]),
        (Some(0), &Value::Null),
        "{line}"
    );
}

fn sent(home: &Home) -> [String; 4] {
    ["main", "stocks", "ops", "own"].map(|agent| home.sent(agent, "afterwards"))
}

#[test]
fn a_value_for_all_goes_back_to_the_one_before() {
    let (home, file) = home();
    broken_off(&home, &["credential", "set", PROFILE, "--from-file", &file]);
    goes_back(&home, &["rotate", PROFILE, "--rollback"]);
    assert_eq!(sent(&home), [OLD, OLD, OLD, OWN]);
}

#[test]
fn an_override_goes_back_alone() {
    let (home, file) = home();
    // A new one, and a new value of one that was there: nobody else gets anything.
    broken_off(&home, &["credential", "override", "stocks", PROFILE, "--from-file", &file]);
    goes_back(&home, &["credential", "override", "stocks", PROFILE, "--remove"]);
    assert_eq!(sent(&home), [OLD, OLD, OLD, OWN]);
    broken_off(&home, &["credential", "override", "own", PROFILE, "--from-file", &file]);
    goes_back(&home, &["rotate", PROFILE, "--agent", "own", "--rollback"]);
    assert_eq!(sent(&home), [OLD, OLD, OLD, OWN]);
}

#[test]
fn a_rotation_of_an_override_goes_back_alone_whatever_else_its_run_mends() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let home = Home::asking(Layout::JsonFile, &emulator);
    home.well(&INLINE);
    let file = home.dir.path().join("new.txt").to_str().unwrap().to_owned();
    let stale = home.state().join("agents/stocks/agent/auth-profiles.json");
    let kept = std::fs::read(&stale).unwrap();
    // What all share has a version before as well and a rotation that is not over, and one of them has that version again, which its
    // provider does not take any more.
    home.rotate();
    std::fs::write(&stale, kept).unwrap();
    emulator.only_accept(&[NEW, OWN]);
    said(&home, &["status", "--check"], 2);
    std::fs::write(&file, "acme-key-another-04").unwrap();
    broken_off(&home, &["rotate", PROFILE, "--agent", "own", "--from-file", &file]);
    let steps = home.document(&["recover", "--json"])["steps"].as_array().unwrap().len();
    assert_eq!(steps, 2, "the stale copy as well");
    goes_back(&home, &["rotate", PROFILE, "--agent", "own", "--rollback"]);
    assert_eq!(sent(&home), [NEW, NEW, NEW, OWN]);
}

#[test]
fn for_another_change_the_opposite_one_is_named() {
    let (home, _) = home();
    broken_off(&home, &["agent", "rename", "ops", "duty"]);
    for said in [said(&home, &["recover"], 2), said(&home, &["recover", "--undo"], 1)] {
        assert!(said.contains("make the opposite change with keyshoal agent"), "{said}");
        assert!(!said.contains("keyshoal credential"), "{said}");
    }
    home.well(&["agent", "rename", "duty", "ops", "--yes", "--offline"]);
    assert!(!home.has_open_run());
}

#[test]
fn without_the_vaults_key_a_release_is_the_way_out() {
    let (home, file) = home();
    broken_off(&home, &["credential", "override", "own", PROFILE, "--from-file", &file]);
    std::fs::remove_file(home.dir.path().join(".config/keyshoal/vault.key")).unwrap();
    for words in [&["recover"] as &[&str], &["recover", "--undo"]] {
        let said = said(&home, words, 1 + i32::from(words.len() == 1));
        for named in ["--agent AGENT for an override", "keyshoal instance release"] {
            assert!(said.contains(named), "{words:?}, {named}: {said}");
        }
    }
    let (payload, code) = (format!("{file}.payload"), format!("{file}.code"));
    let export = ["export", "--to", &payload, "--code-file", &code];
    for words in [&["recover", "--finish"] as &[&str], &["sync", "--yes"], &export] {
        let said = said(&home, words, 1);
        assert!(said.contains("keyshoal instance release"), "{words:?}: {said}");
    }
    let status = home.document(&["status", "--json"]);
    let fix = |kind: &str| {
        let all = status["findings"].as_array().unwrap();
        all.iter().find(|one| one["finding"] == kind).unwrap()["fix"].as_str().unwrap().to_owned()
    };
    assert!(fix("open_run").contains("vault's key") && !fix("open_run").contains("--undo"), "{status}");
    assert!(fix("unreadable").contains("keyshoal instance release"), "{status}");
    home.well(&["instance", "release", "--yes"]);
    let said = said(&home, &["recover"], 2);
    assert!(said.contains("--finish, or --undo"), "{said}");
    home.well(&["recover", "--undo"]);
    assert_eq!(sent(&home), [OLD, OLD, OLD, OWN]);
    assert!(!home.has_open_run());
}

#[test]
fn without_the_instance_in_the_vault_it_is_taken_in_again_or_released() {
    let (home, _) = home();
    let name = home.document(&["instance", "list", "--json"])["instances"][0]["name"].clone();
    home.well(&["instance", "remove", name.as_str().unwrap(), "--yes"]);
    let said = said(&home, &["sync", "--yes"], 1);
    assert!(said.contains("keyshoal instance add") && said.contains("keyshoal instance release"), "{said}");
    home.well(&["instance", "add", "--yes", "--offline"]);
    home.of_one_mind(OLD, "again");
}
