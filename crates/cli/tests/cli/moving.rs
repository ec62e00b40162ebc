//! `export`, `import`, `recipient`: from one machine to the preview on another.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

/// A drifted instance with a channel, a binding, a workspace and sessions.
fn furnished(layout: Layout) -> Stage {
    let own = |id: &str| StoreId::Agent(id.into());
    let login = json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
                        "expires": 4_000_000_000_000_i64, "email": "seeded@example.com" });
    let stage = Stage::with(layout, |sample| {
        sample
            .agent("stocks")
            .agent("ops")
            .agent("academic")
            .config(json!({
                "channels": { "telegram": { "botToken": GATEWAY } },
                "bindings": [{ "agentId": "stocks", "match": { "channel": "telegram" } }],
            }))
            .api_key(StoreId::Base, PROFILE, NEW)
            .profile(StoreId::Base, "openai-codex:me", login)
            .api_key(own("stocks"), PROFILE, OLD)
            .api_key(own("academic"), PROFILE, OWN)
    });
    let workspace = stage.state_dir().join("workspace-stocks");
    std::fs::create_dir_all(&workspace).unwrap();
    std::fs::write(workspace.join("notes.md"), "a note").unwrap();
    stage
}

fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut seen = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            seen.insert(path, Vec::new());
        } else {
            let bytes = std::fs::read(&path).unwrap();
            seen.insert(path, bytes);
        }
    }
    seen
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Exports with a code, and returns where the payload and the code are.
fn exported(stage: &Stage, more: &[&str]) -> (PathBuf, PathBuf) {
    let (to, code) = (stage.path("home.payload"), stage.path("code"));
    let arguments = [&["export", "--to", text(&to), "--code-file", text(&code)], more].concat();
    let run = stage.run(&arguments);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    (to, code)
}

fn holds_no_secret(run: &Run) {
    let all = format!("{}{}", run.out, run.err);
    for secret in SECRETS {
        assert!(!all.contains(&secret[secret.len() - 12..]), "{all}");
    }
}

#[test]
fn an_instance_of_every_layout_is_previewed_on_the_other_side() {
    for layout in LAYOUTS {
        let stage = furnished(layout);
        let before = tree(&stage.state_dir());
        let (to, code) = exported(&stage, &["--with-context"]);
        assert_eq!(
            before,
            tree(&stage.state_dir()),
            "{layout}: the source is untouched, and nothing is remembered of it"
        );
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        let run =
            stage.run(&["import", text(&to), "--code-file", text(&code), "--check", "--dry-run", "--json"]);
        holds_no_secret(&run);
        let plan = run.json();
        let ids =
            |list: &Value| list.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&plan["agents"]), ["main", "stocks", "ops", "academic"], "{layout}");
        assert_eq!(plan["overrides"][0]["agent"], "academic", "{layout}: an accepted value is kept");
        assert_eq!(plan["dropped"][0]["agents"], json!(["stocks"]), "{layout}: a rejected one is dropped");
        assert_eq!(plan["dropped"][0]["why"], "stale");
        assert_eq!(plan["questions"], json!([]));
        assert_eq!(plan["shared"].as_array().unwrap().len(), 2);
        assert_eq!((&plan["bindings"], &plan["channels"]), (&json!(1), &json!(["telegram"])));
        assert_eq!(plan["files"]["count"], 1);
        assert_eq!((run.code, &plan["applied"]), (0, &json!(false)));
    }
}

#[test]
fn without_asking_what_differs_is_in_question() {
    let stage = furnished(Layout::SharedRow);
    let (to, code) = exported(&stage, &[]);
    let run = stage.run(&["import", text(&to), "--code-file", text(&code), "--dry-run"]);
    holds_no_secret(&run);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    for said in ["stocks", "academic", "keep it for them?", "workspace of stocks", "sign in", "1 binding"] {
        assert!(run.out.contains(said), "{said}: {}", run.out);
    }
    // Values are told apart by what stays the same from one look to the next.
    let again = stage.run(&["import", text(&to), "--code-file", text(&code), "--dry-run"]);
    assert_eq!(run.out, again.out);
    for said in ["of stocks: value 2 (", "of academic: value 3 (", "where all share value 1 ("] {
        assert!(run.out.contains(said), "{said}: {}", run.out);
    }
    let asked = stage.run(&["import", text(&to), "--code-file", text(&code)]);
    assert_eq!(asked.code, 2, "nobody is there to agree: {}", asked.err);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    let left =
        std::fs::read_dir(stage.path(".config/keyshoal/drafts")).map(Iterator::count).unwrap_or_default();
    assert_eq!(left, 0, "no draft is left");
}

