#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::os::unix::fs::symlink;

/// An installation in a directory of its own, beside a directory that must never be read.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("state/sub")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        std::fs::write(dir.path().join("outside/secret.json5"), "{leaked: true}").unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn locations(&self) -> Locations {
        let state_dir = self.path("state");
        Locations {
            home: self.dir.path().to_owned(),
            config_path: state_dir.join("openclaw.json"),
            redirects: crate::locate::Redirects::default(),
            oauth_dir: state_dir.join("credentials"),
            state_dir,
            include_roots: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn resolve(&self, root: Value) -> Result<Included, ConfigError> {
        resolve(root.clone(), &serde_json::to_string_pretty(&root).unwrap(), &self.locations())
    }

    fn value(&self, root: Value) -> Value {
        self.resolve(root).unwrap().value
    }

    fn problem(&self, root: Value) -> String {
        self.resolve(root).err().map(|error| error.to_string()).unwrap_or_default()
    }
}

#[test]
fn merges_like_the_program() {
    let place = Place::new();
    place.write("state/a.json5", "{list: [1], one: {x: 1, y: 1}, word: 'a'} // a");
    place.write("state/b.json5", "{list: [2], one: {y: 2}, word: null}");
    assert_eq!(
        place.value(json!({"agents": {"$include": ["a.json5", "./b.json5"], "one": {"z": 3}, "list": [3]}})),
        json!({"agents": {"list": [1, 2, 3], "one": {"x": 1, "y": 2, "z": 3}, "word": null}})
    );
    assert_eq!(place.value(json!({"$include": "a.json5", "list": "x"}))["list"], json!("x"));
    place.write("state/list.json5", "[7, {$include: 'sub/c.json5'}]");
    place.write("state/sub/c.json5", "{from: 'sub', up: {$include: '../b.json5'}}");
    let found = place.resolve(json!({"l": {"$include": "list.json5"}})).unwrap();
    assert_eq!(
        found.value["l"],
        json!([7, {"from": "sub", "up": {"list": [2], "one": {"y": 2}, "word": null}}])
    );
    assert_eq!(
        found.files,
        [place.path("state/list.json5"), place.path("state/sub/c.json5"), place.path("state/b.json5")]
    );
}

#[test]
fn refuses_what_the_program_refuses() {
    let place = Place::new();
    place.write("state/a.json5", "{}");
    place.write("state/list.json5", "[]");
    place.write("state/bad.json5", "{\n  a: }");
    symlink(place.path("outside"), place.path("state/out")).unwrap();
    symlink(place.path("outside/secret.json5"), place.path("state/link.json5")).unwrap();
    std::fs::hard_link(place.path("outside/secret.json5"), place.path("state/hard.json5")).unwrap();
    place.write("state/big.json5", &format!("{{a: '{}'}}", "x".repeat(2 << 20)));
    let outside = place.path("outside/secret.json5").display().to_string();
    let long = "x/".repeat(3000);
    for (wanted, said) in [
        (json!("../outside/secret.json5"), "leaves the config's directory"),
        (json!("sub/../../outside/secret.json5"), "leaves the config's directory"),
        (json!(outside), "leaves the config's directory"),
        (json!("out/secret.json5"), "by a symbolic link"),
        (json!("link.json5"), "by a symbolic link"),
        (json!("hard.json5"), "hard links"),
        (json!("big.json5"), "larger than"),
        (json!("none.json5"), "does not exist"),
        (json!("sub"), "not a regular file"),
        (json!("a\0.json5"), "null byte"),
        (json!(long), "too long"),
        (json!("bad.json5"), "bad.json5:2:6"),
        (json!(7), "neither text nor a list"),
        (json!(["a.json5", 7]), "not text"),
        (json!("openclaw.json"), "does not exist"),
    ] {
        let problem = place.problem(json!({"$include": wanted}));
        assert!(problem.contains(said), "{wanted}: {problem}");
        assert!(!problem.contains("leaked"), "{problem}");
    }
    assert!(place.problem(json!({"$include": "list.json5", "a": 1})).contains("not an object"));
    // The place is that of the $include, in the file in which it stands.
    place.write("state/sub/d.json5", "[\n  1, {\n    b: {$include: '../none.json5'} } ]");
    let nested = place.problem(json!({"a": {"$include": "sub/d.json5"}}));
    assert!(nested.contains("sub/d.json5:3:9: $include \"../none.json5\""), "{nested}");
    assert!(place.problem(json!({"a": {"$include": 7}})).contains("openclaw.json:3:5: $include is neither"));
    // A link that stays inside is fine.
    symlink(place.path("state/a.json5"), place.path("state/inside.json5")).unwrap();
    assert_eq!(place.value(json!({"$include": "inside.json5"})), json!({}));
}

