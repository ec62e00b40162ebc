//! Stores that can be read and not written, or not even read, because the system says so.

use crate::said::{Run, checked};
use crate::stage::{DAMAGED, House, JSON, LAYOUTS, OLD, P, SQLITE, WELL, each};
use crate::tree::{changes, snapshot};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_read_only_file_is_not_written() {
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        chmod(&house.store(DAMAGED), 0o444);
        house.leave_to_an_ordinary_user();
        house.assert_refused("a read-only file", &["0444", "chmod u+w"]);
        assert_eq!(std::fs::metadata(house.store(DAMAGED)).unwrap().mode() & 0o777, 0o444);
    });
}

#[test]
fn a_file_in_a_read_only_directory_is_not_written() {
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        chmod(&house.agent_dir(DAMAGED), 0o555);
        house.leave_to_an_ordinary_user();
        house.assert_refused("a read-only directory", &[]);
        chmod(&house.agent_dir(DAMAGED), 0o755);
    });
}

#[test]
fn what_may_not_be_read_is_never_taken_for_empty() {
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        house.leave_to_an_ordinary_user();
        chmod(&house.store(DAMAGED), 0);
        house.assert_left_alone("a file without permissions", "unreadable", &[]);

        let house = House::rotated(*layout);
        house.leave_to_an_ordinary_user();
        chmod(&house.agent_dir(DAMAGED), 0);
        if is_root() {
            house.assert_left_alone("a directory without permissions", "unreadable", &["ermission denied"]);
        }
        chmod(&house.agent_dir(DAMAGED), 0o700);
    });
}

#[test]
fn a_file_of_another_user_is_not_written() {
    if !is_root() {
        return println!("only root can give files to others: there is nothing to hold for anybody else");
    }
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        house.leave_to_an_ordinary_user();
        chown(house.store(DAMAGED), Some(54_399), Some(54_399)).unwrap();
        house.assert_left_alone("another user's private file", "unreadable", &["ermission denied"]);

        let house = House::rotated(*layout);
        house.leave_to_an_ordinary_user();
        chown(house.store(DAMAGED), Some(54_399), Some(54_399)).unwrap();
        chmod(&house.store(DAMAGED), 0o644);
        house.assert_refused("another user's public file", &[]);
        assert_eq!(std::fs::metadata(house.store(DAMAGED)).unwrap().uid(), 54_399);
    });
}

/// Runs `keyshoal` where a directory is another file system, and hands over what stands there afterwards. `$D` is the directory,
/// `$B` a copy of what it held.
fn run_mounted(house: &House, dir: &Path, mount: &str, args: &[&str]) -> (Run, Files) {
    let (backup, after) = (house.path("backup"), house.path("after"));
    for place in [&backup, &after] {
        let _ = std::fs::remove_dir_all(place);
    }
    let script = format!(
        "set -e; cp -a \"$D\" \"$B\"; {mount}
         set +e; \"$@\"; code=$?
         set -e; rm -f \"$D/filler\" 2>/dev/null || true; cp -a \"$D\" \"$A\"; exit $code"
    );
    let mut command = house.command("unshare", &["--mount"]);
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_keyshoal"), "--keys-dir"]);
    command.arg(house.path("keys")).args(args).env("D", dir).env("B", &backup).env("A", &after);
    let run = checked(command.output().expect("this test needs unshare of util-linux"));
    assert!(after.exists(), "this test needs a mount namespace, as root or by user namespaces: {run:?}");
    (run, relative(&after))
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn relative(dir: &Path) -> Files {
    snapshot(dir)
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix(dir).unwrap().to_owned(), bytes))
        .collect()
}

const FULL: &str = "mount -t tmpfs -o size=256k tmpfs \"$D\"; cp -a \"$B/.\" \"$D\"
    dd if=/dev/zero of=\"$D/filler\" bs=4096 2>/dev/null || true";
const READ_ONLY: &str = "mount --bind \"$D\" \"$D\"; mount -o remount,bind,ro \"$D\"";

