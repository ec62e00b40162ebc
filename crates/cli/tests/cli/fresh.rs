//! An installation that has no store yet: the release says where one belongs, and OpenClaw makes it where nobody else may.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample::Installation as Sample;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// As long as the provider's keys are.
const KEY: &str = "sk-ant-api03-seeded-fresh-5f0c8e1db2a94c775f0c8e1db2a94c775f0c8e1db2a94c775f0c8e1db2a94c775f0c8e1db2a94c775f0c8e1db2a94c";
/// As long, and rejected.
const DEAD: &str = "sk-ant-api03-seeded-dead0-93b1aa40c8de4f0293b1aa40c8de4f0293b1aa40c8de4f0293b1aa40c8de4f0293b1aa40c8de4f0293b1aa40c8de4f";

/// A config and nothing else, as a person has it who has just installed OpenClaw.
fn fresh() -> Stage {
    let stage = Stage::empty(Layout::JsonFile);
    stage.emulator.only_accept(&[KEY]);
    let config = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("meta");
    value["agents"] = json!({ "defaults": { "model": "anthropic/claude-test" } });
    std::fs::remove_dir_all(stage.state_dir()).unwrap();
    std::fs::create_dir_all(stage.state_dir()).unwrap();
    std::fs::write(&config, value.to_string()).unwrap();
    stage
}

/// A program of this release that makes databases as that does, and keeps what it was called with.
fn install(stage: &Stage, version: &str, layout: Layout) {
    let (bin, template) = (stage.path("bin"), stage.path("template"));
    let sample = Sample::new(layout).agent("main");
    let with_key = sample.clone().api_key(StoreId::Base, PROFILE, KEY);
    // The shared row comes with its first profile, main's database without any.
    if layout == Layout::SharedRow { with_key } else { sample }.write(&template).unwrap();
    std::fs::create_dir_all(&bin).unwrap();
    let script = format!(
        r#"#!/bin/sh
umask 077
echo "$@" >> '{home}/called'
case "$*" in
  --version) echo "OpenClaw {version} (0000000)" ;;
  *paste-api-key*) cat > '{home}/stdin'; mkdir -p "$OPENCLAW_STATE_DIR/state"; cp -R '{home}/template/state/.' "$OPENCLAW_STATE_DIR/state" ;;
  *"order clear"*) mkdir -p "$OPENCLAW_STATE_DIR/agents/main"; cp -R '{home}/template/agents/main/.' "$OPENCLAW_STATE_DIR/agents/main" ;;
  *) exit 1 ;;