#[test]
fn a_copied_directory_is_read_as_it_is() {
    for layout in LAYOUTS {
        let stage = furnished(layout);
        let before = tree(&stage.state_dir());
        let run = stage.run(&["import", text(&stage.state_dir()), "--dry-run", "--json"]);
        holds_no_secret(&run);
        assert_eq!(run.json()["sealed"], "directory", "{layout}: {}", run.err);
        assert_eq!(run.json()["agents"].as_array().unwrap().len(), 4, "{layout}");
        let moved = stage.run(&["import", text(&stage.state_dir()), "--dry-run", "--move-logins"]);
        holds_no_secret(&moved);
        assert!(moved.out.contains("must not run any more"), "{layout}: {}{}", moved.out, moved.err);
        assert_eq!(before, tree(&stage.state_dir()), "{layout}");
    }
}

/// Everything of a directory that is copied elsewhere, links apart.
fn copy(from: &Path, to: &Path) {
    for (path, bytes) in tree(from) {
        let place = to.join(path.strip_prefix(from).unwrap());
        match path.is_dir() {
            true => std::fs::create_dir_all(place).unwrap(),
            false => std::fs::write(place, bytes).unwrap(),
        }
    }
}

#[test]
fn what_a_copys_config_names_in_the_directory_that_it_was_copied_from_moves_or_is_told() {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        sample.agent("stocks").api_key(StoreId::Base, PROFILE, NEW).api_key(
            StoreId::Agent("stocks".into()),
            PROFILE,
            OWN,
        )
    });
    let (old, copied) = (stage.state_dir(), stage.path("backup/copied"));
    let config: Value =
        serde_json::from_str(&std::fs::read_to_string(old.join("openclaw.json")).unwrap()).unwrap();
    let mut named = config;
    named["agents"]["defaults"]["workspace"] = json!(old.join("workspace"));
    named["logging"] = json!({ "file": old.join("logs/all.log") });
    named["skills"] = json!({ "load": { "extraDirs": [old.join("agents/skills")] } });
    named["agents"]["list"] = json!([{ "id": "main", "default": true }, {
        "id": "stocks", "workspace": old.join("workspace-stocks"), "agentDir": old.join("agents/stocks/agent")
    }]);
    std::fs::write(old.join("openclaw.json"), named.to_string()).unwrap();
    copy(&old, &copied);
    // What is left there is not the copy's.
    std::fs::remove_dir_all(old.join("agents")).unwrap();

    let new = stage.path("new");

    let dry = stage.run_at(&new, &["import", text(&copied), "--dry-run", "--offline"]);
    holds_no_secret(&dry);
    let stays = format!("skills.load.extraDirs[0] is {} and stays so", old.join("agents/skills").display());
    let said: Vec<&str> = dry.out.split_whitespace().collect();
    assert!(said.join(" ").contains(&stays), "{}{}", dry.out, dry.err);
    assert!(dry.err.contains("was copied from"), "{}", dry.err);
    assert!(dry.out.contains("stocks"), "{}", dry.out);
    let run = stage.run_at(&new, &["import", text(&copied), "--yes", "--offline"]);
    holds_no_secret(&run);
    let made: Value =
        serde_json::from_str(&std::fs::read_to_string(new.join("openclaw.json")).unwrap()).unwrap();
    assert_eq!(
        made["agents"]["defaults"]["workspace"],
        json!(new.join("workspace")),
        "{}{}",
        run.out,
        run.err
    );
    assert_eq!(made["agents"]["list"][1]["workspace"], json!(new.join("workspace-stocks")));
    assert_eq!(made["agents"]["list"][1]["agentDir"], Value::Null);
    assert_eq!(made["logging"]["file"], json!(new.join("logs/all.log")));
    let own = std::fs::read_to_string(new.join("agents/stocks/agent/auth-profiles.json")).unwrap();
    assert!(own.contains(OWN), "what stocks has of its own came from the copy");
}

