//! `export` of an instance with a vault, and `import`: what only the vault had is there again.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn done(stage: &Stage, arguments: &[&str]) -> Run {
    let run = stage.run(arguments);
    assert!(run.code == 0 || run.code == 2, "{arguments:?}: {}{}", run.out, run.err);
    run
}

/// An instance whose vault has more than the installation: ops is disabled, goes before academic and has a key of its own, night has one that waits for its
/// database, and academic's was given with a reason.
fn vaulted(layout: Layout) -> Stage {
    let own = |id: &str| StoreId::Agent(id.into());
    let stage = Stage::with(layout, |sample| {
        sample
            .agent("ops")
            .agent("academic")
            .api_key(StoreId::Base, PROFILE, NEW)
            .api_key(own("academic"), PROFILE, OWN)
            .config(json!({ "bindings": [
                { "agentId": "ops", "match": { "channel": "telegram" } },
                { "agentId": "academic", "match": { "channel": "telegram" } },
            ] }))
    });
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let override_of = |agent: &str, why: &str| {
        let run = done(
            &stage,
            &["credential", "override", agent, PROFILE, "--yes", "--from-file", text(&key), "--why", why],
        );
        assert!(!run.err.contains("error"), "{}", run.err);
    };
    done(&stage, &["vault", "init"]);
    done(&stage, &["instance", "add", "--yes"]);
    override_of("ops", "a budget of its own");
    done(&stage, &["agent", "disable", "ops", "--yes"]);
    done(&stage, &["agent", "add", "night", "--yes"]);
    override_of("night", "at night only");
    stage
}

/// Exports it and imports it elsewhere, into a vault of its own. Returns where.
fn moved(stage: &Stage) -> (PathBuf, Value, Value) {
    let (to, code, new) = (stage.path("home.payload"), stage.path("code"), stage.path("new"));
    let export =
        done(stage, &["export", "--to", text(&to), "--code-file", text(&code), "--with-context", "--json"]);
    let vault = stage.path("elsewhere/vault.sqlite");
    let sealed = std::fs::read(&to).unwrap();
    let preview = stage.run_at(
        &new,
        &["import", text(&to), "--code-file", text(&code), "--dry-run", "--vault", text(&vault), "--json"],
    );
    let run = stage.run_at(
        &new,
        &["import", text(&to), "--code-file", text(&code), "--yes", "--vault", text(&vault), "--offline"],
    );
    assert!(run.code == 0, "{}{}", run.out, run.err);
    for secret in SECRETS {
        let tail = &secret[secret.len() - 12..];
        for told in [&export.out, &export.err, &preview.out, &preview.err, &run.out, &run.err] {
            assert!(!told.contains(tail), "{told}");
        }
        assert!(!sealed.windows(tail.len()).any(|part| part == tail.as_bytes()));
    }
    (new, export.json(), preview.json())
}

