//! An import that was killed: everybody tells of it, what others have changed since is kept, and a sync ends it where it can.

use crate::importing::program_for;
use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const LOGIN: &str = "openai-codex:me";
/// Stands for a file that holds a key.
const FILE: &str = "FILE";
/// What asks how things stand, or brings them about without a question.
const LOOKS: [&[&str]; 7] = [
    &["status"],
    &["doctor"],
    &["diff", "--offline"],
    &["verify"],
    &["watch", "--once", "--offline"],
    &["sync", "--dry-run", "--offline"],
    &["recover"],
];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One line, so that no word is looked for across a line's end.
fn said(run: &Run) -> String {
    let all = format!("{}{}", run.out, run.err);
    for secret in SECRETS {
        assert!(!all.contains(&secret[secret.len() - 12..]), "{all}");
    }
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fine(run: &Run) -> String {
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    said(run)
}

/// Agents main, ops (inherits) and academic (a key of its own), and where they move to.
fn old(layout: Layout) -> (Stage, PathBuf) {
    let stage = Stage::with(layout, |sample| {
        let login = json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
                            "expires": 4_000_000_000_000_i64, "email": "seeded@example.com" });
        sample
            .agent("ops")
            .agent("academic")
            .api_key(StoreId::Base, PROFILE, NEW)
            .profile(StoreId::Base, LOGIN, login)
            .api_key(StoreId::Agent("academic".into()), PROFILE, OWN)
    });
    std::fs::write(stage.path("given"), GIVEN).unwrap();
    let new = stage.path("new");
    (stage, new)
}

