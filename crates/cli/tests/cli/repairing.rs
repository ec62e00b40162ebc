//! `vault repair` as people run it: what is damaged is never acted upon, and comes back from what the agents hold.

use crate::stage::*;
use keyshoal_core::Layout;
use keyshoal_testkit::rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn vaulted(layout: Layout) -> Stage {
    let stage = Stage::drifted(layout);
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let added = stage.run(&["instance", "add", "--yes"]);
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    // What the vault says is all there, and the rest has been asked about.
    let _ = stage.run(&["sync", "--yes"]);
    stage
}

fn path(stage: &Stage) -> PathBuf {
    stage.path(".local/share/keyshoal/vault.sqlite")
}

fn damage(stage: &Stage, sql: &str) {
    let connection = Connection::open(path(stage)).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

/// Every plain file of OpenClaw's, and every row of its stores in databases.
fn held(stage: &Stage) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(dir: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() && name != ".keyshoal" {
                walk(&entry, all);
            } else if name.ends_with(".sqlite") {
                let image = Connection::open(&entry).unwrap().serialize("main").unwrap().to_vec();
                all.insert(entry, image);
            } else if entry.is_file() && !name.contains(".sqlite-") {
                all.insert(entry.clone(), std::fs::read(&entry).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(&stage.state_dir(), &mut all);
    all
}

const DAMAGES: [(&str, &str); 7] = [
    (
        "a value that is shared",
        "UPDATE versions SET sealed = zeroblob(length(sealed)) WHERE credential =
           (SELECT uid FROM credentials WHERE agent IS NULL AND provider = 'anthropic')",
    ),
    (
        "the value of an override",
        "UPDATE versions SET wrapped = zeroblob(length(wrapped)) WHERE credential =
           (SELECT uid FROM credentials WHERE agent IS NOT NULL LIMIT 1)",
    ),
    (
        "an override, with its versions",
        "DELETE FROM versions WHERE credential = (SELECT uid FROM credentials WHERE agent IS NOT NULL LIMIT 1);
         DELETE FROM credentials WHERE uid = (SELECT uid FROM credentials WHERE agent IS NOT NULL LIMIT 1)",
    ),
    ("an agent under another id", "UPDATE agents SET id = 'academy' WHERE id = 'academic'"),
    (
        "two agents with each other's ids",
        "UPDATE agents SET id = 'x' WHERE id = 'ops'; UPDATE agents SET id = 'ops' WHERE id = 'stocks';
         UPDATE agents SET id = 'stocks' WHERE id = 'x'",
    ),
    ("an agent that is gone", "DELETE FROM agents WHERE id = 'ops'"),
    ("the instance", "UPDATE instances SET models = '{\"primary\":\"other/model\"}'"),
];

fn is_never_acted_upon_and_comes_back(layout: Layout, delivery: &str) {
    let stage = vaulted(layout);
    let set = stage.run(&["instance", "set", "--delivery", delivery, "--yes", "--offline"]);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    assert_eq!(stage.run(&["diff", "--offline"]).code, 0, "{}", stage.run(&["diff", "--offline"]).out);
    let calm = stage.run(&["vault", "repair", "--yes"]);
    assert!(calm.code == 0 && calm.out.contains("nothing to repair"), "{}{}", calm.out, calm.err);
    let before = held(&stage);
    for (what, sql) in DAMAGES {
        damage(&stage, sql);
        assert_eq!(stage.run(&["vault", "verify"]).code, 2, "{what}");
        for acting in [&["sync", "--yes"][..], &["agent", "disable", "stocks", "--yes"]] {
            let run = stage.run(acting);
            assert_eq!(run.code, 1, "{what}: {acting:?} {}{}", run.out, run.err);
            assert!(run.err.contains("vault repair"), "{what}: {}", run.err);
            assert!(held(&stage) == before, "{what}: {acting:?} wrote something");
        }
        let seen = stage.run(&["vault", "repair", "--dry-run"]);
        assert_eq!(seen.code, 2, "{what}: {}{}", seen.out, seen.err);
        assert_eq!(stage.run(&["vault", "repair"]).code, 2, "{what}: nobody was there to ask");
        assert_eq!(stage.run(&["vault", "verify"]).code, 2, "{what}: nothing is mended unasked");
        let run = stage.run(&["vault", "repair", "--yes", "--json"]);
        assert_eq!(run.code, 0, "{what}: {}{}", run.out, run.err);
        let document = run.json();
        let kept = document["repaired"]["kept"].as_str().unwrap();
        assert!(Connection::open(kept).is_ok() && Path::new(kept).is_file(), "{what}");
        std::fs::remove_file(kept).unwrap();
        described(&document);
        let all = format!("{}{}{}{}", seen.out, seen.err, run.out, run.err);
        for secret in SECRETS {
            assert!(!all.contains(secret), "{what}: {all}");
        }
        assert_eq!(stage.run(&["vault", "verify"]).code, 0, "{what}");
        let diff = stage.run(&["diff", "--offline"]);
        assert_eq!(diff.code, 0, "{what}: {document} {}{}", diff.out, diff.err);
        assert!(!diff.err.contains("warning"), "{what}: {}", diff.err);
        assert!(held(&stage) == before, "{what}: repairing the vault wrote into the installation");
    }
}

fn described(document: &Value) {
    let described = include_str!("../../../../docs/documents.md");
    for key in document["repaired"].as_object().unwrap().keys() {
        assert!(described.contains(&format!("`{key}`")), "docs/documents.md says nothing of {key}");
    }
    for key in document["repaired"]["mends"][0].as_object().unwrap().keys() {
        assert!(described.contains(&format!("`{key}`")), "docs/documents.md says nothing of {key}");
    }
}

#[test]
fn damage_is_never_acted_upon_and_comes_back_in_files() {
    is_never_acted_upon_and_comes_back(Layout::JsonFile, "inline");
}

#[test]
fn damage_is_never_acted_upon_and_comes_back_where_stores_refer() {
    is_never_acted_upon_and_comes_back(Layout::JsonFile, "refs");
}

#[test]
fn damage_is_never_acted_upon_and_comes_back_in_databases() {
    is_never_acted_upon_and_comes_back(Layout::SharedRow, "inline");
}

#[test]
fn a_backup_gives_back_what_no_agent_holds_and_pages_are_no_rows() {
    let stage = vaulted(Layout::JsonFile);
    let backup = stage.path("whole.backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(stage.run(&["vault", "backup", backup]).code, 0);
    damage(&stage, DAMAGES[0].1);
    // Looked at from elsewhere, nothing of this instance is given up.
    let elsewhere = stage.path("elsewhere");
    let left = stage.run_at(&elsewhere, &["vault", "repair", "--yes"]);
    assert_eq!(left.code, 2, "{}{}", left.out, left.err);
    assert!(left.out.contains("--state-dir"), "{}", left.out);
    let mended = stage.run_at(&elsewhere, &["vault", "repair", "--yes", "--from", backup]);
    assert_eq!(mended.code, 0, "{}{}", mended.out, mended.err);
    assert_eq!(stage.run(&["vault", "verify"]).code, 0);

    let file = path(&stage);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4096..4096 + 64].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let refused = stage.run(&["vault", "repair", "--yes"]);
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("keyshoal vault restore"), "{}", refused.err);
}

#[test]
fn retired_values_go_when_they_are_purged() {
    let stage = vaulted(Layout::JsonFile);
    let new = stage.path("new.txt");
    std::fs::write(&new, GIVEN).unwrap();
    let rotate = ["rotate", PROFILE, "--yes", "--grace", "0", "--from-file", new.to_str().unwrap()];
    let rotated = stage.run(&rotate);
    assert_eq!(rotated.code, 0, "{}{}", rotated.out, rotated.err);
    let retired = "SELECT count(*) FROM versions WHERE state = 'retired'";
    let retired =
        || Connection::open(path(&stage)).unwrap().query_row(retired, [], |row| row.get::<_, i64>(0));
    assert_eq!(retired().unwrap(), 1);
    // It is not its time yet.
    let early = stage.run(&["vault", "purge", "--yes", "--json"]).json();
    assert_eq!((&early["purged"]["expired"], retired().unwrap()), (&serde_json::json!([]), 1));
    let seen = stage.run(&["vault", "purge", "--older-than", "0", "--dry-run", "--json"]);
    assert_eq!((seen.code, retired().unwrap()), (2, 1), "{}{}", seen.out, seen.err);
    let described = include_str!("../../../../docs/documents.md");
    let over = seen.json()["purged"].clone();
    let keys = over.as_object().unwrap().keys().chain(over["expired"][0].as_object().unwrap().keys());
    keys.for_each(|key| {
        assert!(described.contains(&format!("`{key}`")), "docs/documents.md says nothing of {key}")
    });
    assert_eq!(stage.run(&["vault", "purge", "--older-than", "0"]).code, 2, "nobody was there to ask");
    assert_eq!(retired().unwrap(), 1);
    let gone = stage.run(&["vault", "purge", "--older-than", "0", "--yes"]);
    assert_eq!((gone.code, retired().unwrap()), (0, 0), "{}{}", gone.out, gone.err);
    assert_eq!(stage.run(&["vault", "verify"]).code, 0);
    assert_eq!(stage.run(&["diff", "--offline"]).code, 0);
}