#[test]
fn ends_cycles_depth_and_floods() {
    let place = Place::new();
    place.write("state/x.json5", "{$include: 'y.json5'}");
    place.write("state/y.json5", "{$include: 'x.json5'}");
    assert!(place.problem(json!({"$include": "x.json5"})).contains("includes itself"));
    place.write("state/openclaw.json", "{}");
    place.write("state/back.json5", "{$include: 'openclaw.json'}");
    assert!(place.problem(json!({"$include": "back.json5"})).contains("includes itself"));

    for level in 0..12 {
        place.write(
            &format!("state/d{level}.json5"),
            &format!("{{deep: {{$include: 'd{}.json5'}}}}", level + 1),
        );
    }
    assert!(place.problem(json!({"$include": "d0.json5"})).contains("deeper than 10"));
    place.write("state/d10.json5", "{end: 1}");
    place.write("state/d9.json5", "{end: 1}");
    assert!(place.resolve(json!({"$include": "d0.json5"})).is_ok(), "ten files deep is allowed");

    for level in 0..9 {
        let next = format!("'w{}.json5'", level + 1);
        place.write(
            &format!("state/w{level}.json5"),
            &format!("{{$include: [{}]}}", [next.as_str(); 10].join(",")),
        );
    }
    place.write("state/w9.json5", "{}");
    assert!(place.problem(json!({"$include": "w0.json5"})).contains("one too many"));
}

#[test]
fn keys_of_the_prototype_are_dropped() {
    let place = Place::new();
    place.write("state/a.json5", "{a: {'__proto__': 1, constructor: 2, b: 3}}");
    assert_eq!(place.value(json!({"$include": "a.json5", "c": 1})), json!({"a": {"b": 3}, "c": 1}));
    assert_eq!(
        place.value(json!({"x": {"__proto__": {"y": 1}, "constructor": 2}})),
        json!({"x": {"constructor": 2}})
    );
}

#[test]
fn further_roots_are_allowed_where_the_environment_names_them() {
    let place = Place::new();
    let mut locations = place.locations();
    locations.include_roots.push(place.path("outside"));
    let found = resolve(
        json!({"$include": place.path("outside/secret.json5").display().to_string()}),
        "",
        &locations,
    )
    .unwrap();
    assert_eq!(found.value, json!({"leaked": true}));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a path looks like, nothing from outside is ever read.
    #[test]
    fn never_reads_from_outside(parts in proptest::collection::vec(
        prop_oneof![Just(".."), Just("."), Just("sub"), Just("out"), Just("outside"), Just("secret.json5"), Just("state"), Just("a.json5"), Just("link.json5"), Just("~"), Just("")],
        0..7,
    ), absolute in any::<bool>()) {
        let place = Place::new();
        place.write("state/a.json5", "{fine: true}");
        symlink(place.path("outside"), place.path("state/out")).unwrap();
        symlink(place.path("outside/secret.json5"), place.path("state/link.json5")).unwrap();
        let mut wanted = parts.join("/");
        if absolute {
            wanted = format!("{}/{wanted}", place.dir.path().display());
        }
        if let Ok(found) = place.resolve(json!({"$include": wanted})) {
            prop_assert_eq!(found.value, json!({"fine": true}));
        }
    }
}
