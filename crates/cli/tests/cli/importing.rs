//! `import`, all of it: from a payload to an installation that a vault looks after.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample::Installation as Sample;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The agents that keep a key of their own.
const OWNERS: [&str; 3] = ["agent-03", "agent-11", "agent-19"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Twenty agents besides main: three with keys of their own, one with an old workspace, one with a store elsewhere.
fn twenty(layout: Layout) -> Stage {
    let stage = Stage::with(layout, |mut sample| {
        for at in 0..20 {
            sample = sample.agent(&format!("agent-{at:02}"));
        }
        for owner in OWNERS {
            sample = sample.api_key(StoreId::Agent(owner.into()), PROFILE, OWN);
        }
        sample.api_key(StoreId::Base, PROFILE, NEW)
    });
    let config = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    let workspace = stage.state_dir().join("workspace-five");
    let elsewhere = stage.path("elsewhere/agent");
    let (five, six) = match value.pointer("/agents/entries") {
        Some(_) => ("/agents/entries/agent-05", "/agents/entries/agent-06"),
        None => ("/agents/list/6", "/agents/list/7"),
    };
    value.pointer_mut(five).unwrap()["workspace"] = json!(workspace);
    value.pointer_mut(six).unwrap()["agentDir"] = json!(elsewhere);
    value["logging"] = json!({ "file": stage.state_dir().join("logs/gateway.jsonl") });
    value["browser"] = json!({ "executablePath": stage.state_dir().join("tools/chrome") });
    std::fs::write(&config, serde_json::to_string_pretty(&value).unwrap()).unwrap();
    std::fs::write(stage.state_dir().join(".env"), "SOME_VARIABLE='it is # so'\n").unwrap();
    std::fs::create_dir_all(&workspace).unwrap();
    std::fs::write(workspace.join("notes.md"), "a note").unwrap();
    stage
}

fn exported(stage: &Stage) -> (PathBuf, PathBuf) {
    let (to, code) = (stage.path("home.payload"), stage.path("code"));
    let run = stage.run(&["export", "--to", text(&to), "--code-file", text(&code), "--with-context"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    (to, code)
}

fn imported(stage: &Stage, to: &Path, more: &[&str]) -> Run {
    let (payload, code) = (stage.path("home.payload"), stage.path("code"));
    let arguments = [&["import", text(&payload), "--code-file", text(&code), "--yes"], more].concat();
    let run = stage.run_at(to, &arguments);
    let all = format!("{}{}", run.out, run.err);
    for secret in SECRETS {
        assert!(!all.contains(&secret[secret.len() - 12..]), "{all}");
    }
    run
}

fn modes_are_private(below: &Path) {
    let mut open = vec![below.to_owned()];
    while let Some(path) = open.pop() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

fn instances(stage: &Stage) -> Vec<Value> {
    let list = stage.run(&["instance", "list", "--json"]);
    list.json()["instances"].as_array().unwrap().clone()
}

#[test]
fn twenty_agents_move_into_an_empty_directory() {
    for layout in [Layout::JsonFile, Layout::JsonWithState] {
        let stage = twenty(layout);
        exported(&stage);
        let new = stage.path("new/.openclaw");
        let backup = stage.path("first.backup");
        let run = imported(
            &stage,
            &new,
            &["--name", "moved", "--watch-service", "--backup", text(&backup), "--json"],
        );
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        let made = &run.json()["made"];
        let described = include_str!("../../../../docs/documents.md");
        for key in made.as_object().unwrap().keys() {
            assert!(described.contains(&format!("`{key}`")), "docs/documents.md says nothing of {key}");
        }
        assert_eq!((&run.json()["applied"], &made["proven"]), (&json!(true), &json!(true)), "{layout}");
        assert_eq!(
            (&made["waits"], &made["attention"], &made["readable_by_others"]),
            (&json!([]), &json!([]), &json!([]))
        );
        assert_eq!(
            (&made["bind"], &made["token"], &made["files"]),
            (&json!("loopback"), &json!("kept"), &json!(1))
        );
        assert_eq!((&made["watch"], backup.exists()), (&json!(true), true));
        modes_are_private(&new);
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(new.join("openclaw.json")).unwrap()).unwrap();
        assert_eq!(
            config["gateway"],
            json!({ "auth": { "token": GATEWAY, }, "port": 1, "mode": "local", "bind": "loopback" })
        );
        assert_eq!(config["agents"]["list"][6]["workspace"], text(&new.join("workspace-five")));
        assert_eq!(config["agents"]["list"][7].get("agentDir"), None);
        // What has an obvious new place moves; of what has none a person was told.
        assert_eq!(config["logging"]["file"], text(&new.join("logs/gateway.jsonl")));
        let chrome = stage.state_dir().join("tools/chrome");
        assert_eq!(config["browser"]["executablePath"], text(&chrome));
        let warned = run.json()["warnings"].to_string();
        let old = stage.state_dir().join("logs/gateway.jsonl");
        for said in [
            format!("logging.file ({}) moves", text(&old)),
            format!("browser.executablePath is {} and stays so", text(&chrome)),
        ] {
            assert!(warned.contains(&said), "{said}: {warned}");
        }
        assert_eq!(warned.matches("agents.list").count(), 0, "{warned}");
        assert_eq!(std::fs::read_to_string(new.join("workspace-five/notes.md")).unwrap(), "a note");
        assert_eq!(std::fs::read_to_string(new.join(".env")).unwrap(), "SOME_VARIABLE='it is # so'\n");
        let status = stage.run_at(&new, &["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: {}{}", status.out, status.err);
        for owner in OWNERS {
            let store = new.join(format!("agents/{owner}/agent/auth-profiles.json"));
            assert!(std::fs::read_to_string(store).unwrap().contains(OWN), "{layout}: {owner}");
        }
        let main = std::fs::read_to_string(new.join("agents/main/agent/auth-profiles.json")).unwrap();
        assert!(main.contains(NEW));
        let artifacts = stage.run_at(&new, &["artifacts", "--list", "--json"]);
        assert_eq!(artifacts.code, 0, "{layout}: {}", artifacts.out);

        let again = imported(&stage, &new, &["--name", "other"]);
        assert_eq!(again.code, 1);
        assert!(again.err.contains("keyshoal instance add"), "{}", again.err);
        let same = imported(&stage, &stage.path("third"), &["--name", "moved"]);
        assert_eq!((same.code, stage.path("third").exists()), (2, false), "{}{}", same.out, same.err);
        assert_eq!(instances(&stage).len(), 1);
    }
}

/// A program that says that it is 2026.9.6, makes databases as that does, and keeps what it was called with.
pub fn program_for(stage: &Stage, owners: &[&str]) -> PathBuf {
    let template = stage.path("template");
    let agents = owners.iter().fold(Sample::new(Layout::SharedRow), |sample, id| sample.agent(id));
    agents.write(&template).unwrap();
    let program = stage.path("bin/openclaw");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    let script = format!(
        r#"#!/bin/sh
umask 077
echo "$@" >> '{log}'
case "$*" in
  --version) echo "OpenClaw 2026.9.6 (0000000)" ;;
  *paste-api-key*) cat > '{stdin}'; mkdir -p "$OPENCLAW_STATE_DIR/state"; cp -R '{template}/state/.' "$OPENCLAW_STATE_DIR/state" ;;
  *"order clear"*)
    for agent; do :; done
    mkdir -p "$OPENCLAW_STATE_DIR/agents/$agent"; cp -R '{template}/agents/'"$agent/." "$OPENCLAW_STATE_DIR/agents/$agent" ;;
  *) exit 1 ;;
esac
"#,
        log = text(&stage.path("called")),
        stdin = text(&stage.path("stdin")),
        template = text(&template),
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn program(stage: &Stage) -> PathBuf {
    program_for(stage, &OWNERS)
}

#[test]
fn openclaw_makes_its_own_databases_and_gets_no_secret_as_an_argument() {
    let stage = twenty(Layout::SharedRow);
    exported(&stage);
    let new = stage.path("new");
    let program = program(&stage);
    let run = imported(&stage, &new, &["--openclaw", text(&program), "--json"]);
    let made = &run.json()["made"];
    assert_eq!(run.code, 0, "{made:#}{}", run.err);
    assert_eq!(
        (&made["waits"], &made["notes"], &made["proven"]),
        (&json!([]), &json!([]), &json!(true)),
        "{made:#}"
    );
    assert_eq!(made["openclaw_version"], "2026.9.6");
    let called = std::fs::read_to_string(stage.path("called")).unwrap();
    assert_eq!(called.lines().count(), 2 + OWNERS.len(), "{called}");
    assert!(!called.contains("sk-"), "{called}");
    assert_eq!(std::fs::read_to_string(stage.path("stdin")).unwrap(), format!("{NEW}\n"));
    let status = stage.run_at(&new, &["status", "--json"]);
    assert_eq!(status.code, 0, "{}{}", status.out, status.err);
    let artifacts = stage.run_at(&new, &["artifacts", "--list", "--json"]);
    assert_eq!(artifacts.code, 0, "{}", artifacts.out);
    let vault = stage.path("other-vault/vault.sqlite");
    let arguments = ["--name", "other", "--openclaw", "/bin/false", "--vault", text(&vault)];
    let refused = imported(&stage, &stage.path("other"), &arguments);
    assert_eq!((refused.code, stage.path("other").exists()), (1, false), "{}", refused.err);
    assert!(!vault.exists(), "a vault was made for nothing");
}

#[test]
fn without_the_program_everything_of_its_databases_waits_and_is_delivered_later() {
    let stage = twenty(Layout::SharedRow);
    exported(&stage);
    let new = stage.path("new");
    let run = imported(&stage, &new, &["--offline", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let made = &run.json()["made"];
    assert_eq!(
        (made["writes"].as_u64(), made["waits"].as_array().map(Vec::len)),
        (Some(0), Some(1 + OWNERS.len()))
    );
    assert!(
        !new.join("state").exists() && !new.join("agents/agent-03/agent").exists(),
        "no database is made by us"
    );
    // What all share is the source, and what waits for one agent is its own.
    let listed = stage.run_at(&new, &["artifacts", "--list", "--json"]).json();
    let print = |agent: &str| {
        let all = listed["agents"].as_array().unwrap();
        let one = all.iter().find(|one| one["agent"] == agent).unwrap();
        one["artifacts"][0]["fingerprint"].as_str().unwrap()[..8].to_owned()
    };
    let status = stage.run_at(&new, &["status"]).out;
    let line = |begin: &str| status.lines().find(|line| line.trim_start().starts_with(begin)).unwrap();
    assert!(line("(source)").contains(&print("main")), "{status}");
    assert!(line("agent-03").contains(&print("agent-03")), "{status}");
    let program = program(&stage);
    for arguments in [vec!["models", "auth", "paste-api-key"], vec!["order clear", "agent-03"]] {
        let ran =
            std::process::Command::new(&program).args(arguments).env("OPENCLAW_STATE_DIR", &new).status();
        assert!(ran.unwrap().success());
    }
    let sync = stage.run_at(&new, &["sync", "--yes", "--offline"]);
    assert_eq!(sync.code, 0, "{}{}", sync.out, sync.err);
    let artifacts = stage.run_at(&new, &["artifacts", "--list", "--json"]).json();
    let waiting = artifacts.to_string().matches("\"pending\"").count();
    assert_eq!(waiting, OWNERS.len() - 1, "{artifacts:#}");
}

#[test]
fn what_fails_leaves_neither_an_instance_nor_files() {
    let stage = twenty(Layout::JsonFile);
    exported(&stage);
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let before = instances(&stage).len();
    // A file where a directory has to be: before anything, and in the middle of it.
    let file = stage.path("file");
    std::fs::write(&file, "").unwrap();
    let run = imported(&stage, &file.join("new"), &[]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    // A workspace that is there already: the config and the variables are written by then.
    let new = stage.path("used");
    std::fs::create_dir_all(new.join("workspace-five")).unwrap();
    std::fs::write(new.join("workspace-five/mine.md"), "mine").unwrap();
    let run = imported(&stage, &new, &[]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("taken back"), "{}", run.err);
    let left: Vec<_> = std::fs::read_dir(&new).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["workspace-five"]);
    assert_eq!(std::fs::read_to_string(new.join("workspace-five/mine.md")).unwrap(), "mine");
    // A config that must not be written: the instance is in the vault by then.
    let late = stage.path("late/new");
    let (payload, code) = (stage.path("home.payload"), stage.path("code"));
    let arguments =
        ["--state-dir", text(&late), "import", text(&payload), "--code-file", text(&code), "--yes"];
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_keyshoal"));
    command.env_clear().env("HOME", stage.path("")).env("OPENCLAW_CONFIG_READONLY", "1").args(arguments);
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("taken back"), "{err}");
    assert!(!late.exists() && !stage.path("late").exists());
    // No vault at the place where one is named.
    let run = imported(&stage, &stage.path("gone"), &["--vault", text(&file.join("vault.sqlite"))]);
    assert_eq!((run.code, stage.path("gone").exists()), (1, false), "{}{}", run.out, run.err);
    assert_eq!(instances(&stage).len(), before);
    assert!(!stage.path(".config/keyshoal/drafts").exists(), "what fails leaves no directory behind");
}

#[test]
fn an_import_that_was_killed_is_taken_back_by_the_next_one() {
    let stage = twenty(Layout::SharedRow);
    exported(&stage);
    let new = stage.path("new");
    let killing = stage.path("killing");
    let script = r#"#!/bin/sh
case "$*" in
  --version) echo "OpenClaw 2026.9.6" ;;
  *) mkdir "$OPENCLAW_STATE_DIR/logs"; : > "$OPENCLAW_STATE_DIR/config-journal-fingerprint.key"; kill -9 $PPID ;;
esac
"#;
    std::fs::write(&killing, script).unwrap();
    std::fs::set_permissions(&killing, std::fs::Permissions::from_mode(0o755)).unwrap();
    let killed = imported(&stage, &new, &["--openclaw", text(&killing)]);
    assert_eq!(
        (killed.code, instances(&stage).len()),
        (-1, 1),
        "it was in the vault by then: {}",
        killed.err
    );
    assert!(new.join("openclaw.json").exists());
    let drafts = stage.path(".config/keyshoal/drafts");
    assert!(drafts.exists(), "whoever is killed cleans nothing");
    for look in ["status", "recover"] {
        let run = stage.run_at(&new, &[look]);
        let said: Vec<&str> = run.out.split_whitespace().collect();
        assert_eq!(run.code, 2, "{look}: {}{}", run.out, run.err);
        assert!(said.join(" ").contains("has not ended") && !run.out.contains('✓'), "{look}: {}", run.out);
    }
    // Who has used it since is not robbed of it.
    std::fs::write(new.join("devices"), "").unwrap();
    let refused = imported(&stage, &new, &[]);
    assert_eq!((refused.code, instances(&stage).len()), (1, 1), "{}", refused.err);
    assert!(refused.err.contains("devices"), "{}", refused.err);
    std::fs::remove_file(new.join("devices")).unwrap();
    let program = program(&stage);
    let again = imported(&stage, &new, &["--openclaw", text(&program)]);
    assert_eq!((again.code, instances(&stage).len()), (0, 1), "{}{}", again.out, again.err);
    assert!(!new.join(".keyshoal-import").exists() && !drafts.exists());
    let status = stage.run_at(&new, &["status"]);
    assert_eq!(status.code, 0, "{}{}", status.out, status.err);
}

#[test]
fn what_an_import_says_that_it_did_has_happened() {
    let stage = twenty(Layout::SharedRow);
    exported(&stage);
    // Without OpenClaw's program there is no store to write into.
    let run = imported(&stage, &stage.path("new"), &[]);
    assert!(run.out.contains("its word counts in") && run.out.contains("… waits: "), "{}", run.out);
    assert!(!run.out.contains("into stores and read back"), "{}", run.out);
}

#[test]
fn why_openclaw_makes_no_store_is_said_in_its_own_words_and_without_the_key() {
    let stage = twenty(Layout::SharedRow);
    exported(&stage);
    let program = stage.path("refusing");
    // As 2026.9.6 says it, and as one that breaks off does.
    let told = [
        r"echo '[openclaw] The CLI command failed.' >&2; printf '\033[31m[openclaw] Reason: a gateway is running (given %s, …%s)\033[0m\n' $key $tail >&2; \
          echo '[openclaw] Help: openclaw --help' >&2",
        r"printf 'Error: a gateway is running (given %s, …%s)\n    at main (file:///usr/lib/entry.js:1:1)\n' $key $tail >&2",
    ];
    for (at, told) in told.into_iter().enumerate() {
        let script = format!(
            r#"#!/bin/sh
case "$*" in
  --version) echo "OpenClaw 2026.9.6 (0000000)" ;;
  *) read -r key; tail=$(printf %s "$key" | tail -c 12); echo "some talk before"; {told}; exit 1 ;;
esac
"#
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let name = format!("new-{at}");
        let run = imported(&stage, &stage.path(&name), &["--openclaw", text(&program), "--name", &name]);
        let said = format!("{}{}", run.out, run.err).replace("\n", " ");
        assert!(said.contains("a gateway is running (given (redacted)"), "{said}");
        for not in ["entry.js", "openclaw --help", "some talk", "\x1b"] {
            assert!(!said.contains(not), "{not}: {said}");
        }
    }
}

