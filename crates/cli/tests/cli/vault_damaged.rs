//! A vault that is damaged in part, or lies on a disk that cannot be written: what still works, and which way out is said.

use crate::stage::*;
use keyshoal_core::Layout;
use keyshoal_testkit::rusqlite::Connection;
use std::path::Path;
use std::process::Command;

fn vaulted() -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let added = stage.run(&["instance", "add", "--yes"]);
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    let _ = stage.run(&["sync", "--yes"]);
    stage
}

fn damage(stage: &Stage, sql: &str) {
    let connection = Connection::open(stage.path(".local/share/keyshoal/vault.sqlite")).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

#[test]
fn a_value_that_does_not_open_takes_no_table_away() {
    let stage = vaulted();
    let whole = stage.run(&["status"]);
    let shared = "(SELECT uid FROM credentials WHERE agent IS NULL AND provider = 'anthropic')";
    damage(
        &stage,
        &format!("UPDATE versions SET sealed = zeroblob(length(sealed)) WHERE credential = {shared}"),
    );
    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}{}", status.out, status.err);
    assert!(status.err.contains("could not be opened") && status.err.contains(PROFILE), "{}", status.err);
    for agent in ["main", "stocks", "ops", "academic"] {
        assert!(whole.out.contains(agent) && status.out.contains(agent), "{agent}: {}", status.out);
    }
    let verified = stage.run(&["vault", "verify"]);
    assert_eq!(verified.code, 2);
    assert!(verified.out.contains(&format!("version 1 of credential {PROFILE}")), "{}", verified.out);
    assert!(verified.err.contains("vault repair"), "{}", verified.err);
}

#[test]
fn root_is_told_whose_vault_it_makes() {
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) != 0 {
        return;
    }
    let stage = Stage::empty(Layout::JsonFile);
    let elsewhere = stage.path("elsewhere");
    let made = stage.run_at(&elsewhere, &["vault", "init"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.err.contains("root's own") && made.err.contains("--state-dir"), "{}", made.err);
}