#[test]
fn text_goes_through_pipes() {
    let stage = furnished(Layout::JsonFile);
    let code = stage.path("code");
    let sent = stage.run(&["export", "--to", "-", "--text", "--code-file", text(&code)]);
    holds_no_secret(&sent);
    assert!(sent.out.starts_with("-----BEGIN KEYSHOAL PAYLOAD-----\n"), "{}", sent.err);
    let run = stage.run_with(&["import", "-", "--code-file", text(&code), "--dry-run", "--json"], &sent.out);
    assert_eq!(run.json()["sealed"], "code", "{}", run.err);
    let bytes = stage.command(&["export", "--to", "-", "--clear", "--yes"]).output().unwrap().stdout;
    let read = stage.command(&["import", "-", "--dry-run", "--json"]).write_stdin(bytes).output().unwrap();
    let document: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(document["sealed"], "clear");
}

#[test]
fn a_recipient_alone_opens_what_is_for_it() {
    let stage = furnished(Layout::SharedRow);
    assert_eq!(stage.run(&["recipient", "show"]).code, 1, "there is no key yet");
    let key = stage.run(&["recipient", "new"]).out;
    assert_eq!(key, stage.run(&["recipient", "show"]).out);
    assert_eq!(key, stage.run(&["recipient", "new"]).out, "a key is made once");
    let to = stage.path("for-us");
    assert_eq!(stage.run(&["export", "--to", text(&to), "--recipient", key.trim()]).code, 0);
    let run = stage.run(&["import", text(&to), "--dry-run", "--json"]);
    assert_eq!(run.json()["sealed"], "recipient", "{}", run.err);
    let other = stage.path("other");
    let made = stage.run(&["recipient", "new", "--keys-dir", text(&other)]);
    assert_eq!(made.code, 0, "{}", made.err);
    let file = other.join("recipient.key");
    let run = stage.run(&["import", text(&to), "--recipient-key", text(&file), "--dry-run"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("sealed for recipient"), "{}", run.err);
}

#[test]
fn nothing_is_overwritten_and_nothing_half_is_left() {
    let stage = furnished(Layout::JsonFile);
    let (to, code) = exported(&stage, &[]);
    let again = stage.run(&["export", "--to", text(&to), "--code-file", text(&stage.path("code2"))]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("does not exist yet"), "{}", again.err);
    let bytes = std::fs::read(&to).unwrap();
    for damaged in [&bytes[..bytes.len() - 1], &[&bytes[..], b"x"].concat(), b"nonsense", b""] {
        std::fs::write(&to, damaged).unwrap();
        let run = stage.run(&["import", text(&to), "--code-file", text(&code), "--yes"]);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    }
    std::fs::write(stage.path("wrong"), "0000-0000-0000-0000-0000-0000-0000-0001").unwrap();
    std::fs::write(&to, &bytes).unwrap();
    let run = stage.run(&["import", text(&to), "--code-file", text(&stage.path("wrong"))]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("code"), "{}", run.err);
    let path = stage.state_dir().join("agents/stocks/agent/auth-profiles.json");
    std::fs::write(&path, "{\"version\":").unwrap();
    let run = stage.run(&["export", "--to", text(&stage.path("never")), "--clear", "--yes"]);
    assert_eq!(run.code, 1, "a store that cannot be read is no empty one");
    assert!(!stage.path("never").exists());
}

#[test]
fn who_cannot_be_asked_says_it_beforehand() {
    let stage = furnished(Layout::JsonFile);
    let to = stage.path("p");
    for (arguments, said) in [
        (vec!["export", "--to", text(&to)], "--code-file"),
        (vec!["export", "--to", text(&to), "--clear"], "--yes"),
        (vec!["export", "--to", text(&to), "--clear", "--recipient", "x"], "cannot be used"),
        (vec!["export", "--to", text(&to), "--recipient", "x"], "begins with keyshoal-recipient-1-"),
        (vec!["export", "--to", "-", "--json", "--clear", "--yes"], "--to FILE"),
        (vec!["import", file!(), "--move-logins"], "for a state directory"),
    ] {
        let run = stage.run(&arguments);
        assert_eq!((run.code, to.exists()), (64, false), "{arguments:?}: {}{}", run.out, run.err);
        assert!(run.err.contains(said) || run.out.contains(said), "{arguments:?}: {}{}", run.out, run.err);
    }
}

#[test]
fn refresh_tokens_come_along_only_when_the_logins_move() {
    let stage = furnished(Layout::SharedRow);
    for (name, more, along) in [("stay", &[][..], false), ("move", &["--move-logins"][..], true)] {
        let to = stage.path(name);
        let run = stage.run(&[&["export", "--to", text(&to), "--clear", "--yes"], more].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        let bytes = std::fs::read(&to).unwrap();
        let there = bytes.windows(REFRESH.len()).any(|window| window == REFRESH.as_bytes());
        assert_eq!(there, along, "{name}");
        assert_eq!(run.err.contains("must not run any more"), along, "{}", run.err);
    }
}

/// Calls `visit` with every key of a document.
fn keys(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                visit(key);
                keys(value, visit);
            }
        }
        Value::Array(all) => all.iter().for_each(|one| keys(one, visit)),
        _ => {}
    }
}

