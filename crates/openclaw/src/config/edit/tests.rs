#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use serde_json::json;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// A config as a person writes it.
const HAND_WRITTEN: &str = "// my gateway\n{\n  gateway: { port: 18911 }, // local only\n  auth: {\n    profiles: {\n      'openai:work': { provider: 'openai', mode: 'api_key' },\n    },\n  },\n  /* one agent */\n  agents: { list: [ { id: 'main' } ] },\n}\n";

fn locations(dir: &Path) -> Locations {
    Locations {
        home: dir.to_owned(),
        state_dir: dir.to_owned(),
        config_path: dir.join("openclaw.json"),
        redirects: crate::locate::Redirects::default(),
        oauth_dir: dir.join("credentials"),
        include_roots: Vec::new(),
        notes: Vec::new(),
    }
}

fn place(text: &str) -> (tempfile::TempDir, Locations) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("openclaw.json"), text).unwrap();
    let locations = locations(dir.path());
    (dir, locations)
}

fn editor(locations: &Locations) -> Editor<'_> {
    Editor::new(locations, &Environment::default())
}

fn text(locations: &Locations) -> String {
    std::fs::read_to_string(&locations.config_path).unwrap()
}

#[test]
fn a_touch_adds_one_member_and_then_changes_one_value() {
    let (_dir, locations) = place(HAND_WRITTEN);
    let edited = editor(&locations).set_meta_touched("2026-11-22T12:00:00.000Z").unwrap();
    let Edited::Changed(at) = edited else { panic!("{edited:?}") };
    assert!(at.ends_with("openclaw.json:11:3"), "{at}");
    let added = "  meta: {\n    \"lastTouchedAt\": \"2026-11-22T12:00:00.000Z\"\n  },\n";
    let first = HAND_WRITTEN.replace("] },\n}\n", &format!("] }},\n{added}}}\n"));
    assert_eq!(text(&locations), first);

    editor(&locations).set_meta_touched("2026-11-22T12:00:01.000Z").unwrap();
    assert_eq!(text(&locations), first.replace("12:00:00.000Z", "12:00:01.000Z"));
    assert_eq!(editor(&locations).set_meta_touched("2026-11-22T12:00:01.000Z").unwrap(), Edited::Unchanged);
}

#[test]
fn a_value_is_changed_or_added() {
    let (_dir, locations) = place(HAND_WRITTEN);
    let set = |pointer: &str, value| editor(&locations).set_value(pointer, &value).unwrap();
    assert_eq!(set("/auth/profiles/openai:work/mode", json!("api_key")), Edited::Unchanged);
    set("/auth/profiles/openai:work/mode", json!("token"));
    let changed = HAND_WRITTEN.replace("mode: 'api_key'", "mode: \"token\"");
    assert_eq!(text(&locations), changed);
    let entry = json!({"provider": "openai", "mode": "oauth"});
    set("/auth/profiles/openai:a~1b~0c", entry.clone());
    let root = text::parse(Path::new("x"), &text(&locations)).unwrap();
    assert_eq!(root["auth"]["profiles"]["openai:a/b~c"], entry);
    assert!(text(&locations).starts_with(changed.split("\n    },\n  },\n  /*").next().unwrap()));
}

#[test]
fn byte_order_mark_mode_and_links_stay() {
    let (dir, locations) = place("");
    let real = dir.path().join("real.json");
    std::fs::write(&real, "\u{feff}{a: 1}").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::remove_file(&locations.config_path).unwrap();
    symlink("real.json", &locations.config_path).unwrap();
    editor(&locations).set_value("/a", &json!(2)).unwrap();
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "\u{feff}{a: 2}");
    assert_eq!(std::fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
    assert!(std::fs::symlink_metadata(&locations.config_path).unwrap().is_symlink());
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
}

#[test]
fn a_value_in_an_included_file_is_named_and_left() {
    let (dir, locations) =
        place("{\n  auth: {$include: './auth.json5'},\n  $include: ['base.json5'],\n  list: [1],\n}");
    std::fs::write(dir.path().join("auth.json5"), "{profiles: {'p:d': {provider: 'p', mode: 'token'}}}")
        .unwrap();
    std::fs::write(dir.path().join("base.json5"), "{meta: {lastTouchedAt: 'then'}, list: [0], deep: {x: 1}}")
        .unwrap();
    let before = text(&locations);
    let refused = |result: Result<Edited, ConfigError>, words: &str| {
        let problem = result.unwrap_err().to_string();
        assert!(problem.contains(words), "{problem}");
        assert_eq!(text(&locations), before);
    };
    refused(
        editor(&locations).set_value("/auth/profiles/p:d/mode", &json!("api_key")),
        "auth.json5:1:36: not edited: auth.profiles.p:d.mode stands in a file",
    );
    refused(
        editor(&locations).set_value("/deep/x", &json!(2)),
        "base.json5:1:51: not edited: deep.x stands in a file",
    );
    // The element is the second one of the whole list.
    refused(editor(&locations).set_value("/list/0", &json!(2)), "something else");
    // A touch lays its value over the included one.
    editor(&locations).set_meta_touched("now").unwrap();
    let root = text::parse(Path::new("x"), &text(&locations)).unwrap();
    let whole = include::resolve(root, "", &locations).unwrap();
    assert_eq!(whole.value["meta"]["lastTouchedAt"], "now");
    assert_eq!(whole.value["deep"]["x"], 1);
}

