//! Holds the rooms of the house: who may know whom, and which room alone may use a cipher, a database or the network.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says by panicking what does not hold, and reads files as it likes"
)]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

/// Each room and the rooms it may know. `testkit` may be known by tests only, so it stands on no right side.
const ROOMS: &[(&str, &[&str])] = &[
    ("keyshoal-core", &[]),
    ("keyshoal-openclaw", &["keyshoal-core"]),
    ("keyshoal-providers", &["keyshoal-core"]),
    ("keyshoal-seal", &["keyshoal-core"]),
    ("keyshoal-emulator", &["keyshoal-core"]),
    ("keyshoal-ledger", &["keyshoal-core", "keyshoal-seal"]),
    ("keyshoal-vault", &["keyshoal-core", "keyshoal-seal"]),
    ("keyshoal-alerts", &["keyshoal-core", "keyshoal-seal"]),
    ("keyshoal-transfer", &["keyshoal-core", "keyshoal-seal", "keyshoal-openclaw"]),
    ("keyshoal-metrics", &[]),
    ("keyshoal-engine", &["keyshoal-core"]),
    (
        "keyshoal-local",
        &[
            "keyshoal-core",
            "keyshoal-engine",
            "keyshoal-openclaw",
            "keyshoal-ledger",
            "keyshoal-seal",
            "keyshoal-providers",
        ],
    ),
    (
        "keyshoal",
        &[
            "keyshoal-core",
            "keyshoal-engine",
            "keyshoal-local",
            "keyshoal-openclaw",
            "keyshoal-ledger",
            "keyshoal-seal",
            "keyshoal-vault",
            "keyshoal-providers",
            "keyshoal-emulator",
            "keyshoal-alerts",
            "keyshoal-metrics",
            "keyshoal-transfer",
        ],
    ),
    (
        "keyshoal-benches",
        &["keyshoal-core", "keyshoal-openclaw", "keyshoal-emulator", "keyshoal-seal", "keyshoal-vault"],
    ),
    ("keyshoal-testkit", &["keyshoal-core", "keyshoal-openclaw", "keyshoal-emulator"]),
];

/// What only some rooms may use, and which. Tests of any room may.
const TOOLS: &[(&str, &[&str])] = &[
    ("chacha20poly1305", &["keyshoal-seal"]),
    ("argon2", &["keyshoal-seal"]),
    (
        "rusqlite",
        &["keyshoal-openclaw", "keyshoal-ledger", "keyshoal-vault", "keyshoal-testkit", "keyshoal-benches"],
    ),
    ("curve25519-dalek", &["keyshoal-seal"]),
    ("reqwest", &["keyshoal-providers", "keyshoal-alerts"]),
    ("axum", &["keyshoal-emulator"]),
    ("tungstenite", &["keyshoal-openclaw"]),
    ("clap", &["keyshoal"]),
    ("anyhow", &["keyshoal-testkit", "keyshoal-benches"]),
];

/// What the pure rooms may not even be able to do: wait, read a file, ask a network.
const IMPURE: &[&str] =
    &["tokio", "rusqlite", "rustix", "reqwest", "tungstenite", "tempfile", "notify", "axum"];

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

fn names(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    package.dependencies.iter().filter(|it| kinds.contains(&it.kind)).map(|it| it.name.clone()).collect()
}

const SHIPPED: &[DependencyKind] = &[DependencyKind::Normal, DependencyKind::Build];

#[test]
fn every_room_knows_only_whom_it_may() {
    let metadata = workspace();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == package.name.as_str()) else {
            wrong.push(format!(
                "{} has no place in the house: add it to ROOMS and ARCHITECTURE.md",
                package.name
            ));
            continue;
        };
        for known in names(package, SHIPPED) {
            if known.starts_with("keyshoal") && !allowed.contains(&known.as_str()) {
                wrong.push(format!("{} may not know {known}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_tool_stays_in_its_room() {
    let metadata = workspace();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let used = names(package, SHIPPED);
        for (tool, rooms) in TOOLS {
            if used.contains(*tool) && !rooms.contains(&package.name.as_str()) {
                wrong.push(format!("{} may not use {tool}: that is for {}", package.name, rooms.join(", ")));
            }
        }
        if ["keyshoal-core", "keyshoal-engine"].contains(&package.name.as_str()) {
            wrong.extend(
                IMPURE
                    .iter()
                    .filter(|tool| used.contains(**tool))
                    .map(|tool| format!("{} is pure and may not use {tool}", package.name)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_takes_its_rules_and_versions_from_the_workspace() {
    let mut wrong = Vec::new();
    for package in workspace().workspace_packages() {
        let manifest: toml::Table = std::fs::read_to_string(&package.manifest_path).unwrap().parse().unwrap();
        let inherits =
            |value: &toml::Value| value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
        if !manifest.get("lints").is_some_and(inherits) {
            wrong.push(format!("{} has lints of its own", package.name));
        }
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                if !inherits(value) {
                    wrong.push(format!("{} names its own version of {name}", package.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