esac
"#,
        home = stage.path("").display(),
    );
    let program = bin.join("openclaw");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(stage: &Stage, arguments: &[&str], input: &str) -> Run {
    let path = format!("{}:/usr/bin:/bin", stage.path("bin").display());
    let output = stage.command(arguments).env("PATH", path).write_stdin(input).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Main's database is the store that all inherit from; beside the shared row main inherits like everybody.
fn found(layout: Layout) -> Value {
    json!(if layout == Layout::SharedRow { "inherited" } else { "in_sync" })
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn json_store(stage: &Stage) -> bool {
    stage.state_dir().join("agents/main/agent/auth-profiles.json").exists()
}

/// Tells where everybody's key stands by now.
fn finding(stage: &Stage) -> Value {
    let status = run(stage, &["status", "--json"], "");
    status.json()["agents"][0]["profiles"][0]["finding"].clone()
}

#[test]
fn nothing_is_written_where_nobody_knows_which_release_will_read_it() {
    let stage = fresh();
    let set = run(&stage, &["set", "anthropic", "--yes"], KEY);
    assert_eq!(set.code, 1, "{}{}", set.out, set.err);
    assert!(set.err.contains("nothing tells which release it is") && set.err.contains("PATH"), "{}", set.err);
    run(&stage, &["vault", "init"], "");
    assert_eq!(run(&stage, &["instance", "add", "--yes"], "").code, 0);
    let set = run(&stage, &["credential", "set", "anthropic", "--type", "api-key", "--yes"], KEY);
    assert_eq!(set.code, 2, "{}{}", set.out, set.err);
    let status = run(&stage, &["status"], "");
    assert_eq!(status.code, 2, "{}", status.out);
    assert!(!json_store(&stage) && !stage.state_dir().join("agents").exists());

    // As soon as the program is there, it goes where that reads it.
    install(&stage, "2026.3.28", Layout::JsonFile);
    let sync = run(&stage, &["sync", "--yes"], "");
    assert_eq!(sync.code, 0, "{}{}", sync.out, sync.err);
    assert!(json_store(&stage));
    let status = run(&stage, &["status", "--json"], "").json();
    assert_eq!(status["instance"]["openclaw_version"], "2026.3.28");
}

#[test]
fn the_program_on_the_path_makes_the_store_that_the_vaults_key_is_for() {
    for (version, layout) in [("2026.6.11", Layout::AgentSqlite), ("2026.9.6", Layout::SharedRow)] {
        let stage = fresh();
        install(&stage, version, layout);
        run(&stage, &["vault", "init"], "");
        let added = run(&stage, &["instance", "add", "--yes"], "");
        assert!(!added.out.contains("which release"), "{version}: {}", added.out);
        let wanted = ["credential", "set", "anthropic", "--type", "api-key"];
        let tried = run(&stage, &[&wanted as &[_], &["--dry-run", "--yes"]].concat(), KEY);
        assert_eq!(tried.code, 2, "{version}: {}{}", tried.out, tried.err);
        assert!(!text(&stage.path("called")).contains("auth"), "{version}: a dry run makes nothing");
        // Nobody agrees: the vault has it, and everybody is told that no agent does.
        let set = run(&stage, &wanted, KEY);
        assert_eq!(set.code, 2, "{version}: {}{}", set.out, set.err);
        assert!(!text(&stage.path("called")).contains("auth"), "{version}");
        assert!(
            set.err.contains("no store was made") && !set.err.contains("nothing was changed"),
            "{}",
            set.err
        );
        let status = run(&stage, &["status"], "");
        assert_eq!(
            (status.code, status.out.contains("keyshoal sync")),
            (2, true),
            "{version}: {}",
            status.out
        );
        assert!(status.out.contains(version), "{}", status.out);

        let sync = run(&stage, &["sync", "--yes"], "");
        assert_eq!(sync.code, 0, "{version}: {}{}", sync.out, sync.err);
        assert_eq!(finding(&stage), found(layout), "{version}: {}", run(&stage, &["status"], "").out);
        assert!(!json_store(&stage), "{version}");
        let called = text(&stage.path("called"));
        assert!(!called.contains("sk-") && called.contains("models auth"), "{called}");
        assert_eq!(run(&stage, &["status"], "").code, 0, "{version}");
    }
}

#[test]
fn set_has_the_program_make_the_store_once_the_value_was_accepted() {
    for (version, layout) in [("2026.6.11", Layout::AgentSqlite), ("2026.9.6", Layout::SharedRow)] {
        let stage = fresh();
        let arguments = ["set", "anthropic", "--yes"];
        install(&stage, version, layout);
        let refused = run(&stage, &arguments, DEAD);
        assert_eq!(refused.code, 1, "{version}: {}", refused.err);
        assert!(!text(&stage.path("called")).contains("auth"), "{version}: a refused value makes no store");
        let set = run(&stage, &arguments, KEY);
        assert_eq!(set.code, 0, "{version}: {}{}", set.out, set.err);
        assert_eq!(finding(&stage), found(layout), "{version}: {}", run(&stage, &["status"], "").out);
        assert!(!json_store(&stage) && !text(&stage.path("called")).contains("sk-"), "{version}");
    }
}

#[test]
fn without_the_program_the_way_out_is_named() {
    let stage = fresh();
    let config = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&text(&config)).unwrap();
    value["meta"] = json!({ "lastTouchedVersion": "2026.6.11" });
    std::fs::write(&config, value.to_string()).unwrap();
    let set = run(&stage, &["set", "anthropic", "--yes"], KEY);
    assert_eq!(set.code, 1, "{}{}", set.out, set.err);
    assert!(set.err.contains("has made no store") && set.err.contains("on the PATH"), "{}", set.err);
}

#[test]
fn a_key_goes_to_the_server_that_the_config_names_although_no_model_asks_that_yet() {
    let stage = Stage::with(Layout::JsonFile, |sample| sample.agent("ops"));
    for arguments in [&["vault", "init"][..], &["instance", "add", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    let set = stage.run_with(&["credential", "set", PROFILE, "--yes"], NEW);
    assert!(set.err.contains("anthropic says: ✓ accepted"), "{}{}", set.out, set.err);
    assert!(stage.emulator.log().iter().any(|one| one.key.as_deref() == Some(NEW)));
}