#[test]
fn a_store_on_a_full_or_read_only_disk_is_left_as_it_was() {
    let cases = [("full", FULL), ("read-only", READ_ONLY)];
    each(&crate::stage::in_layouts(&LAYOUTS, &cases), |(layout, (case, mount))| {
        let house = House::rotated(*layout);
        let dir = house.agent_dir(DAMAGED);
        let before = relative(&dir);
        let file = house.store(DAMAGED).display().to_string();
        let (run, after) = run_mounted(&house, &dir, mount, &["sync", "--yes", "--offline"]);
        assert_eq!(run.code, Some(2), "{layout} {case}: {run:?}");
        assert!(run.said().contains(&file), "{layout} {case}: {file} is not named: {run:?}");
        let mut changed = changes(&before, &after);
        // SQLite cannot take away its index and its empty log where nothing can be written.
        changed.retain(|one| !one.contains(".sqlite-shm") && !one.ends_with(".sqlite-wal: None -> Some(0)"));
        assert!(changed.is_empty(), "{layout} {case}: something was written: {changed:?}");
        for agent in WELL {
            house.assert_mended(agent, &format!("{layout} {case}"));
        }
        // Once there is room again, the next run does it.
        let sync = house.sync();
        assert_eq!(sync.code, Some(0), "{layout} {case}: {sync:?}");
        house.assert_mended(DAMAGED, &format!("{layout} {case}"));
    });
}

/// The whole installation on another disk, and known there; then the disk gets full.
const FULL_ALTOGETHER: &str =
    "mount -t tmpfs -o size=8m tmpfs \"$D\"; cp -a \"$B/.\" \"$D\"; rm -rf \"$D/.keyshoal\"
    \"$1\" \"$2\" \"$3\" status >\"$B.status\" || true
    dd if=/dev/zero of=\"$D/filler\" bs=4096 2>/dev/null || true";

#[test]
fn on_a_full_disk_nothing_is_written_anywhere() {
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        let before = relative(&house.state());
        let (run, mut after) = run_mounted(
            &house,
            &house.state(),
            FULL_ALTOGETHER,
            &["sync", "--yes", "--offline", "--include", "foreign"],
        );
        assert!(matches!(run.code, Some(1 | 2)), "{layout}: {run:?}");
        let place = house.state().join(".keyshoal").display().to_string();
        assert!(run.said().contains(&place), "{layout}: {place} is not named: {run:?}");
        after.retain(|path, _| !path.starts_with(".keyshoal"));
        let mut before = before;
        before.retain(|path, _| !path.starts_with(".keyshoal"));
        let changed = changes(&before, &after);
        assert!(changed.is_empty(), "{layout}: something was written: {changed:?}");
    });
}

#[test]
fn without_a_memory_that_can_be_written_nothing_is_written_anywhere() {
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        let agents = house.state().join("agents");
        let before = snapshot(&agents);
        let ledger = house.state().join(".keyshoal");
        let (run, _) = run_mounted(&house, &ledger, READ_ONLY, &["sync", "--yes", "--offline"]);
        assert!(matches!(run.code, Some(1 | 2)), "{layout}: {run:?}");
        let place = ledger.display().to_string();
        assert!(run.said().contains(&place), "{layout}: {place} is not named: {run:?}");
        let changed = changes(&before, &snapshot(&agents));
        assert!(changed.is_empty(), "{layout}: something was written: {changed:?}");
        assert_eq!(house.value(DAMAGED, P).as_deref(), Some(OLD));
        let (run, _) = run_mounted(&house, &ledger, READ_ONLY, &["status"]);
        assert_eq!(run.code, Some(2), "{layout}: looking must work: {run:?}");
        assert_eq!(house.sync().code, Some(0), "{layout}");
    });
}

#[test]
fn an_empty_database_file_is_left_to_openclaw() {
    each(&SQLITE, |layout| {
        let house = House::rotated(*layout);
        std::fs::write(house.store(DAMAGED), "").unwrap();
        let before = snapshot(&house.agent_dir(DAMAGED));
        let sync = house.sync();
        assert!(matches!(sync.code, Some(0 | 2)), "{layout}: {sync:?}");
        let changed = changes(&before, &snapshot(&house.agent_dir(DAMAGED)));
        assert!(changed.is_empty(), "{layout}: something was written: {changed:?}");
    });
}

#[test]
fn what_a_crashed_writer_left_behind_is_no_obstacle() {
    each(&JSON, |layout| {
        let house = House::rotated(*layout);
        // A lock of a process that is gone, and a half-written file of an earlier Keyshoal.
        let dir = house.agent_dir(DAMAGED);
        std::fs::write(
            dir.join("auth-profiles.json.lock"),
            r#"{"pid":4194303,"createdAt":"2020-01-01T00:00:00.000Z"}"#,
        )
        .unwrap();
        std::fs::write(dir.join(".auth-profiles.json.keyshoal-0123456789abcdef.tmp"), format!("{{\"{OLD}"))
            .unwrap();
        let sync = house.sync();
        assert_eq!(sync.code, Some(0), "{layout}: {sync:?}");
        house.assert_mended(DAMAGED, &layout.to_string());
        assert!(!dir.join("auth-profiles.json.lock").exists(), "{layout}");
    });
}