fn words<'a>(stage: &'a Stage, more: &[&'a str]) -> Vec<String> {
    let from = stage.state_dir();
    let words = ["import", text(&from), "--name", "moved", "--yes"];
    words.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

fn import(stage: &Stage, to: &Path, more: &[&str]) -> Run {
    let words = words(stage, more);
    stage.run_at(to, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Begins one, which waits for its provider then.
fn begin(stage: &Stage, to: &Path, more: &[&str]) -> Child {
    stage.emulator.clear_log();
    stage.emulator.hold(true);
    let child = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(to)
        .args(words(stage, more))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while stage.emulator.log().is_empty() {
        std::thread::yield_now();
    }
    child
}

/// Kills one while it waits for its provider: all that is left then is what a sync brings.
fn cut_off(stage: &Stage, to: &Path, more: &[&str]) {
    let mut child = begin(stage, to, more);
    child.kill().unwrap();
    child.wait().unwrap();
    stage.emulator.hold(false);
    assert!(to.join(".keyshoal-import").exists());
}

fn store(at: &Path, agent: &str) -> PathBuf {
    at.join(format!("agents/{agent}/agent/auth-profiles.json"))
}

fn holds(at: &Path, agent: &str, value: &str) -> bool {
    std::fs::read_to_string(store(at, agent)).is_ok_and(|text| text.contains(value))
}

#[test]
fn everybody_tells_of_it_until_a_sync_has_brought_what_was_missing() {
    let (stage, new) = old(Layout::JsonFile);
    for value in [NEW, GIVEN] {
        cut_off(&stage, &new, &[]);
        assert!(!store(&new, "academic").exists(), "it was killed before that");
        if value == GIVEN {
            // Whatever changes the vault brings the rest.
            let given = stage.path("given");
            fine(&stage.run_at(&new, &["rotate", PROFILE, "--yes", "--from-file", text(&given)]));
            assert!(holds(&new, "academic", OWN));
        }
        for look in LOOKS {
            let run = stage.run_at(&new, look);
            assert_eq!(run.code, 2, "{look:?}: {}{}", run.out, run.err);
            let all = said(&run);
            assert!(all.contains("has not ended: it broke off"), "{look:?}: {all}");
            assert!(all.contains("keyshoal sync brings what is missing, and ends it"), "{look:?}: {all}");
            let fine = ["✓ nothing", "✓ every", "✓ 3 agents"].iter().find(|word| all.contains(**word));
            assert_eq!(fine, None, "{look:?}: {all}");
            let told = stage.run_at(&new, &[look, &["--json"]].concat());
            assert_eq!((told.code, &told.json()["unfinished_import"]), (2, &json!(true)), "{look:?}");
        }
        // A part of it is not all of it.
        let part = stage.run_at(&new, &["sync", "--yes", "--agent", "ops"]);
        assert_eq!(part.code, 2, "{}{}", part.out, part.err);
        let all = fine(&stage.run_at(&new, &["sync", "--yes"]));
        assert!(all.contains("the import that had broken off has ended"), "{all}");
        for look in LOOKS {
            let told = stage.run_at(&new, &[look, &["--json"]].concat());
            assert_eq!((told.code, &told.json()["unfinished_import"]), (0, &json!(false)), "{look:?}");
        }
        assert!(holds(&new, "main", value) && holds(&new, "academic", OWN));
        let config = std::fs::read_to_string(new.join("openclaw.json")).unwrap();
        assert!(config.contains("loopback"), "{config}");
        // It is an installation as any other by now.
        let from = stage.state_dir();
        let again = stage.run_at(&new, &["import", text(&from), "--name", "other", "--yes"]);
        assert!(again.code == 1 && said(&again).contains("holds an installation already"), "{}", again.err);
        fine(&stage.run(&["instance", "remove", "moved", "--yes"]));
        std::fs::rename(&new, stage.path(&format!("aside-{}", value == GIVEN))).unwrap();
    }
}

#[test]
fn what_others_have_changed_of_it_is_not_removed() {
    type Change = (&'static str, &'static [&'static str]);
    let changes: [Change; 8] = [
        ("published", &["rotate", PROFILE, "--yes", "--from-file", FILE]),
        ("override", &["credential", "override", "ops", PROFILE, "--yes", "--from-file", FILE]),
        ("agent late added", &["agent", "add", "late", "--yes", "--offline"]),
        ("a run of `sync`", &["sync", "--yes", "--offline", "--agent", "academic"]),
        ("in the store academic", &[]),
        ("in the store base", &[]),
        ("agents[late] in the config", &[]),
        ("notes.txt", &[]),
    ];
    for (what, change) in changes {
        let (stage, new) = old(Layout::JsonFile);
        cut_off(&stage, &new, &["--move-logins"]);
        let given = stage.path("given");
        let change: Vec<&str> =
            change.iter().map(|word| if *word == FILE { text(&given) } else { word }).collect();
        match what {
            "in the store academic" => {
                let key = json!({ "type": "api_key", "provider": "anthropic", "key": GIVEN });
                let file = json!({ "version": 1, "profiles": { PROFILE: key } });
                std::fs::create_dir_all(store(&new, "academic").parent().unwrap()).unwrap();
                std::fs::write(store(&new, "academic"), file.to_string()).unwrap();
            }
            // A gateway has renewed the login that moved.
            "in the store base" => {
                let before = std::fs::read_to_string(store(&new, "main")).unwrap();
                assert!(before.contains(REFRESH));
                std::fs::write(store(&new, "main"), before.replace(REFRESH, "another")).unwrap();
            }
            "agents[late] in the config" => {
                let config = new.join("openclaw.json");
                let mut value: Value =
                    serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
                value["agents"]["list"].as_array_mut().unwrap().push(json!({ "id": "late" }));
                std::fs::write(&config, value.to_string()).unwrap();
            }
            "notes.txt" => std::fs::write(new.join("notes.txt"), "").unwrap(),
            _ => {
                let run = stage.run_at(&new, &change);
                assert_eq!(run.code, if what.contains("sync") { 2 } else { 0 }, "{}{}", run.out, run.err);
            }
        }
        let before = stage.run_at(&new, &["instance", "show", "--json"]).out;
        for more in [&["--dry-run"] as &[&str], &["--offline"], &["--check"]] {
            let mut words = words(&stage, more);
            words.retain(|word| word != "--yes" || !more.contains(&"--dry-run"));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let run = stage.run_at(&new, &[&words[..], &["--move-logins"]].concat());
            let all = said(&run);
            assert_eq!(run.code, 1, "{what} {more:?}: {all}");
            for word in ["nothing of it is removed", what, "keep it: keyshoal sync brings what is missing"] {
                assert!(all.contains(word), "{what} {more:?}: {word}: {all}");
            }
            assert!(!all.contains("was removed"), "{what} {more:?}: {all}");
        }
        assert_eq!(stage.run_at(&new, &["instance", "show", "--json"]).out, before, "{what}");
        if change.contains(&text(&given)) {
            fine(&stage.run_at(&new, &["sync", "--yes"]));
            assert!(holds(&new, if what == "published" { "main" } else { "ops" }, GIVEN), "{what}");
        }
    }
}

#[test]
fn the_way_to_begin_anew_all_the_same_works_as_it_is_said() {
    let (stage, new) = old(Layout::JsonFile);
    cut_off(&stage, &new, &[]);
    let given = stage.path("given");
    fine(&stage.run_at(&new, &["rotate", PROFILE, "--yes", "--from-file", text(&given)]));
    let refused = said(&import(&stage, &new, &[]));
    assert!(refused.contains("keyshoal instance remove moved, then move"), "{refused}");
    fine(&stage.run(&["instance", "remove", "moved", "--yes"]));
    // Without the vault's word what the stores hold is still nowhere else.
    let half = import(&stage, &new, &[]);
    assert!(half.code == 1 && said(&half).contains("which the vault does not have"), "{}", half.err);
    std::fs::rename(&new, stage.path("aside")).unwrap();
    fine(&import(&stage, &new, &[]));
    assert!(holds(&new, "main", NEW) && holds(&stage.path("aside"), "main", GIVEN));
    fine(&stage.run_at(&new, &["status"]));
}

#[test]
fn what_nobody_can_tell_counts_as_changed() {
    let (stage, new) = old(Layout::JsonFile);
    cut_off(&stage, &new, &[]);
    let (aside, vault) = (stage.path("aside"), stage.path("another/vault.sqlite"));
    fine(&stage.run(&["--vault", text(&vault), "vault", "init"]));
    let in_another = said(&import(&stage, &new, &["--vault", text(&vault)]));
    assert!(in_another.contains("which is not the one at hand → --vault FILE names the one"), "{in_another}");
    // A copy: the vault's instance is that of the other directory.
    std::fs::rename(&new, &aside).unwrap();
    assert!(Command::new("cp").arg("-a").args([&aside, &new]).status().unwrap().success());
    let copied = said(&import(&stage, &new, &[]));
    assert!(
        copied.contains("copied or moved → keyshoal sync --adopt moved where it is the same"),
        "{copied}"
    );
    let adopted = stage.run_at(&new, &["sync", "--adopt", "new", "--yes", "--offline"]);
    assert_eq!(adopted.code, 2, "{}{}", adopted.out, adopted.err);
    let of_its_own = said(&import(&stage, &new, &[]));
    assert!(of_its_own.contains("it is an instance of its own by now → keep it: remove"), "{of_its_own}");
    std::fs::remove_dir_all(&new).unwrap();
    std::fs::rename(&aside, &new).unwrap();
    std::fs::create_dir_all(store(&new, "main").parent().unwrap()).unwrap();
    std::fs::write(store(&new, "main"), "{").unwrap();
    let unreadable = said(&import(&stage, &new, &[]));
    assert!(
        unreadable.contains("cannot be told") && unreadable.contains("auth-profiles.json"),
        "{unreadable}"
    );
    let list = stage.run(&["instance", "list", "--json"]).json();
    assert_eq!((list["instances"].as_array().unwrap().len(), new.exists()), (1, true), "{list}");
    std::fs::remove_file(store(&new, "main")).unwrap();
    fine(&import(&stage, &new, &[]));
}

#[test]
fn a_preview_of_the_next_one_says_that_it_begins_by_removing() {
    let (stage, new) = old(Layout::JsonFile);
    cut_off(&stage, &new, &[]);
    let from = stage.state_dir();
    let begins = "this one begins by removing what that had made there, and moved in the vault";
    for more in [&["--dry-run"] as &[&str], &[]] {
        let run = stage.run_at(&new, &[&["import", text(&from), "--name", "moved"], more].concat());
        assert!(run.code == 2 && said(&run).contains(begins), "{more:?}: {}{}", run.out, run.err);
        assert!(!run.out.contains("already"), "it is no obstacle to itself: {}", run.out);
        let words = [&["import", text(&from), "--name", "moved", "--json"], more].concat();
        let removes = json!({ "state_dir": new, "instance": "moved" });
        assert_eq!(stage.run_at(&new, &words).json()["removes"], removes, "{more:?}");
        assert!(new.join("openclaw.json").exists() && new.join(".keyshoal-import").exists(), "{more:?}");
    }
    // What cannot be made removes nothing.
    let other = stage.also("other", Layout::JsonFile, |sample| sample.api_key(StoreId::Base, PROFILE, NEW));
    fine(&stage.run_at(&other, &["instance", "add", "--name", "taken", "--offline", "--yes"]));
    let taken = stage.run_at(&new, &["import", text(&from), "--name", "taken", "--yes"]);
    assert!(taken.code == 2 && said(&taken).contains("there is an instance taken already"), "{}", taken.out);
    assert!(new.join("openclaw.json").exists() && new.join(".keyshoal-import").exists());
    let all = fine(&import(&stage, &new, &[]));
    assert!(all.contains(begins) && all.contains("was removed"), "{all}");
    let none =
        stage.run_at(&stage.path("third"), &["import", text(&from), "--name", "third", "-n", "--json"]);
    assert_eq!(none.json()["removes"], Value::Null);
}

#[test]
fn one_that_is_at_work_is_left_to_itself() {
    let (stage, new) = old(Layout::JsonFile);
    let child = begin(&stage, &new, &[]);
    let status = stage.run_at(&new, &["status"]);
    assert!(status.code == 2 && said(&status).contains("it is at work now"), "{}", status.out);
    for more in [&["--offline"] as &[&str], &["--check"]] {
        let run = import(&stage, &new, more);
        assert!(run.code == 1 && said(&run).contains("another import is at work in"), "{}", run.err);
    }
    let sync = stage.run_at(&new, &["sync", "--yes", "--offline", "--wait", "0"]);
    assert!(sync.code != 0 && new.join(".keyshoal-import").exists(), "{}{}", sync.out, sync.err);
    stage.emulator.hold(false);
    fine(&Run::ended(child.wait_with_output().unwrap()));
    assert!(!new.join(".keyshoal-import").exists());
    fine(&stage.run_at(&new, &["status"]));
}

#[test]
fn what_only_an_import_brings_no_sync_ends() {
    let (stage, new) = old(Layout::SharedRow);
    let killing = stage.path("killing");
    let script =
        "#!/bin/sh\ncase \"$*\" in --version) echo \"OpenClaw 2026.9.6\" ;; *) kill -9 $PPID ;; esac\n";
    std::fs::write(&killing, script).unwrap();
    std::fs::set_permissions(&killing, std::fs::Permissions::from_mode(0o755)).unwrap();
    // The login is not there yet.
    let more = ["--move-logins", "--openclaw", text(&killing)];
    assert_eq!(import(&stage, &new, &more).code, -1);
    for look in [&["status"] as &[&str], &["sync", "--yes", "--offline"]] {
        let run = stage.run_at(&new, look);
        assert!(run.code == 2 && said(&run).contains("which keyshoal sync does not mend"), "{}", run.out);
    }
    let program = program_for(&stage, &["academic"]);
    let more = ["--move-logins", "--openclaw", text(&program)];
    assert_eq!(stage.run_at(&new, &["agent", "disable", "ops", "--yes", "--offline"]).code, 2);
    let refused = import(&stage, &new, &more);
    let all = said(&refused);
    assert!(refused.code == 1 && all.contains("agent ops disabled"), "{all}");
    assert!(all.contains("see to gateway.bind and gateway.auth in its config"), "{all}");
    fine(&stage.run(&["instance", "remove", "moved", "--yes"]));
    std::fs::rename(&new, stage.path("aside")).unwrap();
    assert_eq!(import(&stage, &new, &["--move-logins", "--openclaw", text(&killing)]).code, -1);
    fine(&import(&stage, &new, &more));
    fine(&stage.run_at(&new, &["status"]));
}
