//! The alert rules and the dashboard against the families that are exported, and the page itself.

use crate::stage::Stage;
use keyshoal_core::{FindingKind, Layout};
use keyshoal_metrics::{FAMILIES, Type};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

const RULES: &str = include_str!("../../../../contrib/prometheus/keyshoal.rules.yml");

const DASHBOARD: &str = include_str!("../../../../contrib/grafana/keyshoal.json");

/// Labels that Prometheus adds, and the bound of a histogram's bucket.
const ADDED: &[&str] = &["job", "le"];

/// Returns every name that an expression may use.
fn exported() -> BTreeSet<String> {
    let mut exported = BTreeSet::new();
    for family in FAMILIES {
        match family.kind {
            Type::Counter | Type::Gauge => {
                exported.insert(family.name.to_owned());
            }
            Type::Histogram(_) => {
                exported.extend(["bucket", "sum", "count"].map(|ending| format!("{}_{ending}", family.name)));
            }
        }
    }
    exported
}

/// Returns every word of a text that begins like a family's name.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
    words.filter(|word| word.starts_with("keyshoal_")).collect()
}

#[test]
fn rules_name_only_what_is_exported() {
    let exported = exported();
    let expressions: Vec<&str> =
        RULES.lines().filter_map(|line| line.trim_start().strip_prefix("expr: ")).collect();
    assert_eq!(expressions.len(), RULES.matches("- alert: ").count());
    for expression in expressions {
        let named = names(expression);
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(exported.contains(name), "{name} is not exported: {expression}");
        }
    }
}

#[test]
fn rules_name_only_labels_and_words_that_there_are() {
    for line in RULES.lines().filter(|line| line.trim_start().starts_with("expr: ")) {
        for (before, rest) in line.match_indices('{').map(|(at, _)| (&line[..at], &line[at + 1..])) {
            let name = names(before).pop_last().unwrap();
            let family = FAMILIES.iter().find(|family| family.name == name).unwrap();
            let (label, rest) = rest.split_once(['=', '!']).unwrap();
            assert!(family.labels.contains(&label), "{name} has no label {label}");
            let words = rest.split('"').nth(1).unwrap().split('|');
            for word in words.filter(|_| label == "finding") {
                assert!(FindingKind::ALL.iter().any(|kind| kind.as_str() == word), "{word} is no finding");
            }
        }
    }
}

/// Returns the expressions of the dashboard, each with how its series are called.
fn shown() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    targets.map(|target| (text(&target["expr"]), text(&target["legendFormat"]))).collect()
}

#[test]
fn the_dashboard_shows_what_is_exported_and_all_of_it() {
    let (exported, shown) = (exported(), shown());
    let mut seen = BTreeSet::new();
    for (expression, legend) in &shown {
        let named = names(expression);
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(exported.contains(name), "{name} is not exported: {expression}");
            let family = FAMILIES.iter().filter(|family| name.starts_with(family.name));
            let family = family.max_by_key(|family| family.name.len()).unwrap();
            seen.insert(family.name);
            let selected = expression.split_once('{').unwrap().1.split_once('}').unwrap().0;
            let selected =
                selected.split(",").filter_map(|part| part.split_once(['=', '!'])).map(|(label, _)| label);
            let by = expression.split("by (").nth(1).map_or("", |rest| rest.split(')').next().unwrap());
            let called = legend.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0);
            for label in selected.chain(by.split(", ").filter(|label| !label.is_empty())).chain(called) {
                assert!(
                    family.labels.contains(&label) || ADDED.contains(&label),
                    "{name} has no label {label}"
                );
            }
        }
    }
    for family in FAMILIES {
        let aside = [
            "keyshoal_build_info",
            "keyshoal_agents",
            "keyshoal_looks_total",
            "keyshoal_series_dropped_total",
        ];
        assert!(seen.contains(family.name) != aside.contains(&family.name), "{}", family.name);
    }
}

#[test]
fn a_port_that_is_taken_is_tried_again() {
    let stage = Stage::calm(Layout::JsonFile);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(stage.run(&["watch", "install-service", "--policy", "report"]).code, 0);
    let policy = format!("[watch]\nevery_seconds = 1\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n");
    std::fs::write(stage.path(".config/keyshoal/keyshoal.toml"), policy).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(["--json", "watch"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whatever happens: when the lines end, the child has ended.
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let warned = said.any(|line| line.contains("tried again"));
    drop(taken);
    let serves = said.any(|line| line.contains(&format!("metrics are at http://127.0.0.1:{port}/")));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    assert!(warned && serves);
}