#[test]
fn of_damage_to_what_opens_it_every_command_names_the_backup() {
    let stage = vaulted();
    let backup = stage.path("one.backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(stage.run(&["vault", "backup", backup]).code, 0);
    damage(&stage, "UPDATE keys SET added = added + 1");
    for args in [
        &["vault", "verify"][..],
        &["vault", "status"],
        &["vault", "repair", "--yes"],
        &["vault", "repair", "--yes", "--from", backup],
        &["sync", "--yes"],
    ] {
        let run = stage.run(args);
        assert_eq!(run.code, 1, "{args:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("vault restore BACKUP"), "{args:?}: {}", run.err);
        assert!(!run.err.contains("vault repair"), "{args:?}: {}", run.err);
    }
}

#[test]
fn a_backup_that_is_damaged_and_its_key_are_called_by_their_names() {
    let stage = vaulted();
    let backup = stage.path("one.backup");
    assert_eq!(stage.run(&["vault", "backup", backup.to_str().unwrap()]).code, 0);
    let mut bytes = std::fs::read(&backup).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&backup, bytes).unwrap();
    let run = stage.run(&["vault", "verify", backup.to_str().unwrap()]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("Another backup") && !run.err.contains("repair"), "{}", run.err);
    for of in ["verify", "restore", "repair"] {
        let help = stage.run(&["vault", of, "--help"]).out;
        assert!(help.contains("--key-file") && !help.contains("made when"), "{of}: {help}");
    }
}

#[test]
fn what_a_repair_has_retired_is_told_when_somebody_would_go_back() {
    let stage = vaulted();
    let new = stage.path("new.txt");
    std::fs::write(&new, GIVEN).unwrap();
    let rotated = stage.run(&["rotate", PROFILE, "--yes", "--from-file", new.to_str().unwrap()]);
    assert_eq!(rotated.code, 0, "{}{}", rotated.out, rotated.err);
    damage(&stage, "DELETE FROM rotations; UPDATE credentials SET place = place + 7");
    let repaired = stage.run(&["vault", "repair", "--yes"]);
    assert!(repaired.code != 1, "{}{}", repaired.out, repaired.err);
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes"]);
    assert_eq!(back.code, 1, "{}{}", back.out, back.err);
    for said in ["version 1 is retired", "version 2 is current", "a repair of the vault"] {
        assert!(back.err.contains(said), "{}", back.err);
    }
    let list = stage.run(&["credential", "list"]);
    assert!(list.out.contains("2, 1 retired"), "{}", list.out);
}

/// Runs `keyshoal` where the vault's directory is another file system. `$D` is the directory, `$B` a copy of what it held.
fn run_mounted(stage: &Stage, mount: &str, args: &[&str]) -> Run {
    let dir = stage.path(".local/share/keyshoal");
    let copy = stage.path("copy");
    let _ = std::fs::remove_dir_all(&copy);
    let inner = stage.command(args);
    let script = format!("set -e; cp -a \"$D\" \"$B\"; {mount}; exec \"$@\"");
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) != 0 {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["sh", "-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", stage.path(""));
    command.env("D", &dir).env("B", &copy);
    let output = command.output().expect("this test needs unshare of util-linux");
    assert!(Path::new(&copy).exists(), "this test needs a mount namespace: {output:?}");
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const FULL: &str = "mount -t tmpfs -o size=1m,mode=700 tmpfs \"$D\"; cp -a \"$B/.\" \"$D\"
    dd if=/dev/zero of=\"$D/filler\" bs=4096 2>/dev/null || true";
const READ_ONLY: &str = "mount --bind \"$D\" \"$D\"; mount -o remount,bind,ro \"$D\"";

#[test]
fn on_a_read_only_disk_it_can_be_read_and_backed_up() {
    let stage = vaulted();
    let backup = stage.path("saved.backup");
    let backup = backup.to_str().unwrap();
    for args in
        [&["vault", "status"][..], &["vault", "verify"], &["vault", "backup", backup], &["diff", "--offline"]]
    {
        let run = run_mounted(&stage, READ_ONLY, args);
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.out, run.err);
    }
    let to = stage.path("again/vault.sqlite");
    let restored = stage.run(&["vault", "restore", backup, "--vault", to.to_str().unwrap()]);
    assert_eq!(restored.code, 0, "{}{}", restored.out, restored.err);
    let verified = stage.run(&["vault", "verify", "--vault", to.to_str().unwrap()]);
    assert_eq!((verified.code, verified.out.contains("1 instance")), (0, true), "{}", verified.out);
    let written = run_mounted(&stage, READ_ONLY, &["agent", "disable", "stocks", "--yes", "--offline"]);
    assert_eq!(written.code, 1, "{}{}", written.out, written.err);
    assert!(written.err.contains("read-only"), "{}", written.err);
}

#[test]
fn on_a_full_disk_it_can_be_read_and_backed_up_elsewhere() {
    let stage = vaulted();
    let backup = stage.path("saved.backup");
    let backup = backup.to_str().unwrap();
    for args in
        [&["vault", "status"][..], &["vault", "verify"], &["vault", "backup", backup], &["diff", "--offline"]]
    {
        let run = run_mounted(&stage, FULL, args);
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.out, run.err);
        assert!(!run.err.contains("by the stores alone"), "{args:?}: {}", run.err);
    }
    let to = stage.path("again/vault.sqlite");
    let restored = stage.run(&["vault", "restore", backup, "--vault", to.to_str().unwrap()]);
    assert_eq!(restored.code, 0, "{}{}", restored.out, restored.err);
    let written = run_mounted(&stage, FULL, &["agent", "disable", "stocks", "--yes", "--offline"]);
    assert_eq!(written.code, 1, "{}{}", written.out, written.err);
    assert!(written.err.contains("no room left"), "{}", written.err);
    assert!(!written.err.contains("read-only"), "{}", written.err);
}

