//! Which scenario was seen at the provider on which release.
//!
//! Every scenario leaves the provider's rows of its last step in a file. `./test` runs [`every_release_and_scenario_has_a_row`] after all
//! others, so that a scenario that was skipped, filtered out or lost is a failure and no silence.

use keyshoal_emulator::Recorded;
use std::fmt::Write;
use std::path::PathBuf;

/// What has to be seen, and on which releases: all where none is named.
const SCENARIOS: &[(&str, &[&str])] = &[
    ("rotation", &[]),
    ("verify", &[]),
    ("activation", &["2026.3.28", "2026.6.11"]),
    ("load", &["2026.3.28", "2026.9.6"]),
    ("touch", &["2026.3.28"]),
    ("type", &["2026.3.28"]),
    ("set", &["2026.3.28", "2026.9.6"]),
    ("watch", &["2026.3.28", "2026.9.6"]),
    ("restart", &["2026.3.28", "2026.9.6"]),
    ("references", &["2026.3.28", "2026.6.11", "2026.9.6"]),
    ("own-file", &["2026.3.28", "2026.9.6"]),
    ("gate", &["2026.9.6"]),
    ("import", &["2026.3.28", "2026.9.6"]),
    ("scrub", &["2026.3.28", "2026.6.11", "2026.9.6"]),
    ("leftover", &["2026.8.2", "2026.9.6"]),
    ("cooldown", &["2026.3.28", "2026.6.11", "2026.9.6"]),
    ("vaulted", &["2026.3.28", "2026.9.6"]),
    ("vault-rotation", &["2026.3.28", "2026.9.6"]),
    ("vault-roster", &["2026.3.28", "2026.9.6"]),
];

/// Returns the folder of the rows of this run of `./test`.
fn folder() -> PathBuf {
    let run = std::env::var("KEYSHOAL_TEST_RUN").unwrap_or_else(|_| "by-hand".to_owned());
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scenario-rows").join(run)
}

/// Keeps the provider's rows of a scenario. There has to be one.
pub fn note(release: &str, scenario: &str, rows: &[Recorded]) {
    assert!(!rows.is_empty(), "{release} {scenario}: the provider saw nothing");
    let listed = SCENARIOS.iter().find(|(name, _)| *name == scenario);
    let demanded = listed.is_some_and(|(_, only)| only.is_empty() || only.contains(&release));
    assert!(demanded, "{release} {scenario} is in no row of SCENARIOS: nobody would miss it");
    let mut text = String::new();
    for row in rows {
        writeln!(text, "{}", serde_json::to_string(row).unwrap()).unwrap();
    }
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(folder().join(format!("{release}-{scenario}.jsonl")), text).unwrap();
}

#[test]
#[ignore = "looks back on a whole run: ./test runs it last"]
fn every_release_and_scenario_has_a_row() {
    let mut missing = Vec::new();
    for release in keyshoal_testkit::releases() {
        for (scenario, only) in SCENARIOS {
            if !only.is_empty() && !only.contains(&release.to_string().as_str()) {
                continue;
            }
            let file = folder().join(format!("{release}-{scenario}.jsonl"));
            if !std::fs::read_to_string(&file).is_ok_and(|rows| rows.lines().count() > 0) {
                missing.push(format!("{release} {scenario}"));
            }
        }
    }
    assert!(missing.is_empty(), "no row at the provider for: {}", missing.join(", "));
}