#[test]
fn refusals_name_file_and_line() {
    let (_dir, locations) = place("{\n  a: 1,\n  b: [1],\n  \\u0063: 2,\n}");
    let problem = editor(&locations).set_value("/a", &json!(2)).unwrap_err().to_string();
    assert!(problem.contains("openclaw.json:4:3: not edited"), "{problem}");
    let problem = editor(&locations).set_value("a", &json!(2)).unwrap_err().to_string();
    assert!(problem.contains("no JSON pointer"), "{problem}");
    std::fs::write(&locations.config_path, "{\n  a: 'text',\n}").unwrap();
    let problem = editor(&locations).set_value("/a/b", &json!(2)).unwrap_err().to_string();
    assert!(problem.contains("openclaw.json:2:6: not edited"), "{problem}");
    std::fs::write(&locations.config_path, "{\n  a: }").unwrap();
    assert!(editor(&locations).set_value("/a", &json!(2)).unwrap_err().to_string().contains(":2:6"));
    std::fs::remove_file(&locations.config_path).unwrap();
    assert!(editor(&locations).set_meta_touched("now").unwrap_err().to_string().contains("no config file"));
}

#[test]
fn a_touch_that_would_make_the_config_invalid_is_refused() {
    for newer in [
        "{agents: {entries: {main: {}}}}",
        "{agents: {ownership: 'explicit'}}",
        "{meta: {migrations: {}}}",
        "{meta: {lastTouchedVersion: '2026.8.1-beta.2'}}",
        "{meta: {lastTouchedVersion: '2027.1.0'}}",
        "{meta: {lastTouchedVersion: '2026.10.1'}}",
    ] {
        let (_dir, locations) = place(newer);
        let problem = editor(&locations).set_meta_touched("now").unwrap_err().to_string();
        assert!(problem.contains("invalid"), "{newer}: {problem}");
        assert_eq!(text(&locations), newer);
    }
    for older in [
        "{meta: {lastTouchedVersion: '2026.3.28'}}",
        "{meta: {lastTouchedVersion: 7}}",
        "{meta: {lastTouchedVersion: 'x'}}",
    ] {
        let (_dir, locations) = place(older);
        assert!(matches!(editor(&locations).set_meta_touched("now"), Ok(Edited::Changed(_))));
    }
}

#[test]
fn a_managed_config_is_left() {
    let (_dir, locations) = place("{}");
    for name in ["OPENCLAW_NIX_MODE", "OPENCLAW_CONFIG_READONLY"] {
        let mut env = Environment::default();
        env.vars.insert(name.to_owned(), "1".to_owned());
        let problem = Editor::new(&locations, &env).set_meta_touched("now").unwrap_err().to_string();
        assert!(problem.contains(name), "{problem}");
    }
    assert_eq!(text(&locations), "{}");
}

#[test]
fn a_change_of_someone_else_is_never_overwritten() {
    let (_dir, locations) = place("{a: 1}");
    let locked = replace::Locked::take(&locations.config_path).unwrap();
    assert!(!locked.replace(b"{a: 0}", b"{a: 2}").unwrap());
    assert_eq!(text(&locations), "{a: 1}");
    // Longer than what was read: the comparison must not stop at its end.
    assert!(!locked.replace(b"{a: 1", b"{a: 2}").unwrap());
    assert_eq!(text(&locations), "{a: 1}");
    assert!(locked.replace(b"{a: 1}", b"{a: 2}").unwrap());
    assert_eq!(text(&locations), "{a: 2}");
}

#[test]
fn the_lock_of_the_program_is_waited_for_and_given_back() {
    let (dir, locations) = place("{a: 1}");
    let lock = dir.path().join("openclaw.json.lock");
    let held = replace::Locked::take(&locations.config_path).unwrap();
    assert!(lock.exists());
    std::thread::scope(|scope| {
        let edit = scope.spawn(|| editor(&locations).set_value("/a", &json!(3)));
        // As long as the lock is held, nothing may change.
        assert!(held.replace(b"{a: 1}", b"{a: 2}").unwrap());
        drop(held);
        assert!(matches!(edit.join().unwrap().unwrap(), Edited::Changed(_)));
    });
    assert_eq!(text(&locations), "{a: 3}");
    assert!(!lock.exists());
}

#[test]
fn many_editors_at_once_lose_nothing() {
    let (dir, locations) = place("{\n  n: {\n    start: 0,\n  },\n}\n");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let locations = &locations;
            scope.spawn(move || {
                for turn in 0..10 {
                    editor(locations).set_value(&format!("/n/w{writer}_{turn}"), &json!(turn)).unwrap();
                }
            });
        }
    });
    let root = text::parse(Path::new("x"), &text(&locations)).unwrap();
    assert_eq!(root["n"].as_object().unwrap().len(), 41);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}