#[test]
fn on_a_full_disk_it_is_room_that_is_missing() {
    let stage = vaulted();
    // The last changes may stand in a log, which SQLite cannot read without room for its index.
    let with_log = FULL.replace("dd if", "echo log > \"$D/vault.sqlite-wal\"; dd if");
    let run = run_mounted(&stage, &with_log, &["vault", "status"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("no room left"), "{}", run.err);
    let status = run_mounted(&stage, &with_log, &["status"]);
    assert!(status.err.contains("no room left"), "{}", status.err);
    let said = format!("{}{}{}{}", run.out, run.err, status.out, status.err);
    assert!(!said.contains("instance release"), "{said}");
}

/// Main and ops, which had a key and a binding of its own and is disabled.
fn with_one_off() -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        let ops = keyshoal_core::StoreId::Agent("ops".into());
        let bindings = serde_json::json!([{ "agentId": "ops", "match": { "channel": "telegram" } }]);
        sample
            .agent("ops")
            .agent("lab")
            .api_key(keyshoal_core::StoreId::Base, PROFILE, NEW)
            .api_key(ops, PROFILE, OWN)
            .config(serde_json::json!({ "bindings": bindings }))
    });
    for arguments in
        [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["agent", "disable", "ops", "--yes"]]
    {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    stage
}

#[test]
fn what_a_disabled_agent_had_of_its_own_and_lost_is_told_when_it_comes_back() {
    let own = "(SELECT uid FROM credentials WHERE agent IS NOT NULL)";
    let lost = format!("override {PROFILE} of ops");
    for sql in [
        format!("UPDATE versions SET sealed = zeroblob(length(sealed)) WHERE credential = {own}"),
        // Nothing but the history tells of it.
        format!("DELETE FROM versions WHERE credential = {own}; DELETE FROM credentials WHERE agent IS NOT NULL"),
        "UPDATE agents SET name = 'Other' WHERE id = 'lab'; DELETE FROM versions WHERE state = 'current' AND \
         credential = (SELECT uid FROM credentials WHERE agent IS NOT NULL)"
            .to_owned(),
    ] {
        let stage = with_one_off();
        damage(&stage, &sql);
        let run = stage.run(&["vault", "repair", "--yes"]);
        assert!(run.code == 2 && run.out.contains(&lost), "{sql}: {} {}{}", run.code, run.out, run.err);
        let enable = ["agent", "enable", "ops", "--yes"];
        for again in [&["--dry-run"] as &[&str], &[]] {
            let run = stage.run(&[&enable as &[&str], again].concat());
            let way = format!("keyshoal credential override ops {PROFILE}");
            assert!(run.err.contains("was lost") && run.err.contains(&way), "{sql}: {}{}", run.out, run.err);
        }
        let config = std::fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
        assert!(config.contains("telegram"), "its binding comes back: {config}");
        // It was told; whoever disables it and takes it back has decided.
        assert_eq!(stage.run(&["agent", "disable", "ops", "--yes"]).code, 0);
        let run = stage.run(&enable);
        assert!(run.code == 0 && !run.err.contains("was lost"), "{sql}: {}{}", run.out, run.err);
    }
}

#[test]
fn a_disabled_agent_of_which_no_row_is_left_is_named() {
    let stage = with_one_off();
    damage(&stage, "DELETE FROM agents WHERE id = 'ops'");
    let run = stage.run(&["vault", "repair", "--yes"]);
    assert!(run.code == 2 && run.out.contains("agent ops: cannot be had again"), "{}{}", run.out, run.err);
    assert!(!run.out.contains("credential set"), "an override is not what all share: {}", run.out);
    let again = stage.run(&["vault", "repair", "--yes"]);
    assert!(again.code == 0, "{}{}", again.out, again.err);
}
