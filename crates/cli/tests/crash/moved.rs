//! An import, a backup, a restore and a repair, killed on entry of every call that makes something durable.
//!
//! Whatever the moment: afterwards the same command works again, or what it makes is there and whole; and nothing of the dead run lies
//! about.

use crate::trace;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The calls, and how far apart the crashes are: of the many writes to logs only some.
const OPERATIONS: [(&str, usize); 9] = [
    ("mkdir,mkdirat", 3),
    ("pwrite64", 23),
    ("write", 7),
    ("fsync", 3),
    ("fdatasync", 5),
    ("rename,renameat,renameat2", 1),
    ("linkat", 1),
    ("unlink", 3),
    ("unlinkat", 3),
];
const KEYS: [(&str, &str); 2] = [("acme:default", "key-new"), ("other:default", "key-other")];

struct Home(tempfile::TempDir);

impl Home {
    /// A payload of three agents, one with a key of its own and a workspace, and nothing else.
    fn with_payload() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let old = home.at("old");
        let mut installation = sample::Installation::new(Layout::JsonFile).config(json!({}));
        for (profile, key) in KEYS {
            installation = installation.api_key(StoreId::Base, profile, key);
        }
        for agent in ["stocks", "ops"] {
            installation = installation.agent(agent);
        }
        let own = StoreId::Agent("ops".into());
        installation.api_key(own, KEYS[0].0, "key-mine").write(&old).unwrap();
        std::fs::create_dir_all(old.join("workspace")).unwrap();
        std::fs::write(old.join("workspace/notes.md"), "a note").unwrap();
        let (payload, code) = (home.path("home.payload"), home.path("code"));
        home.well(&old, &["export", "--to", &payload, "--code-file", &code, "--with-context"]);
        std::fs::remove_dir_all(old).unwrap();
        home
    }

    /// The same, imported, with a backup of the vault.
    fn moved() -> Self {
        let home = Self::with_payload();
        home.well(&home.at("new"), &home.import());
        home.well(&home.at("new"), &["vault", "backup", &home.path("whole.backup")]);
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    fn import(&self) -> Vec<String> {
        let words =
            ["import", &self.path("home.payload"), "--code-file", &self.path("code"), "--yes", "--offline"];
        words.map(str::to_owned).into()
    }

    fn run(&self, state: &Path, words: &[impl AsRef<str>]) -> Output {
        keyshoal(self.0.path(), state, words)
    }

    fn well(&self, state: &Path, words: &[impl AsRef<str>]) -> Value {
        let output = self.run(state, words);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Holds that nothing that was begun lies about below the home.
    fn nothing_left(&self, place: &str) {
        let mut open = vec![self.0.path().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap()) {
                let name = entry.file_name().into_string().unwrap();
                assert!(
                    !name.contains("draft-") && !name.contains(".keyshoal-import"),
                    "{place}: {dir:?} has {name}"
                );
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                }
            }
        }
    }

    /// Runs a sync, and tells whether everything is there then, and nobody speaks of an import any more.
    fn is_ended_by_a_sync(&self, place: &str) -> bool {
        let new = self.at("new");
        let sync = self.run(&new, &["sync", "--yes", "--offline"]);
        let ended = sync.status.success();
        assert!(!ended || !new.join(".keyshoal-import").exists(), "{place}: {sync:?}");
        if ended {
            let config = std::fs::read_to_string(new.join("openclaw.json")).unwrap();
            assert!(config.contains("loopback") && config.contains("token"), "{place}: {config}");
            assert_eq!(self.run(&new, &["status"]).status.code(), Some(0), "{place}");
        }
        ended
    }

    /// Takes the installation away, also from the vault.
    fn forget_it(&self) {
        let list = self.well(&self.at("new"), &["instance", "list", "--json"]);
        let name = list["instances"][0]["name"].as_str().unwrap();
        self.well(&self.at("new"), &["instance", "remove", name, "--yes"]);
        std::fs::remove_dir_all(self.at("new")).unwrap();
    }

    /// Holds that the installation and the vault hold what was exported, once, and that all of it fits together.
    fn whole(&self, place: &str) {
        let new = self.at("new");
        assert_eq!(self.run(&new, &["vault", "verify"]).status.code(), Some(0), "{place}");
        let list = self.well(&new, &["instance", "list", "--json"]);
        assert_eq!(list["instances"].as_array().map(Vec::len), Some(1), "{place}: {list}");
        let diff = self.run(&new, &["diff", "--offline"]);
        assert_eq!(diff.status.code(), Some(0), "{place}: {diff:?}");
        let held = |agent: &str| {
            std::fs::read_to_string(new.join(format!("agents/{agent}/agent/auth-profiles.json")))
        };
        assert!(KEYS.iter().all(|(_, key)| held("main").unwrap().contains(key)), "{place}");
        assert!(held("ops").unwrap().contains("key-mine"), "{place}");
        assert_eq!(std::fs::read_to_string(new.join("workspace/notes.md")).unwrap(), "a note", "{place}");
        self.nothing_left(place);
    }
}

