//! A file that a container has mounted by itself: it can be overwritten, never replaced.

use super::*;
use std::process::Command;

const DIR: &str = "KEYSHOAL_TEST_MOUNTED_DIR";
const RUNNING: &str = "KEYSHOAL_TEST_MOUNTED_RUNNING";

/// A profile that shall stay, and one whose new value is shorter than the old one.
const TEXT: &str = r#"{"profiles":{"openai:default":{"type":"api_key","provider":"openai","key":"a-long-one"},"other:1":{"type":"api_key","provider":"other","key":"o"}},"x":1}"#;

fn rules_for(running: bool) -> WriteRules {
    WriteRules::new(SystemTime::now(), running)
}

/// Expects the old value, as a plan does: the second time around our own value is somebody else's.
fn from_old(contents: &StoreContents) -> Result<Vec<Edit>, keyshoal_openclaw::store::Refusal> {
    match key_of(contents, ID).as_deref() {
        Some("a-long-one") => Ok(vec![set(ID, "2")]),
        found => Err(keyshoal_openclaw::store::Refusal::Changed {
            profile: ProfileId::new(ID),
            found: format!("{found:?}"),
        }),
    }
}

/// What is done where the file is mounted.
fn inside(dir: &Path, running: bool) {
    let store = StoreFile::json(dir, false);
    assert!(store.read().unwrap().mounted_alone, "this test needs the mount");
    let result = store.update(&rules_for(running), &mut from_old);
    if running {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, StoreError::ReadOnly { reason, .. } if reason.contains("mounted")),
            "{error}"
        );
        return;
    }
    let written = result.unwrap();
    assert!(written.changed && written.merged_late_writes == 0, "{written:?}");
    assert_eq!(key_of(&written.contents, ID).as_deref(), Some("2"));
    // Somebody writes between our read and our write: his text is the base, and nothing of it is lost.
    let mut call = 0;
    let theirs = std::fs::read_to_string(store.path()).unwrap().replace("\"o\"", "\"o-2\"");
    store
        .update(&rules_for(false), &mut |_| {
            call += 1;
            if call == 2 {
                std::fs::write(store.path(), &theirs).unwrap();
            }
            Ok(vec![set(ID, "3")])
        })
        .unwrap();
    assert_eq!(read_key(&store, "other:1").as_deref(), Some("o-2"));
}

#[test]
fn a_file_mounted_by_itself_is_overwritten_while_the_gateway_is_down_and_refused_while_it_runs() {
    if let Ok(dir) = std::env::var(DIR) {
        return inside(Path::new(&dir), std::env::var_os(RUNNING).is_some());
    }
    for running in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let store = json_store(dir.path(), TEXT);
        let outside = dir.path().join("outside.json");
        std::fs::write(&outside, TEXT).unwrap();
        let me = std::env::current_exe().unwrap();
        let name = "mounted::a_file_mounted_by_itself_is_overwritten_while_the_gateway_is_down_and_refused_while_it_runs";
        let script = "mount --bind \"$2\" \"$3\" && exec \"$0\" --exact \"$1\"";
        let mut unshare = Command::new("unshare");
        unshare.arg("--mount");
        if !rustix::process::geteuid().is_root() {
            unshare.args(["--user", "--map-root-user"]);
        }
        unshare.args(["sh", "-c", script]);
        unshare.arg(&me).arg(name).args([&outside, store.path()]).env(DIR, dir.path());
        if running {
            unshare.env(RUNNING, "1");
        }
        let child = unshare.output().expect("this test needs unshare of util-linux");
        let said = [child.stdout, child.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(child.status.success() && said[0].contains("1 passed"), "running: {running}: {said:?}");
        let now = std::fs::read_to_string(&outside).unwrap();
        let expected = match running {
            true => TEXT.to_owned(),
            false => TEXT.replace("a-long-one", "3").replace("\"o\"", "\"o-2\""),
        };
        assert_eq!(now, expected, "running: {running}");
        assert_eq!(
            std::fs::read_to_string(store.path()).unwrap(),
            TEXT,
            "beneath the mount nothing is written"
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "and nothing is left behind");
    }
}
