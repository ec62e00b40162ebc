//! Stores that are broken, foreign, newer, or in the way.

use super::*;
use keyshoal_core::StoreHealth;
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_the_program_would_not_take_for_a_store_is_unreadable_and_never_empty() {
    let dir = tempfile::tempdir().unwrap();
    let good =
        "{\"profiles\":{\"openai:default\":{\"type\":\"api_key\",\"provider\":\"openai\",\"key\":\"k\"}}}";
    let deep = format!("{{\"profiles\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let broken: Vec<Vec<u8>> = vec![
        Vec::new(),
        b" \n".to_vec(),
        good[..40].into(),
        [b"\xef\xbb\xbf".as_slice(), good.as_bytes()].concat(),
        b"{ // comment\n\"profiles\":{} }".to_vec(),
        b"{'profiles':{}}".to_vec(),
        b"{\"profiles\":{},}".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        b"{\"profiles\":null}".to_vec(),
        b"{\"profiles\":\"x\"}".to_vec(),
        b"{\"profiles\":{\"a\":\"\xff\"}}".to_vec(),
        b"{\"profiles\":{\"a\":\"line\nbreak\"}}".to_vec(),
        format!("{good}{good}").into_bytes(),
        deep.into_bytes(),
        vec![0; 64],
    ];
    for bytes in broken {
        let store = json_store(dir.path(), "");
        std::fs::write(store.path(), &bytes).unwrap();
        let read = store.read().unwrap();
        assert!(!reason(&read).is_empty());
        let error = edit(&store, &[set(ID, "2")]).unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
        assert_eq!(std::fs::read(store.path()).unwrap(), bytes, "nothing is written");
        assert!(!format!("{read:?} {error}").contains("\"k\""));
    }
    for (text, with_state, ok) in [
        ("{\"profiles\":{}}", false, true),
        ("{\"profiles\":[]}", false, true),
        ("{\"profiles\":[]}", true, false),
    ] {
        json_store(dir.path(), text);
        let health = StoreFile::json(dir.path(), with_state).read().unwrap().health;
        assert_eq!(health == StoreHealth::Empty, ok, "{text}");
    }
    let absent = StoreFile::json(dir.path().join("nowhere"), false);
    assert_eq!(absent.read().unwrap().health, StoreHealth::Absent);
    assert!(!edit(&absent, &[]).unwrap().changed);
    assert!(matches!(edit(&absent, &[set(ID, "1")]), Err(StoreError::Refused { .. })));
    assert!(!dir.path().join("nowhere").exists(), "no edits, no traces");
}

#[test]
fn entries_that_the_program_ignores_are_listed_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let store = json_store(
        dir.path(),
        r#"{"profiles":{"a":1,"b":{"type":"api_key"},"c":{"type":"weird","provider":"p"},"__proto__":{"type":"token","provider":"p","token":"t"},
           "half\ud800":{"type":"token","provider":"p","token":"t"},"d":{"type":"token","provider":"p","token":"x\udfff"},
           "ok":{"type":"token","provider":" P ","token":"t","expires":"soon"},"ok":{"type":"token","provider":"p","token":"t2","expires":"soon"}}}"#,
    );
    let read = store.read().unwrap();
    let invalid: Vec<&str> = read.contents.invalid.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(invalid, ["a", "b", "c", "?", "d"]);
    assert_eq!(read.contents.profiles.len(), 1);
    assert_eq!(key_of(&read.contents, "ok").as_deref(), Some("t2"), "of duplicates the last one counts");
    let ok = &read.contents.profiles[&ProfileId::new("ok")];
    assert_eq!(ok.expires, Some(Err("\"soon\"".to_owned())));
    edit(&store, &[Edit::Remove { profile: "ok".into() }]).unwrap();
    assert!(store.read().unwrap().contents.profiles.is_empty(), "every duplicate goes");
}

#[test]
fn a_broken_cell_is_unreadable_and_not_written() {
    for layout in [Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow] {
        for text in ["", "{", "[]", "{\"version\":1}", "{\"profiles\":[]}"] {
            let dir = tempfile::tempdir().unwrap();
            let (base, _) = sample(layout, dir.path());
            Installation::new(layout).store_text(StoreId::Base, text).write(dir.path()).unwrap();
            assert!(!reason(&base.read().unwrap()).is_empty(), "{layout} {text}");
            let error = edit(&base, &[set(ID, "2")]).unwrap_err();
            assert!(matches!(error, StoreError::Unreadable { .. }), "{layout} {text}: {error}");
        }
    }
}