fn there(stage: &Stage, new: &Path) -> Value {
    let vault = stage.path("elsewhere/vault.sqlite");
    let run = stage.run_at(new, &["instance", "show", "--vault", text(&vault), "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    run.json()["instance"].clone()
}

/// The words of `instance show` on one side, without what is another's there: ids, and when it got its state.
fn words(instance: &Value) -> Vec<String> {
    let name = |uid: &Value| {
        let agents = instance["agents"].as_array().unwrap();
        agents.iter().find(|agent| agent["uid"] == *uid).map_or(Value::Null, |agent| agent["id"].clone())
    };
    let agents = instance["agents"].as_array().unwrap().iter();
    let bindings = instance["bindings"].as_array().unwrap().iter();
    let credentials = instance["credentials"].as_array().unwrap().iter();
    let mut credentials: Vec<String> = credentials
        .map(|one| {
            let version = &one["versions"][0];
            format!(
                "{} {} {} {} {}",
                name(&one["agent"]),
                one["profile"],
                version["created"],
                version["by"],
                version["why"]
            )
        })
        .collect();
    credentials.sort();
    agents
        .map(|agent| format!("{} {} {}", agent["id"], agent["enabled"], agent["default"]))
        .chain(bindings.map(|one| format!("{} {}", name(&one["agent"]), one["matching"])))
        .chain(credentials)
        .collect()
}

fn store(state_dir: &Path, agent: &str) -> String {
    std::fs::read_to_string(state_dir.join(format!("agents/{agent}/agent/auth-profiles.json"))).unwrap()
}

fn config(state_dir: &Path) -> Value {
    let config = std::fs::read_to_string(state_dir.join("openclaw.json")).unwrap();
    serde_json::from_str(&config).unwrap()
}

fn roster(state_dir: &Path) -> String {
    config(state_dir)["agents"].to_string()
}

#[test]
fn what_only_the_vault_has_moves_too() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = vaulted(layout);
        let before = done(&stage, &["instance", "show", "--json"]).json()["instance"].clone();
        // What a disabled agent worked on comes along, or is named where it stays.
        let (workspace, sessions) = ("workspace-ops", "agents/ops/sessions");
        for (dir, file) in [(workspace, "plan.md"), (sessions, "one.jsonl")] {
            std::fs::create_dir_all(stage.state_dir().join(dir)).unwrap();
            std::fs::write(stage.state_dir().join(dir).join(file), "of ops").unwrap();
        }
        let (without, code) = (stage.path("without.payload"), stage.path("without.code"));
        let told = done(&stage, &["export", "--to", text(&without), "--code-file", text(&code)]).out;
        for dir in [workspace, sessions] {
            assert!(told.contains(text(&stage.state_dir().join(dir))), "{layout}: {told}");
        }
        let (new, export, preview) = moved(&stage);
        assert_eq!(export["disabled"], json!(["ops"]), "{layout}");
        assert_eq!(preview["questions"], json!([]), "what is meant is not asked about: {layout}");
        let waits = |agent: &str| {
            let all = preview["overrides"].as_array().unwrap();
            all.iter().find(|one| one["agent"] == agent).unwrap()["waits"].as_bool().unwrap()
        };
        assert_eq!(
            (waits("academic"), waits("night"), waits("ops")),
            (false, layout == Layout::SharedRow, true),
            "{layout}"
        );
        let after = there(&stage, &new);
        assert_eq!(words(&before), words(&after), "{layout}");
        for file in [format!("{workspace}/plan.md"), format!("{sessions}/one.jsonl")] {
            let there = std::fs::read_to_string(new.join(&file)).unwrap_or_default();
            assert_eq!(there, "of ops", "{layout}: {file}: {export:#}");
        }
        assert!(
            !roster(&new).contains("ops") && roster(&new).contains("night"),
            "{layout}: {}",
            roster(&new)
        );
        let vault = stage.path("elsewhere/vault.sqlite");
        let artifacts = stage.run_at(&new, &["artifacts", "--list", "--vault", text(&vault)]);
        assert_eq!(artifacts.out.contains("pending"), layout == Layout::SharedRow, "{}", artifacts.out);
        assert!(artifacts.out.contains("ops (disabled)"), "{}", artifacts.out);
        // Who is taken back into the roster has its own key again.
        let enabled = stage.run_at(&new, &["agent", "enable", "ops", "--yes", "--vault", text(&vault)]);
        // Without OpenClaw on this machine nobody has the shared key yet, which only its own command can make a store for.
        let nobody_has_any = layout == Layout::SharedRow;
        assert_eq!(
            enabled.code,
            if nobody_has_any { 2 } else { 0 },
            "{layout}: {}{}",
            enabled.out,
            enabled.err
        );
        assert!(roster(&new).contains("ops"), "{layout}");
        let bindings = config(&new)["bindings"].clone();
        let bound: Vec<&Value> = bindings.as_array().unwrap().iter().map(|one| &one["agentId"]).collect();
        assert_eq!(bound, ["ops", "academic"], "{layout}: who goes first answers");
        if layout == Layout::JsonFile {
            let store = new.join("agents/ops/agent/auth-profiles.json");
            assert!(std::fs::read_to_string(store).unwrap().contains(GIVEN));
        }
    }
}

#[test]
fn keys_that_were_delivered_by_reference_are_in_the_payload() {
    let stage = vaulted(Layout::JsonFile);
    done(&stage, &["instance", "set", "--delivery", "refs", "--yes"]);
    assert!(!store(&stage.state_dir(), "main").contains(NEW), "nothing is by reference");
    let (new, _, preview) = moved(&stage);
    assert_eq!((&preview["questions"], &preview["dropped"]), (&json!([]), &json!([])));
    assert!(preview["warnings"].to_string().contains("--delivery refs"), "{preview:#}");
    assert!(store(&new, "main").contains(NEW) && store(&new, "academic").contains(OWN));
    assert!(!std::fs::read_to_string(new.join("openclaw.json")).unwrap().contains("delivered"));
}

/// The vault's key is lost, so the vault was let go of; its file is still what stores refer to.
fn released() -> Stage {
    let stage = vaulted(Layout::JsonFile);
    done(&stage, &["instance", "set", "--delivery", "refs", "--yes"]);
    std::fs::remove_file(stage.path(".config/keyshoal/vault.key")).unwrap();
    done(&stage, &["instance", "release", "--yes"]);
    stage
}

#[test]
fn keys_that_a_lost_vault_delivered_by_reference_are_in_the_payload() {
    let stage = released();
    let (new, export, _) = moved(&stage);
    assert!(!export["left_out"].to_string().contains(PROFILE), "{export:#}");
    assert!(store(&new, "main").contains(NEW) && store(&new, "academic").contains(OWN));
    // What leads nowhere is said, and all else comes along.
    std::fs::remove_file(stage.state_dir().join(".keyshoal/delivered/secrets.json")).unwrap();
    let arguments = ["export", "--to", "-", "--clear", "--yes", "--text"];
    let run = done(&stage, &arguments);
    assert!(run.err.contains("which has no value for it"), "{}", run.err);
}