#[test]
fn the_documents_are_described() {
    let stage = furnished(Layout::SharedRow);
    let (to, code, clear) = (stage.path("a"), stage.path("c"), stage.path("b"));
    let described = include_str!("../../../../docs/documents.md");
    for (arguments, schema) in [
        (
            vec!["export", "--to", text(&to), "--code-file", text(&code), "--with-context"],
            "keyshoal.export.v1",
        ),
        (vec!["export", "--to", text(&clear), "--clear", "--yes"], "keyshoal.export.v1"),
        (vec!["import", text(&to), "--code-file", text(&code), "--dry-run"], "keyshoal.import.v1"),
        (vec!["import", text(&clear), "--check", "--dry-run"], "keyshoal.import.v1"),
        (vec!["recipient", "new"], "keyshoal.recipient.v1"),
    ] {
        let run = stage.run(&[arguments.clone(), vec!["--json"]].concat());
        holds_no_secret(&run);
        let document = run.json();
        assert_eq!(document["schema"], schema, "{}", run.err);
        assert!(described.contains(&format!("`{schema}`")), "docs/documents.md says nothing of {schema}");
        keys(&document, &mut |key| {
            assert!(
                described.contains(&format!("`{key}`")),
                "docs/documents.md says nothing of {key} ({schema})"
            );
        });
    }
}

#[test]
fn an_export_that_is_refused_leaves_no_code_behind() {
    let stage = furnished(Layout::JsonFile);
    let (to, code) = (stage.path("there"), stage.path("code"));
    std::fs::write(&to, "mine").unwrap();
    let nowhere = stage.path("nowhere/home.payload");
    for place in [&to, &nowhere] {
        let run = stage.run(&["export", "--to", text(place), "--code-file", text(&code)]);
        assert_eq!((run.code, code.exists()), (1, false), "{}{}", run.out, run.err);
    }
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "mine");
    // Standard output that takes nothing.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(["export", "--to", "-", "--code-file", text(&code)])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!((run.status.code(), code.exists()), (Some(1), false));
    // A code that is somebody's already is not ours to remove.
    std::fs::write(&code, "mine").unwrap();
    let run = stage.run(&["export", "--to", text(&stage.path("new")), "--code-file", text(&code)]);
    assert_eq!((run.code, std::fs::read_to_string(&code).unwrap().as_str()), (1, "mine"), "{}", run.err);
    assert!(!stage.path("new").exists());
}

#[test]
fn a_directory_that_holds_nothing_of_openclaw_makes_no_instance() {
    let stage = furnished(Layout::JsonFile);
    let other = stage.path("other");
    std::fs::create_dir_all(other.join("conf.d")).unwrap();
    std::fs::write(other.join("hosts"), "").unwrap();
    let target = stage.path("target");
    for more in ["--yes", "--dry-run"] {
        let run = stage.run_at(&target, &["import", text(&other), more]);
        assert_eq!(run.code, 1, "{}{}", run.out, run.err);
        for said in [text(&other), "openclaw.json", "agents", "state/openclaw.sqlite"] {
            assert!(run.err.contains(said), "{said}: {}", run.err);
        }
        assert!(!target.exists() && !stage.path(".local/share/keyshoal/vault.sqlite").exists());
    }
    // Whoever names the home in place of the state directory is told which is meant.
    std::fs::create_dir_all(other.join(".openclaw/agents")).unwrap();
    let run = stage.run_at(&target, &["import", text(&other), "--yes"]);
    let right = other.join(".openclaw");
    assert!(run.code == 1 && run.err.contains(text(&right)), "{}", run.err);
}
