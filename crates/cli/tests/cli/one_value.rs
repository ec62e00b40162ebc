//! What people see of a value is one fingerprint, whichever way the value reaches the agents.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::Value;
use std::collections::BTreeSet;

/// The fingerprints in a text: words of 8 hex digits.
fn shown(text: &str) -> BTreeSet<String> {
    let words = text.split(|one: char| !one.is_ascii_alphanumeric() && one != '-');
    let is_print = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    words.filter(is_print).map(str::to_owned).collect()
}

/// The same of every `fingerprint` in a document.
fn told(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::Object(map) => {
            found.extend(map.get("fingerprint").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|one| told(one, found));
        }
        Value::Array(all) => all.iter().for_each(|one| told(one, found)),
        _ => {}
    }
}

fn prints(stage: &Stage, arguments: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    told(&stage.run(arguments).json(), &mut found);
    found
}

#[test]
fn a_value_is_seen_alike_in_the_stores_and_by_reference_and_while_it_is_rotated() {
    const NEXT: &str = "sk-ant-api03-seeded-next-1f2e3d4c5b6a7988";
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let well = |arguments: &[&str]| {
            let run = stage.run(arguments);
            assert_eq!(run.code, 0, "{layout}, {arguments:?}: {}{}", run.out, run.err);
            run
        };
        for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
            well(arguments);
        }
        let looks: [&[&str]; 3] =
            [&["status", "--json"], &["instance", "show", "--json"], &["explain", "academic", "--json"]];
        let inline = looks.map(|look| prints(&stage, look));
        assert!(inline.iter().all(|prints| prints.len() > 1), "{inline:?}");
        well(&["instance", "set", "--delivery", "refs", "--yes"]);
        assert_eq!(looks.map(|look| prints(&stage, look)), inline, "{layout}");

        // The second one is tried before the first one's value before is retired.
        stage.emulator.only_accept(&[NEW, OWN, GIVEN, NEXT]);
        let key = stage.path("given");
        for value in [GIVEN, NEXT] {
            std::fs::write(&key, value).unwrap();
            let run = well(&["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()]);
            let listed = prints(&stage, &["credential", "show", PROFILE, "--json"]);
            let shown = shown(&format!("{}{}", run.out, run.err));
            assert!(!shown.is_empty() && shown.is_subset(&listed), "{layout}: {}{}", run.out, run.err);
        }
    }
}
