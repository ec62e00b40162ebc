//! An installation whose vault says what is right, beside the real program: taken in, overridden, and what was pasted behind its back.

mod house;
mod live;
mod roster;
mod rotated;

use house::House;
use keyshoal_testkit::instance::{KEPT_AGENT, KEPT_KEY, PROFILE};
use serde_json::Value;

/// A key of one agent's own, given through the vault.
const OWN_KEY: &str = "sk-testkit-research-0000000000003";
/// A key that somebody pastes with the program's own command.
const PASTED_KEY: &str = "sk-testkit-pasted-00000000000004";

fn an_instance_lives_by_its_vault(version: &str) {
    let mut house = House::open(version);
    house.take_in();
    house.everyone_sends("taken", &[]);

    // A key of one agent's own, and back.
    house.provider().accept(OWN_KEY);
    let own = house.key_file(OWN_KEY);
    house.fine(&["credential", "override", "research", PROFILE, "--from-file", &own, "--yes"]);
    house.everyone_sends("overridden", &[("research", OWN_KEY)]);
    house.fine(&["credential", "override", "research", PROFILE, "--remove", "--yes"]);
    house.everyone_sends("shared-again", &[]);

    // Pasted behind the vault's back: told, not overwritten, and taken in where somebody says so.
    house.provider().accept(PASTED_KEY);
    house.stage.instance.rotate_by_cli("main", PASTED_KEY).unwrap();
    let status = house.run(&["status", "--json"]);
    assert_eq!(status.code, Some(2), "{version}: a stranger's key in the vault's place is no matter");
    let document: Value = serde_json::from_str(&status.out).unwrap();
    assert!(document.to_string().contains("foreign"), "{version}: {document:#}");
    house.run(&["sync", "--yes"]);
    assert_eq!(house.inherited(), PASTED_KEY, "{version}: what was never the vault's was overwritten");
    house.fine(&["credential", "adopt", "base", PROFILE, "--yes"]);
    house.everyone_sends_key("adopted", PASTED_KEY, &[]);
    assert_eq!(house.run(&["status"]).code, Some(0), "{version}");
    house.stage.seen("vaulted", "adopted");
}

#[test]
fn an_instance_lives_by_its_vault_on_2026_3_28() {
    an_instance_lives_by_its_vault("2026.3.28");
}

#[test]
fn an_instance_lives_by_its_vault_on_2026_9_6() {
    an_instance_lives_by_its_vault("2026.9.6");
}

/// What every agent is to send: its own key where it has one.
fn expected<'a>(agent: &str, shared: &'a str, own: &[(&str, &'a str)]) -> &'a str {
    match own.iter().find(|(id, _)| *id == agent) {
        Some((_, key)) => key,
        None if agent == KEPT_AGENT => KEPT_KEY,
        None => shared,
    }
}