/// Kills a command on entry of the first such call for a path.
fn killed_at(home: &Home, words: &[impl AsRef<str>], call: &str, path: &str) -> bool {
    let (traced, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when=1"));
    let options = ["-o", "/dev/null", "-P", path, "-e", &traced, "-e", &inject];
    let mut command = trace::strace(&options, env!("CARGO_BIN_EXE_keyshoal"));
    ready(&mut command, home.0.path(), &home.at("new"), words).status.code().is_none_or(|code| code > 64)
}

fn ready(command: &mut Command, home: &Path, state: &Path, words: &[impl AsRef<str>]) -> Output {
    command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    command.arg("--state-dir").arg(state).args(words.iter().map(AsRef::as_ref));
    trace::run(command)
}

/// Runs keyshoal in a home.
pub fn keyshoal(home: &Path, state: &Path, words: &[impl AsRef<str>]) -> Output {
    ready(&mut Command::new(env!("CARGO_BIN_EXE_keyshoal")), home, state, words)
}

/// Runs a command and kills it on entry of the n-th such call. False when it came to its end instead.
pub fn killed(home: &Path, state: &Path, words: &[impl AsRef<str>], calls: &str, n: usize) -> bool {
    let traced = format!("trace={calls}");
    let inject = format!("inject={calls}:signal=SIGKILL:when={n}");
    let options = ["-o", "/dev/null", "-e", &traced, "-e", &inject];
    let mut command = trace::strace(&options, env!("CARGO_BIN_EXE_keyshoal"));
    ready(&mut command, home, state, words).status.code().is_none_or(|code| code > 64)
}

/// Kills a command at every one of the calls, each time with the home as it was. Returns how many crashes there were.
fn at_every_crash(home: &Home, ready: impl Fn(), words: &[impl AsRef<str>], then: impl Fn(&str)) -> usize {
    let kept = tempfile::tempdir().unwrap();
    copy(home.0.path(), kept.path());
    let mut crashes = 0;
    for (calls, apart) in OPERATIONS {
        for n in (1..).step_by(apart) {
            empty(home.0.path());
            copy(kept.path(), home.0.path());
            ready();
            if !killed(home.0.path(), &home.at("new"), words, calls, n) {
                break;
            }
            crashes += 1;
            then(&format!("{calls} {n}"));
        }
    }
    empty(home.0.path());
    copy(kept.path(), home.0.path());
    crashes
}

/// Copies what is in a directory.
pub fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap().success());
}

/// Removes what is in a directory.
pub fn empty(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
        let is_dir = entry.file_type().unwrap().is_dir();
        let path = entry.path();
        if is_dir { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }
}

