//! Agents renamed, disabled, enabled and added by the vault while the gateway runs.

use super::OWN_KEY;
use super::house::House;
use keyshoal_testkit::instance::{KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A key of an agent's entry that Keyshoal knows nothing of.
const IDENTITY: &str = "identity";

impl House {
    /// The entry of an agent in the config, but for the mark of the default agent, which says the same where it is missing.
    fn entry(&self, agent: &str) -> Option<Value> {
        let agents = &self.config()["agents"];
        let listed = agents["list"].as_array().into_iter().flatten().find(|one| one["id"] == agent);
        let mut entry = listed.or_else(|| agents["entries"].get(agent)).cloned()?;
        entry.as_object_mut().unwrap().shift_remove("default");
        Some(entry)
    }

    /// The ids that the running gateway knows, as soon as this one is among them or not.
    fn roster_until(&self, agent: &str, there: bool) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let said = self.stage.instance.cli(&["gateway", "call", "agents.list", "--json"], "").unwrap();
            let start = said.out.find('{').unwrap_or(0);
            let document: Value = serde_json::from_str(&said.out[start..]).unwrap_or_default();
            let ids: Vec<&str> = document["agents"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["id"].as_str())
                .collect();
            if !ids.is_empty() && ids.contains(&agent) == there {
                println!("the gateway's roster: {ids:?}");
                return;
            }
            assert!(Instant::now() < until, "{}: {agent} there: {there}: {said:?}", self.version());
        }
    }

    fn replace_agent(&mut self, old: &str, new: Option<&str>) {
        self.agents.retain(|agent| agent != old);
        self.agents.extend(new.map(str::to_owned));
    }

    /// Tells whether an agent's own store holds this text.
    fn holds(&self, agent: &str, text: &str) -> bool {
        let store = stores::read(&self.stage.instance, Place::Agent(agent), Part::Profiles).unwrap();
        store.is_some_and(|store| store.to_string().contains(text))
    }
}

fn the_roster_follows_the_vault(version: &str) {
    let mut house = House::open_with(version, |config| {
        let identity = json!({ "name": "Professor", "emoji": "🎓" });
        let agents = &mut config["agents"];
        if agents["entries"].is_object() {
            for agent in [KEPT_AGENT, "research"] {
                agents["entries"][agent][IDENTITY] = identity.clone();
            }
        } else {
            for entry in agents["list"].as_array_mut().unwrap() {
                if [KEPT_AGENT, "research"].contains(&entry["id"].as_str().unwrap()) {
                    entry[IDENTITY] = identity.clone();
                }
            }
        }
    });
    house.take_in();

    // Renamed: it is there under its new id, with what is its own.
    let before = house.entry(KEPT_AGENT).unwrap();
    let renamed = house.fine(&["agent", "rename", KEPT_AGENT, "professor", "--yes"]);
    house.roster_until("professor", true);
    house.roster_until(KEPT_AGENT, false);
    let after = house.entry("professor").unwrap();
    assert_eq!(
        (&after[IDENTITY], &after["workspace"]),
        (&before[IDENTITY], &before["workspace"]),
        "{version}"
    );
    house.replace_agent(KEPT_AGENT, Some("professor"));
    if house.stage.instance.release().shared_row() {
        // The program makes its database at its first turn, and until then it inherits.
        assert!(renamed.out.contains("waits: professor mockai:default"), "{version}: {renamed:?}");
        house.everyone_sends("renamed-first", &[]);
        house.fine(&["sync", "--yes"]);
    }
    house.everyone_sends("renamed", &[("professor", KEPT_KEY)]);
    assert!(!house.holds(KEPT_AGENT, KEPT_KEY), "{version}: what stood under the old id is still there");
    assert_eq!(house.run(&["status"]).code, Some(0), "{version}");

    // Disabled: out of the roster, and nothing of the vault's in its store.
    let before = house.entry("research").unwrap();
    let own = house.key_file(OWN_KEY);
    house.provider().accept(OWN_KEY);
    house.fine(&["credential", "override", "research", PROFILE, "--from-file", &own, "--yes"]);
    house.everyone_sends("research-own", &[("professor", KEPT_KEY), ("research", OWN_KEY)]);
    house.fine(&["agent", "disable", "research", "--yes"]);
    house.roster_until("research", false);
    assert_eq!(house.entry("research"), None, "{version}");
    assert!(
        !house.holds("research", OWN_KEY) && !house.holds("research", OLD_KEY),
        "{version}: a disabled agent holds a key"
    );
    house.replace_agent("research", None);
    house.everyone_sends("disabled", &[("professor", KEPT_KEY)]);
    house.fine(&["agent", "enable", "research", "--yes"]);
    house.roster_until("research", true);
    assert_eq!(house.entry("research").unwrap(), before, "{version}");
    house.replace_agent("", Some("research"));
    house.everyone_sends("enabled", &[("professor", KEPT_KEY), ("research", OWN_KEY)]);

    // Added: it inherits; the program makes what it needs.
    house.fine(&["agent", "add", "novice", "--yes"]);
    house.roster_until("novice", true);
    house.replace_agent("", Some("novice"));
    house.everyone_sends("added", &[("professor", KEPT_KEY), ("research", OWN_KEY)]);
    assert_eq!(house.run(&["status"]).code, Some(0), "{version}");
    house.stage.seen("vault-roster", "added");
}

#[test]
fn the_roster_of_the_running_gateway_follows_the_vault_on_2026_3_28() {
    the_roster_follows_the_vault("2026.3.28");
}

#[test]
fn the_roster_of_the_running_gateway_follows_the_vault_on_2026_9_6() {
    the_roster_follows_the_vault("2026.9.6");
}