#[test]
fn what_openclaw_refuses_of_an_earlier_config_is_named_with_its_own_command() {
    let stage = twenty(Layout::JsonFile);
    let config = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    value["meta"] = json!({ "lastTouchedVersion": "2026.3.28", "lastTouchedAt": "2026-11-22T10:19:59.262Z" });
    value["gateway"]["reload"] = json!({ "debounceMs": 500 });
    std::fs::write(&config, value.to_string()).unwrap();
    exported(&stage);
    let program = stage.path("openclaw");
    // As 2026.9.6 says it, which refuses what else needs the config likewise.
    let script = r#"#!/bin/sh
case "$*" in
  --version) echo "OpenClaw 2026.9.6 (0000000)" ;;
  "config validate --json")
    grep -q lastTouchedAt "$OPENCLAW_CONFIG_PATH" && touched='{ "path": "meta", "message": "Unrecognized key: \"lastTouchedAt\"" },'
    echo '{ "valid": false, "issues": [ '"$touched"' { "path": "gateway.reload", "message": "Unrecognized key: \"debounceMs\"" } ] }'
    exit 1 ;;
  *) echo "OpenClaw config is invalid" >&2; exit 1 ;;
esac
"#;
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (payload, code) = (stage.path("home.payload"), stage.path("code"));
    let looked = ["import", text(&payload), "--code-file", text(&code), "--openclaw", text(&program), "-n"];
    let looked = stage.run(&looked);
    assert!(
        looked.out.replace("\n   ", "").contains("openclaw doctor --fix"),
        "{}{}",
        looked.out,
        looked.err
    );
    let new = stage.path("new");
    let run = imported(&stage, &new, &["--openclaw", text(&program), "--json"]);
    let attention = run.json()["made"]["attention"].clone();
    let said = attention[0].as_str().unwrap_or_default();
    for word in
        ["OpenClaw 2026.9.6 refuses", "2026.3.28", "(gateway.reload.debounceMs)", "openclaw doctor --fix"]
    {
        assert!(said.contains(word), "{word}: {attention:#}{}", run.err);
    }
    assert_eq!((run.code, attention.as_array().unwrap().len()), (2, 1), "{attention:#}");
}

