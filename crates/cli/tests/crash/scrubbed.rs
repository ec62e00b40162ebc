//! A scrub is killed on entry of the n-th write, fsync, rename or unlink that concerns the ledger or the files that it changes.
//!
//! After every crash each file holds what it held, or what it shall hold; an open run is reported, and `recover` brings it to either end.

use crate::house::{AGENTS, House};
use keyshoal_core::Layout;
use std::path::{Path, PathBuf};

/// What is counted, and how far apart the crashes are: of the many writes to a log only some.
const OPERATIONS: [(&str, usize); 9] = [
    ("pwrite64", 9),
    ("write", 1),
    ("fsync", 1),
    ("fdatasync", 1),
    ("rename", 1),
    ("renameat", 1),
    ("renameat2", 1),
    ("unlink", 1),
    ("unlinkat", 1),
];
/// What is planted begins so.
const PLANTED: &str = "planted-";
const MODELS: &str = r#"{ "providers": { "acme": { "apiKey": "planted-copy", "models": [] } } }"#;
const ARCHIVE: &str = r#"{ "version": 1, "profiles": { "acme:default": { "type": "api_key", "provider": "acme", "key": "planted-archived" } } }"#;

impl House {
    fn with_residue(layout: Layout) -> Self {
        let house = Self::never_seen(layout);
        for (path, text) in house.residue() {
            std::fs::write(path, text).unwrap();
        }
        // Keys and memory are made, so that only the scrub itself is crashed.
        house.run(&["status"]);
        house
    }

    fn residue(&self) -> Vec<(PathBuf, &'static str)> {
        let dir = self.state().join("agents").join(AGENTS[0]).join("agent");
        let mut all = vec![(dir.join("models.json"), MODELS)];
        if self.layout.is_sqlite() {
            all.push((dir.join("auth-profiles.json.migrated-1-a"), ARCHIVE));
        }
        all
    }

    fn touched(&self) -> [Vec<PathBuf>; 2] {
        let ledger = self.state().join(".keyshoal/ledger.sqlite");
        let mut files: Vec<PathBuf> = self.residue().into_iter().map(|(path, _)| path).collect();
        files.push(files[0].parent().unwrap().to_owned());
        [vec![ledger.clone(), ledger.with_extension("sqlite-wal")], files]
    }

    fn is_untouched(&self) -> bool {
        self.residue().iter().all(|(path, text)| std::fs::read_to_string(path).ok().as_deref() == Some(text))
    }
}

/// The files below a directory that hold a planted secret.
fn planted(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(planted(&path));
        } else if std::fs::read(&path).unwrap().windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes())
        {
            found.push(path);
        }
    }
    found
}

fn at_every_crash(layout: Layout, then: impl Fn(&House, &str)) {
    let mut open = 0;
    for group in [0, 1] {
        let mut crashes = 0;
        for (operation, apart) in OPERATIONS {
            for n in (1..).step_by(apart) {
                let house = House::with_residue(layout);
                if !house.killed_at(&["scrub", "--yes"], &house.touched()[group], operation, n) {
                    break;
                }
                crashes += 1;
                let place = format!("{layout}, {operation} {n} of group {group}");
                for (path, before) in house.residue() {
                    match std::fs::read_to_string(&path) {
                        Ok(text) => assert!(text == before || !text.contains(PLANTED), "{place}: {text}"),
                        Err(_) => assert_eq!(before, ARCHIVE, "{place}: only an archive goes"),
                    }
                }
                open += usize::from(house.has_open_run());
                then(&house, &place);
                house.assert_nothing_lost(&place);
            }
        }
        assert!(
            crashes >= 2,
            "{layout}: only {crashes} crashes in group {group}: was anything written at all?"
        );
    }
    assert!(open >= 3, "{layout}: only {open} crashes left a run open");
}

#[test]
fn a_killed_scrub_can_be_finished() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        at_every_crash(layout, |house, place| {
            if house.has_open_run() {
                house.run_well(&["recover", "--finish"], place);
            }
            house.run_well(&["scrub", "--yes"], place);
            assert_eq!(planted(house.root()), Vec::<PathBuf>::new(), "{place}");
            assert!(!house.has_open_run(), "{place}");
        });
    }
}

#[test]
fn a_killed_scrub_can_be_undone() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        at_every_crash(layout, |house, place| {
            if house.has_open_run() {
                house.run_well(&["recover", "--undo"], place);
                assert!(house.is_untouched(), "{place}");
                assert_eq!(planted(house.root()).len(), house.residue().len(), "{place}: and nothing beside");
            }
            assert!(!house.has_open_run(), "{place}");
        });
    }
}
