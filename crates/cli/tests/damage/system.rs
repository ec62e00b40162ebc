//! A system that says no: a full disk, a read-only one, files of another user.

use crate::said::{Run, checked};
use crate::stage::{House, OLD, P};
use keyshoal_core::Layout;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

const NOBODY: u32 = 65534;
/// A user without an entry in `/etc/passwd`, as in containers.
const SOMEBODY: u32 = 23_456;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Runs keyshoal where the state directory lies on a file system of its own, mounted for this process alone, and prepared by `prepare`.
/// What is left there is copied back over the original.
fn on_its_own_disk(house: &House, options: &str, prepare: &str) -> Run {
    let script = format!(
        "set -e; S='{state}'; cp -a \"$S\" \"$S.aside\"; mount -t tmpfs -o {options} none \"$S\"; cp -a \"$S.aside/.\" \"$S/\"; {prepare}; \
         code=0; \"$0\" \"$@\" sync --yes || code=$?; rm -rf \"$S.aside\"; mkdir \"$S.aside\"; cp -a \"$S/.\" \"$S.aside/\"; \
         umount \"$S\"; cp -a \"$S.aside/.\" \"$S/\"; exit $code",
        state = house.state().display(),
    );
    let plain = house.keyshoal(&[]);
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null());
    checked(command.output().unwrap())
}

#[test]
fn a_full_disk_loses_nothing() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        println!("== {layout:?}");
        let house = House::drifted(layout);
        let fill = "dd if=/dev/zero of=\"$S/ballast\" bs=1k 2>/dev/null || true";
        let run = on_its_own_disk(&house, "size=4m", fill);
        assert_ne!(run.code, Some(0), "nothing could be written, and it says that all is well");
        std::fs::remove_file(house.state().join("ballast")).unwrap();
        for agent in ["stocks", "research"] {
            assert_eq!(house.value(agent, P).as_deref(), Some(OLD), "{agent}");
        }
        // With room again, it does what it could not do.
        let again = house.run(&["sync", "--yes"]);
        if again.code != Some(0) {
            house.run(&["recover", "--finish", "--yes"]);
            house.run(&["sync", "--yes"]).ends_with(0);
        }
        house.is_right("stocks");
        house.is_right("research");
    }
}

#[test]
fn a_read_only_disk_is_said() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        println!("== {layout:?}");
        let house = House::drifted(layout);
        let run = on_its_own_disk(&house, "size=16m", "mount -o remount,ro none \"$S\"");
        assert_ne!(run.code, Some(0), "nothing could be written, and it says that all is well");
        run.says("read-only");
        assert_eq!(house.value("stocks", P).as_deref(), Some(OLD));
    }
}

fn owners(dir: &Path, found: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        found.push((entry.path().display().to_string(), meta.uid()));
        if meta.is_dir() {
            owners(&entry.path(), found);
        }
    }
}

/// Root on another user's installation acts as that user: nothing of root's is left behind.
#[test]
fn root_leaves_nothing_of_its_own_behind() {
    if !is_root() {
        println!("only root can act as another user: there is nothing to hold for anybody else");
        return;
    }
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let house = House::drifted(layout);
        let give = Command::new("chown").args(["-R", &SOMEBODY.to_string()]).arg(house.path("")).status();
        assert!(give.unwrap().success());
        house.run(&["sync", "--yes"]).ends_with(0);
        house.is_right("stocks");
        let mut found = Vec::new();
        owners(&house.path(""), &mut found);
        let of_root: Vec<_> = found.iter().filter(|(_, uid)| *uid != SOMEBODY).collect();
        assert!(of_root.is_empty(), "{layout:?}: {of_root:?}");
    }
}

/// Somebody who may not read the stores is told so, and nothing else happens.
#[test]
fn files_of_another_user_are_said() {
    let house = House::drifted(Layout::JsonFile);
    let mut command = if is_root() {
        let plain = house.keyshoal(&["sync", "--yes"]);
        let open = Command::new("chmod").arg("755").args([house.path(""), house.state()]).status();
        assert!(open.unwrap().success());
        // A home and keys of his own he has.
        std::os::unix::fs::chown(house.path("keys"), Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new("setpriv");
        command
            .args([&format!("--reuid={NOBODY}"), "--clear-groups"])
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    } else {
        let shut = Command::new("chmod").arg("000").arg(house.state().join("openclaw.json")).status();
        assert!(shut.unwrap().success());
        house.keyshoal(&["sync", "--yes"])
    };
    let run = checked(command.stdin(Stdio::null()).output().unwrap());
    run.ends_with(1).says("permission denied");
    assert_eq!(house.value("stocks", P).as_deref(), Some(OLD));
}