#[test]
fn a_database_that_is_none_or_not_this_agents_or_newer_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (base, stocks) = sample(Layout::SharedRow, dir.path());
    let other = StoreFile::agent_sqlite(stocks.path()).owned_by("research".into());
    assert!(reason(&other.read().unwrap()).contains("belongs to agent `stocks`"));
    let wrong_role = StoreFile::agent_sqlite(base.path());
    assert!(reason(&wrong_role.read().unwrap()).contains("role"));

    let db = rusqlite::Connection::open(stocks.path()).unwrap();
    db.pragma_update(None, "user_version", 24).unwrap();
    drop(db);
    let read = stocks.read().unwrap();
    assert_eq!(read.health, StoreHealth::NewerSchema { found: 24, known: 23 });
    assert_eq!(key_of(&read.contents, ID).as_deref(), Some("stocks-1"), "what can be read is read");
    let error = edit(&stocks, &[set(ID, "2")]).unwrap_err();
    assert!(matches!(&error, StoreError::ReadOnly { reason, .. } if reason.contains("newer")), "{error}");

    std::fs::write(stocks.path(), b"SQLite format 3\0 garbage that goes on for a while").unwrap();
    assert!(!reason(&stocks.read().unwrap()).is_empty());
    assert!(matches!(edit(&stocks, &[set(ID, "2")]), Err(StoreError::Unreadable { .. })));
    std::fs::write(stocks.path(), b"").unwrap();
    assert_eq!(stocks.read().unwrap().health, StoreHealth::Empty);
    assert!(edit(&stocks, &[set(ID, "2")]).is_err());
    std::fs::remove_file(stocks.path()).unwrap();
    assert_eq!(stocks.read().unwrap().health, StoreHealth::Absent);
    assert!(matches!(
        edit(&stocks, &[set(ID, "2")]),
        Err(StoreError::Refused { .. } | StoreError::ReadOnly { .. })
    ));
    assert!(!stocks.path().exists(), "a database is never created");
}

#[test]
fn a_corrupt_page_is_an_error_and_the_good_neighbour_works() {
    let dir = tempfile::tempdir().unwrap();
    let (base, stocks) = sample(Layout::AgentSqlite, dir.path());
    let mut bytes = std::fs::read(stocks.path()).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0x5a;
    }
    std::fs::write(stocks.path(), bytes).unwrap();
    assert!(!reason(&stocks.read().unwrap()).is_empty());
    edit(&base, &[set(ID, "base-2")]).unwrap();
    assert_eq!(read_key(&base, ID).as_deref(), Some("base-2"));
}

#[test]
fn a_supervised_installation_is_only_read() {
    let dir = tempfile::tempdir().unwrap();
    let (base, _) = sample(Layout::SharedRow, dir.path());
    let db = rusqlite::Connection::open(base.path()).unwrap();
    let claim = "{\"version\":1,\"mode\":\"external\",\"managerId\":\"fleet-7\",\"claimedAt\":1}";
    db.execute("INSERT INTO config_machine_state VALUES ('gateway.supervision', ?1, 1)", [claim]).unwrap();
    drop(db);
    assert!(base.read().unwrap().read_only.unwrap().contains("fleet-7"));
    assert!(matches!(edit(&base, &[set(ID, "2")]), Err(StoreError::ReadOnly { .. })));
    assert_eq!(read_key(&base, ID).as_deref(), Some("base-1"));
}

#[test]
fn reading_leaves_no_files_of_ours_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (base, stocks) = sample(Layout::SharedRow, dir.path());
    let list = |path: &Path| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let before = [list(base.path()), list(stocks.path())];
    base.read().unwrap();
    stocks.read().unwrap();
    assert_eq!([list(base.path()), list(stocks.path())], before);
    // While somebody holds it open with a log that is not yet in the database, that log counts.
    let db = rusqlite::Connection::open(stocks.path()).unwrap();
    db.execute("UPDATE auth_profile_store SET store_json = replace(store_json, 'stocks-1', 'stocks-2')", [])
        .unwrap();
    assert_eq!(read_key(&stocks, ID).as_deref(), Some("stocks-2"));
    drop(db);
    edit(&stocks, &[set(ID, "stocks-3")]).unwrap();
    assert_eq!([list(base.path()), list(stocks.path())], before);
}