#[test]
fn a_new_vault_takes_the_keys_and_not_the_references() {
    let stage = released();
    let vault = stage.path("elsewhere/vault.sqlite");
    done(&stage, &["vault", "init", "--vault", text(&vault)]);
    done(&stage, &["instance", "add", "--yes", "--vault", text(&vault)]);
    let shown = done(&stage, &["instance", "show", "--vault", text(&vault), "--json"]).json();
    assert_eq!(shown["instance"]["delivery"], "refs", "{shown:#}");
    let at = |words: &[&str]| done(&stage, &[words, &["--vault", text(&vault)]].concat());
    // Whose reference it was, the new vault cannot tell, so a person says that it may go.
    at(&["replace", "academic", PROFILE]);
    at(&["instance", "set", "--delivery", "inline", "--yes"]);
    let dir = stage.state_dir();
    assert!(store(&dir, "main").contains(NEW) && store(&dir, "academic").contains(OWN));
}

#[test]
fn without_the_vaults_key_nothing_is_exported() {
    let stage = vaulted(Layout::JsonFile);
    std::fs::remove_file(stage.path(".config/keyshoal/vault.key")).unwrap();
    let run = stage.run(&["export", "--to", text(&stage.path("p")), "--code-file", text(&stage.path("c"))]);
    assert_eq!((run.code, stage.path("p").exists()), (1, false), "{}{}", run.out, run.err);
    assert!(run.err.contains("vault"), "{}", run.err);
}

#[test]
fn where_nothing_tells_of_a_vault_nothing_is_exported() {
    let stage = vaulted(Layout::JsonFile);
    let (to, code) = (stage.path("p"), stage.path("c"));
    // Nobody can make a directory there, root neither.
    let keys = ["export", "--to", text(&to), "--code-file", text(&code), "--keys-dir", "/sys/keyshoal"];
    let run = stage.run(&keys);
    assert_eq!((run.code, to.exists()), (1, false), "{}{}", run.out, run.err);
    assert!(run.err.contains("whether a vault") && run.err.contains("--keys-dir"), "{}", run.err);
}

#[test]
fn a_program_that_is_too_old_for_the_payload_is_named_with_the_ways_out() {
    let stage =
        Stage::with(Layout::SharedRow, |sample| sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW));
    let (to, code) = (stage.path("p"), stage.path("c"));
    done(&stage, &["export", "--to", text(&to), "--code-file", text(&code)]);
    let old = stage.path("bin/openclaw");
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::write(&old, "#!/bin/sh\necho OpenClaw 2026.3.28\n").unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let new = stage.path("new");
    // Whoever only looks is told the same.
    for how in ["--yes", "--dry-run"] {
        let arguments = ["import", text(&to), "--code-file", text(&code), how, "--openclaw", text(&old)];
        let run = stage.run_at(&new, &arguments);
        assert_eq!((run.code, new.exists()), (1, false), "{how}: {}{}", run.out, run.err);
        for said in ["2026.8.1-beta.1", "2026.3.28", text(&old), "--openclaw PATH", "a machine that has one"]
        {
            assert!(run.err.contains(said), "{how}: {said}: {}", run.err);
        }
    }
}

/// The backup was made before the last rotation: the vault has the old key again, and the stores have the one that works.
#[test]
fn after_an_older_backup_every_command_says_how_the_stores_value_comes_into_the_vault() {
    let stage = Stage::calm(keyshoal_core::Layout::JsonFile);
    let (backup, given) = (stage.path("first.backup"), stage.path("given"));
    std::fs::write(&given, GIVEN).unwrap();
    let (backup, given) = (backup.to_str().unwrap(), given.to_str().unwrap());
    let fine = |arguments: &[&str]| {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    };
    fine(&["vault", "init"]);
    fine(&["instance", "add", "--yes"]);
    fine(&["vault", "backup", backup]);
    fine(&["rotate", PROFILE, "--yes", "--grace", "0", "--from-file", given]);
    std::fs::rename(stage.path(".local/share/keyshoal"), stage.path("lost")).unwrap();
    fine(&["vault", "restore", backup]);
    stage.emulator.only_accept(&[GIVEN]);
    let way = "keyshoal credential adopt base anthropic:default (into the vault)   or   keyshoal set anthropic:default";
    for arguments in [&["status", "--check"] as &[&str], &["diff"], &["sync"], &["sync", "--yes"]] {
        let output = stage.command(arguments).env("COLUMNS", "1000").output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap()
        );
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(way), "{arguments:?}: {said}");
    }
    fine(&["credential", "adopt", "base", PROFILE, "--yes"]);
    fine(&["diff"]);
}