/// The directory is free: what is in the way is a variable that has its config lie elsewhere.
#[test]
fn a_variable_that_names_another_config_is_named_with_the_way_out() {
    let stage = Stage::calm(Layout::JsonFile);
    let (payload, code) = exported(&stage);
    let (new, taken) = (stage.path("new"), stage.state_dir().join("openclaw.json"));
    let arguments = ["import", text(&payload), "--code-file", text(&code), "--yes", "--offline"];
    let refused = stage.command_at(&new, &arguments).env("OPENCLAW_CONFIG_PATH", &taken).output().unwrap();
    let refused = Run::ended(refused);
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    for said in [
        "OPENCLAW_CONFIG_PATH names a config that is there already",
        text(&taken),
        "env -u OPENCLAW_CONFIG_PATH",
    ] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    assert!(!refused.err.contains("--state-dir DIR") && !new.exists(), "{}", refused.err);
    let done = stage.run_at(&new, &arguments);
    assert!(done.code == 0 && new.join("openclaw.json").exists(), "{}{}", done.out, done.err);
    // What is in the directory itself is another matter.
    let occupied = stage.run_at(&new, &[&arguments as &[&str], &["--name", "again"]].concat());
    assert!(occupied.code == 1 && occupied.err.contains("--state-dir DIR"), "{}", occupied.err);
}