#[test]
fn pipes_and_directories_in_the_way_do_not_hold_us_up() {
    let dir = tempfile::tempdir().unwrap();
    let made =
        std::process::Command::new("mkfifo").arg(dir.path().join("auth-profiles.json")).status().unwrap();
    assert!(made.success());
    assert!(StoreFile::json(dir.path(), false).read().is_err());
    let other = dir.path().join("other");
    std::fs::create_dir_all(other.join("auth-profiles.json")).unwrap();
    assert!(StoreFile::json(&other, false).read().is_err());
    assert!(edit(&StoreFile::json(&other, false), &[set(ID, "1")]).is_err());
    let db = dir.path().join("openclaw-agent.sqlite");
    std::fs::create_dir(&db).unwrap();
    assert!(StoreFile::agent_sqlite(db).read().is_err());
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_litter() {
    // The child of this test limits how large its files may grow; the parent looks at what is left.
    const CHILD: &str = "KEYSHOAL_TEST_FULL_DISK";
    if let Ok(dir) = std::env::var(CHILD) {
        let store = StoreFile::json(Path::new(&dir), false);
        let error = edit(&store, &[set(ID, &"x".repeat(70_000))]).unwrap_err();
        assert!(error.to_string().contains("auth-profiles.json"), "{error}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let text =
        "{\"profiles\":{\"openai:default\":{\"type\":\"api_key\",\"provider\":\"openai\",\"key\":\"1\"}}}";
    let store = json_store(dir.path(), text);
    let me = std::env::current_exe().unwrap();
    let name = "hostile::a_full_disk_leaves_the_old_file_and_no_litter";
    // 64 blocks of 512 bytes; the signal that comes with it is ignored, so that the write itself fails.
    let script = format!("trap '' XFSZ; ulimit -f 64; exec \"{}\" --exact {name}", me.display());
    let child =
        std::process::Command::new("sh").args(["-c", &script]).env(CHILD, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(std::fs::read_to_string(store.path()).unwrap(), text);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn leftovers_of_crashed_writers_are_swept_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "{\"profiles\":{\"openai:default\":{\"type\":\"api_key\",\"provider\":\"openai\",\"key\":\"1\"}}}";
    let store = json_store(dir.path(), text);
    let place = |name: &str| {
        let path = dir.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let old = SystemTime::now() - std::time::Duration::from_secs(3600);
        file.set_times(std::fs::FileTimes::new().set_modified(old)).unwrap();
        path
    };
    let ours = place(".auth-profiles.json.keyshoal-00ff.tmp");
    let theirs = place(".auth-profiles.json.1234.tmp");
    edit(&store, &[set(ID, "2")]).unwrap();
    assert!(!ours.exists() && theirs.exists());
}

/// Runs something in a thread of its own as an ordinary user, where the tests run as root.
fn as_user<T: Send>(dir: &Path, work: impl FnOnce() -> T + Send) -> T {
    let root = rustix::process::geteuid().is_root();
    let user = rustix::fs::Uid::from_raw(65_534);
    if root {
        let paths = [dir.to_owned()]
            .into_iter()
            .chain(std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()));
        paths.for_each(|path| std::os::unix::fs::chown(path, Some(65_534), None).unwrap());
    }
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if root {
                // Of this thread alone; its capabilities go with it.
                rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            }
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn a_directory_that_may_not_be_written_is_said_and_nothing_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "{\"profiles\":{\"openai:default\":{\"type\":\"api_key\",\"provider\":\"openai\",\"key\":\"1\"}}}";
    let store = json_store(dir.path(), text);
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o500)).unwrap();
    let error = as_user(dir.path(), || edit(&store, &[set(ID, "2")]).unwrap_err());
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    assert!(matches!(error, StoreError::Path(_)), "{error}");
    assert_eq!(std::fs::read_to_string(store.path()).unwrap(), text);
}

#[test]
fn a_file_of_another_user_stays_that_users_or_is_not_written() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let text =
        "{\"profiles\":{\"openai:default\":{\"type\":\"api_key\",\"provider\":\"openai\",\"key\":\"1\"}}}";
    let store = json_store(dir.path(), text);
    if !rustix::process::geteuid().is_root() {
        return;
    }
    std::os::unix::fs::chown(store.path(), Some(12_345), Some(12_345)).unwrap();
    edit(&store, &[set(ID, "2")]).unwrap();
    let meta = std::fs::metadata(store.path()).unwrap();
    assert_eq!((meta.uid(), meta.gid()), (12_345, 12_345));
    // Readable to a user, in a directory of his own, and yet somebody else's.
    std::os::unix::fs::chown(dir.path(), Some(65_534), None).unwrap();
    std::os::unix::fs::chown(store.path(), Some(0), Some(0)).unwrap();
    std::fs::set_permissions(store.path(), PermissionsExt::from_mode(0o644)).unwrap();
    let user = rustix::fs::Uid::from_raw(65_534);
    let error = std::thread::scope(|scope| {
        let work = || {
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            edit(&store, &[set(ID, "3")]).unwrap_err()
        };
        scope.spawn(work).join().unwrap()
    });
    assert!(error.to_string().contains("run as that user"), "{error}");
    assert_eq!(read_key(&store, ID).as_deref(), Some("2"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}
