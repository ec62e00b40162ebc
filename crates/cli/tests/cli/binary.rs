//! Exit codes, what goes where, and what happens where nobody can be asked.

use crate::stage::*;
use keyshoal_core::Layout;

#[test]
fn wrong_usage_is_64_and_help_is_0() {
    let stage = Stage::calm(Layout::JsonFile);
    for wrong in [
        &["sink"] as &[&str],
        &["sync", "--activate", "hope"],
        &["rollback"],
        &["recover", "--finish", "--undo"],
    ] {
        let run = stage.run(wrong);
        assert_eq!(run.code, 64, "{wrong:?}: {}", run.err);
        assert!(run.out.is_empty(), "{wrong:?}: what is wrong is no data: {}", run.out);
    }
    for right in
        [&["--help"] as &[&str], &["--version"], &["sync", "--help"], &["watch", "install-service", "--help"]]
    {
        assert_eq!(stage.run(right).code, 0, "{right:?}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    let stage = Stage::calm(Layout::JsonFile);
    let commands = [
        "status",
        "diff",
        "doctor",
        "quarantine",
        "scrub",
        "explain",
        "sync",
        "set",
        "watch",
        "alerts",
        "restart",
        "keep",
        "replace",
        "route",
        "history",
        "rollback",
        "recover",
        "vault",
        "demo",
        "completions",
        "man",
    ];
    for command in commands {
        let help = stage.run(&[command, "--help"]);
        assert!(
            help.out.contains("Examples:") && help.out.contains("  keyshoal "),
            "{command}: {}",
            help.out
        );
        assert!(!help.out.contains('`'), "{command}: a terminal shows no markdown: {}", help.out);
    }
}

#[test]
fn a_calm_installation_is_0_and_a_drifted_one_2() {
    for layout in [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow] {
        let calm = Stage::calm(layout);
        let run = calm.run(&["status", "--check"]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        assert_eq!(calm.run(&["diff"]).code, 0, "{layout}");
        assert_eq!(calm.run(&["sync"]).code, 0, "{layout}: nothing to ask, nothing to do");
        let drifted = Stage::drifted(layout);
        assert_eq!(drifted.run(&["status"]).code, 2, "{layout}");
        assert_eq!(drifted.run(&["diff"]).code, 2, "{layout}");
    }
}

#[test]
fn status_never_leaves_the_machine_unless_asked() {
    let stage = Stage::drifted(Layout::SharedRow);
    stage.run(&["status"]);
    stage.run(&["explain", "stocks"]);
    assert!(stage.emulator.log().is_empty(), "nobody may be asked");
    stage.run(&["status", "--check"]);
    assert!(!stage.emulator.log().is_empty(), "--check asks");
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_written() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let run = stage.run(&["sync"]);
        assert_eq!(run.code, 2, "{layout}: {}{}", run.out, run.err);
        assert!(run.out.contains("--yes") && run.out.contains("stocks"), "{layout}: {}", run.out);
        assert_eq!(stage.run(&["history", "--json"]).json()["runs"], serde_json::json!([]), "{layout}");
        assert!(stage.run(&["status"]).out.contains("✗ stale"), "{layout}");
    }
}

#[test]
fn yes_replaces_the_dead_and_keeps_the_override() {
    for layout in [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let run = stage.run(&["sync", "--yes"]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        let after = stage.run(&["status", "--json"]).json();
        let finding = |agent: &str| {
            let all = after["agents"].as_array().unwrap();
            let one = all.iter().find(|one| one["id"] == agent).unwrap()["profiles"].as_array().unwrap();
            one.iter().find(|one| one["id"] == PROFILE).unwrap()["finding"].clone()
        };
        assert_ne!(finding("stocks"), "stale", "{layout}: {after:#}");
        assert_eq!(finding("academic"), "kept", "{layout}: {after:#}");
        assert_eq!(stage.run(&["sync"]).code, 0, "{layout}: a second time there is nothing to do");
    }
}

#[test]
fn yes_never_approves_a_value_of_unknown_origin() {
    let stage = Stage::drifted(Layout::SharedRow);
    let run = stage.run(&["sync", "--yes", "--offline"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(stage.run(&["status"]).out.contains("? foreign"), "without a verdict nothing is certain");
    assert_eq!(stage.run(&["history", "--json"]).json()["runs"], serde_json::json!([]));
}

#[test]
fn a_dry_run_writes_nothing() {
    let stage = Stage::drifted(Layout::JsonFile);
    let run = stage.run(&["sync", "--yes", "--dry-run"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.out.contains("nothing was written"), "{}", run.out);
    assert_eq!(stage.run(&["history", "--json"]).json()["runs"], serde_json::json!([]));
}

#[test]
fn set_is_the_whole_rotation() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let run = stage.run_with(&["set", "anthropic", "--yes"], &format!("{GIVEN}\n"));
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        stage.emulator.only_accept(&[GIVEN, OWN]);
        let status = stage.run(&["status", "--check"]);
        assert_eq!(status.code, 0, "{layout}: {}{}", status.out, status.err);
    }
}

#[test]
fn set_refuses_a_rejected_value_and_changes_nothing() {
    let stage = Stage::calm(Layout::JsonFile);
    let run = stage.run_with(&["set", "anthropic", "--yes"], "sk-ant-api03-nobody-knows-this-one-00");
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("nothing was changed"), "{}", run.err);
    assert_eq!(stage.run(&["status"]).code, 0);
}

#[test]
fn a_key_on_the_command_line_is_refused_and_not_repeated() {
    let stage = Stage::calm(Layout::JsonFile);
    let run = stage.run(&["set", NEW]);
    assert_eq!(run.code, 64, "{}{}", run.out, run.err);
    assert!(!run.err.contains(NEW) && !run.out.contains(NEW), "{}", run.err);
}

#[test]
fn keep_and_replace_are_remembered() {
    let stage = Stage::drifted(Layout::SharedRow);
    let finding = || stage.run(&["explain", "stocks", PROFILE]).out;
    assert_eq!(stage.run(&["keep", "stocks", PROFILE]).code, 0);
    assert!(finding().contains("● kept"), "{}", finding());
    assert_eq!(stage.run(&["keep", "--undo", "stocks", PROFILE]).code, 0);
    assert!(!finding().contains("● kept"), "{}", finding());
    assert_eq!(stage.run(&["replace", "stocks", PROFILE]).code, 0);
    let run = stage.run(&["sync", "--yes", "--offline"]);
    assert!(run.out.contains("you agreed") || run.out.contains("✓ durable"), "{}{}", run.out, run.err);
    assert!(!finding().contains("foreign"), "{}", finding());
}

#[test]
fn a_run_can_be_taken_back() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let asked = stage.run(&["rollback", "last"]);
    assert_eq!(asked.code, 2, "nobody is there to ask: {}", asked.out);
    assert!(asked.err.contains("rejected"), "that value is dead, and that is said: {}", asked.err);
    let run = stage.run(&["rollback", "last", "--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stage.run(&["status"]).code, 2, "the old value is back");
}

#[test]
fn what_is_not_there_is_said_with_the_way_out() {
    let stage = Stage::calm(Layout::JsonFile);
    for (arguments, word) in [
        (&["explain", "nobody"] as &[&str], "the agents are: main, ops"),
        (&["keep", "nobody", PROFILE], "the agents are: main, ops"),
        (&["sync", "--agent", "nobody"], "the agents are: main, ops"),
        (&["sync", "--provider", "nobody"], "keyshoal status"),
        (&["rollback", "last"], "no run has written anything yet"),
        (&["--state-dir", "/nowhere", "status"], "/nowhere"),
    ] {
        let mut command = stage.command(&[]);
        let output = match arguments[0] {
            "--state-dir" => {
                assert_cmd::Command::new(env!("CARGO_BIN_EXE_keyshoal")).args(arguments).output()
            }
            _ => command.args(arguments).output(),
        };
        let output = output.unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {err}");
        assert!(err.contains(word), "{arguments:?}: {err}");
    }
}

#[test]
fn quiet_says_only_what_is_wrong_and_colour_only_where_wanted() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["keep", "--quiet", "academic", PROFILE]).err, "");
    let forced = |name: &str| {
        let output = stage.command(&["status"]).env("CLICOLOR_FORCE", "1").env(name, "1").output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    assert!(forced("UNRELATED"), "colour can be forced");
    assert!(!forced("NO_COLOR"), "NO_COLOR wins");
    assert!(!stage.run(&["status"]).out.contains('\u{1b}'), "a pipe gets none");
}

#[test]
fn a_reader_that_goes_away_does_not_stop_a_run() {
    use std::process::{Command, Stdio};
    let stage = Stage::drifted(Layout::JsonFile);
    let mut child = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(["sync", "--yes"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Both readers are gone before anything is written.
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stage.run(&["status"]).code, 0, "the run went on to its end");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let stage = Stage::calm(Layout::JsonFile);
    for shell in ["bash", "zsh", "fish"] {
        assert!(stage.run(&["completions", shell]).out.contains("keyshoal"), "{shell}");
    }
    assert!(stage.run(&["man"]).out.contains(".TH"), "a manual page");
    let dir = stage.path("man");
    assert_eq!(stage.run(&["man", "--dir", dir.to_str().unwrap()]).code, 0);
    assert!(dir.join("keyshoal-sync.1").exists());
}

#[test]
fn watch_once_reports_by_default_and_repairs_when_told() {
    let stage = Stage::drifted(Layout::SharedRow);
    let run = stage.run(&["watch", "--once"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert_eq!(stage.run(&["history", "--json"]).json()["runs"], serde_json::json!([]), "it only reports");
    assert_eq!(stage.run(&["watch", "install-service"]).code, 2, "nobody is there to ask for the policy");
    assert!(!stage.path(".config/keyshoal/keyshoal.toml").exists(), "so there is none");
    assert_eq!(stage.run(&["watch", "install-service", "--policy", "repair"]).code, 0);
    let run = stage.run(&["watch", "--once"]);
    assert!(run.out.contains("✓ durable"), "{}{}", run.out, run.err);
}

#[test]
fn the_demo_runs_and_leaves_nothing() {
    let stage = Stage::calm(Layout::JsonFile);
    let temporary = stage.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let output = stage.command(&["demo"]).env("TMPDIR", &temporary).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for word in [
        "$ keyshoal status",
        "$ keyshoal sync --yes",
        "✗ stale",
        "? foreign",
        "✗ missing",
        "● kept",
        "✗ shadowing",
        "≠ mode mismatch",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let last = text.rsplit("$ keyshoal").next().unwrap();
    assert!(
        last.contains("nothing to write; rate limited when last asked: research"),
        "it ends well: {last}"
    );
    // One of them needs it, and all send the same.
    let google: Vec<&str> = last.lines().filter(|line| line.contains("google:default      ")).collect();
    let sent = google.iter().filter(|line| line.contains("main, ops, stocks")).count();
    assert_eq!(sent, 1, "who sends the same stands in one row: {last}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_source_that_went_back_is_asked_about_and_can_be_confirmed() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let backup = std::fs::read_to_string(&store).unwrap();
    let set = stage.run_with(&["set", "anthropic", "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    // A restored backup: the value before the last one, which still works.
    std::fs::write(&store, backup).unwrap();
    let run = stage.run(&["sync", "--yes"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.out.contains("! source reverted"), "{}{}", run.out, run.err);
    assert!(run.out.contains("--from main"), "the way out is named: {}", run.out);
    let run = stage.run(&["sync", "--yes", "--from", "base"]);
    assert!(!run.out.contains("source reverted"), "{}{}", run.out, run.err);
    assert_eq!(stage.run(&["status"]).code, 0, "what a person said is remembered");
    assert_eq!(stage.run(&["sync", "--from", "nobody"]).code, 1);
}

#[test]
fn a_dead_source_is_never_spread_and_another_one_can_be_named() {
    for layout in [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        stage.emulator.only_accept(&[OLD, OWN]);
        let run = stage.run(&["sync", "--yes"]);
        assert_eq!(run.code, 2, "{layout}: {}{}", run.out, run.err);
        assert!(run.out.contains("! source rejected"), "{layout}: {}{}", run.out, run.err);
        assert_eq!(stage.run(&["history", "--json"]).json()["runs"], serde_json::json!([]), "{layout}");
        let run = stage.run(&["sync", "--yes", "--from", "stocks", "--profile", PROFILE]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
        let status = stage.run(&["status", "--check"]);
        assert_eq!(status.code, 0, "{layout}: {}{}", status.out, status.err);
        assert!(status.out.contains("● kept"), "{layout}: the override stays: {}", status.out);
    }
}

#[test]
fn whose_a_copied_directory_is_can_be_said_without_a_terminal() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let copy = stage.path("copy");
    let copied =
        std::process::Command::new("cp").arg("-a").arg(stage.state_dir()).arg(&copy).status().unwrap();
    assert!(copied.success());
    let silent = stage.run_at(&copy, &["sync", "--yes"]);
    assert_eq!(silent.code, 2, "{}{}", silent.out, silent.err);
    assert!(silent.err.contains("--adopt new"), "{}", silent.err);
    let said = stage.run_at(&copy, &["--adopt", "new", "sync", "--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let after = stage.run_at(&copy, &["sync", "--yes"]);
    assert_eq!(after.code, 0, "it is remembered: {}{}", after.out, after.err);
}