#[test]
fn a_killed_import_is_whole_or_begins_anew() {
    let home = Home::with_payload();
    let (seen, ended) = (Cell::new(0), Cell::new(0));
    let crashes = at_every_crash(
        &home,
        || (),
        &home.import(),
        |place| {
            // Every other time somebody tries a sync first.
            seen.set(seen.get() + 1);
            let broke_off = home.at("new/.keyshoal-import").exists();
            if broke_off && seen.get() % 2 == 0 && home.is_ended_by_a_sync(place) {
                ended.set(ended.get() + 1);
                return home.whole(place);
            }
            let again = home.run(&home.at("new"), &home.import());
            let said = String::from_utf8_lossy(&again.stdout) + String::from_utf8_lossy(&again.stderr);
            // What had come to its end is refused a second time, and what a sync has changed is not removed.
            if said.contains("nothing of it is removed") {
                return assert!(seen.get() % 2 == 0 && said.contains("a run of `sync`"), "{place}: {said}");
            }
            assert!(
                again.status.success() || said.contains("already, and nothing is overwritten"),
                "{place}: {said}"
            );
            home.whole(place);
        },
    );
    assert!(crashes > 30 && ended.get() > 3, "only {crashes} crashes, and {} syncs", ended.get());
}

#[test]
fn a_killed_import_that_takes_another_one_back_is_taken_back_itself() {
    let home = Home::with_payload();
    let (new, import) = (home.at("new"), home.import());
    let mut crashes = 0;
    for (calls, apart) in
        [("unlink,unlinkat", 3), ("rmdir", 1), ("rename,renameat,renameat2", 1), ("fsync", 7)]
    {
        for n in (1..).step_by(apart) {
            // The first one is killed where stores are there, and the mark is to go.
            let from = home.path("new/.keyshoal-import");
            assert!(killed_at(&home, &import, "unlink", &from), "the first one came to its end");
            let place = format!("{calls} {n}");
            if !killed(home.0.path(), &new, &import, calls, n) {
                home.whole(&place);
                home.forget_it();
                break;
            }
            crashes += 1;
            let again = home.run(&new, &import);
            let is_there =
                String::from_utf8_lossy(&again.stdout).contains("already, and nothing is overwritten");
            assert!(again.status.success() || is_there, "{place}: {again:?}");
            home.whole(&place);
            home.forget_it();
        }
    }
    assert!(crashes > 10, "only {crashes} crashes");
}

#[test]
fn a_killed_backup_restore_and_repair_can_be_done_again() {
    let home = Home::moved();
    let vault = home.at(".local/share/keyshoal/vault.sqlite");
    let backup = ["vault", "backup", &home.path("next.backup")];
    let backups = at_every_crash(
        &home,
        || (),
        &backup,
        |place| {
            if !home.at("next.backup").exists() {
                home.well(&home.at("new"), &backup);
            }
            let verified = home.run(&home.at("new"), &["vault", "verify", &home.path("next.backup")]);
            assert_eq!(verified.status.code(), Some(0), "{place}: {verified:?}");
            home.whole_vault(place);
        },
    );
    let gone = || std::fs::remove_dir_all(vault.parent().unwrap()).unwrap();
    let restore = ["vault", "restore", &home.path("whole.backup")];
    let restores = at_every_crash(&home, gone, &restore, |place| {
        if !vault.exists() {
            home.well(&home.at("new"), &restore);
        }
        home.whole_vault(place);
    });
    let damaged = || {
        let connection = keyshoal_testkit::rusqlite::Connection::open(&vault).unwrap();
        connection
            .execute("UPDATE versions SET sealed = zeroblob(length(sealed)) WHERE rowid = 1", [])
            .unwrap();
    };
    let repair = ["--adopt", "moved", "vault", "repair", "--yes"];
    let repairs = at_every_crash(&home, damaged, &repair, |place| {
        home.well(&home.at("new"), &repair);
        home.whole_vault(place);
    });
    assert!(backups > 8 && restores > 6 && repairs > 6, "only {backups}, {restores} and {repairs} crashes");
}

impl Home {
    fn whole_vault(&self, place: &str) {
        assert_eq!(self.run(&self.at("new"), &["vault", "verify"]).status.code(), Some(0), "{place}");
        // Another vault command, which writes: it takes away what was left.
        let after = self.path("after.backup");
        self.well(&self.at("new"), &["vault", "backup", &after]);
        self.nothing_left(place);
    }
}
