//! `verify` beside the real gateway: it finds the agents that fail, and those whose store is right while the gateway is not.

use crate::stage::{NEW_KEY, Run, Stage};
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Returns the state of every agent, and what its turn through the gateway showed.
fn states(run: &Run) -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let agents = document["agents"].as_array().unwrap().iter();
    agents
        .map(|agent| {
            let turn = &agent["turn"];
            let shown = if turn["gap"].is_null() { text(&turn["outcome"]) } else { text(&turn["gap"]) };
            (text(&agent["id"]), (text(&agent["state"]), shown))
        })
        .collect()
}

/// Returns what is known of the gateway's memory.
fn gateway(run: &Run) -> String {
    let document: Value = serde_json::from_str(&run.out).unwrap();
    document["gateway"]["state"].as_str().unwrap().to_owned()
}

fn all(state: &str, turn: &str) -> BTreeMap<String, (String, String)> {
    AGENTS.iter().map(|agent| ((*agent).to_owned(), (state.to_owned(), turn.to_owned()))).collect()
}

fn the_failing_agents_are_found(version: &str) {
    // The command of 2026.3.28 writes tokens: with API keys, even a good one would not fit the config any more.
    let seed = if version == "2026.3.28" { Seed::Token } else { Seed::ApiKey };
    let stage = Stage::open(version, seed);
    let through = stage.with_rights(&["verify", "--through-gateway", "--json"]);
    let healthy = stage.keyshoal(&through);
    assert_eq!(
        (healthy.code, states(&healthy)),
        (Some(0), all("proven", "answered")),
        "{version}: a false alarm"
    );

    // The provider changes its key, and every store gets it, and the gateway is not told.
    stage.rotate();
    let drifted = stage.keyshoal(&["verify", "--json"]);
    assert_eq!(drifted.code, Some(2));
    let failing: Vec<String> =
        states(&drifted).into_iter().filter(|(_, (state, _))| state == "failing").map(|(id, _)| id).collect();
    let found = ["stocks", KEPT_AGENT].map(|agent| failing.contains(&agent.to_owned()));
    assert_eq!(found, [true, false], "{version}: {failing:?}");
    let sync = stage.keyshoal(&stage.with_rights(&["sync", "--yes", "--activate", "none"]));
    assert_eq!(sync.code, Some(2), "written, and not activated");
    let written = stage.keyshoal(&["verify", "--json"]);
    let by_itself = ["2026.3.28", "2026.8.2", "2026.9.6"].contains(&version);
    if !(by_itself && gateway(&written) != "behind") {
        // The stores are right, and nobody has told the gateway: that proves no agent.
        assert_eq!(
            (written.code, gateway(&written), states(&written)),
            (Some(2), "behind".to_owned(), all("unproven", "-")),
            "{version}"
        );
    }
    stage.provider.clear_log();
    let unaware = stage.keyshoal(&through);
    // What the gateway really sent decides: 2026.8.2 and 2026.9.6 were seen to take up some writes by themselves, and that of 2026.3.28
    // reads all stores again a moment after its own command has changed the config.
    let old = stage
        .provider
        .log()
        .iter()
        .filter(|row| row.key.as_deref() == Some(OLD_KEY) && row.status == 401)
        .count();
    let found = states(&unaware);
    let not_activated = found.values().filter(|(_, shown)| shown == "not_activated").count();
    println!(
        "{version}: the old key was sent {old} times, {not_activated} agents are said not to be activated"
    );
    let behind = gateway(&unaware) == "behind";
    assert_eq!(
        (unaware.code, not_activated > 0),
        (Some(if behind { 2 } else { 0 }), old > 0),
        "{version}: {found:?}"
    );
    assert!(behind || old == 0, "{version}: what a turn showed is not believed");
    assert!(old > 0 || by_itself, "{version}: nothing was left to be found");

    let sync = stage.keyshoal(&stage.with_rights(&["sync", "--yes"]));
    assert_eq!(sync.code, Some(0), "{sync:?}");
    let proven = stage.keyshoal(&through);
    assert_eq!((proven.code, states(&proven)), (Some(0), all("proven", "answered")), "{version}");
    stage.everyone_sends("proven", NEW_KEY);
    stage.seen("verify", "proven");
}

/// Nothing is remembered, and somebody copied the new key into the stores of a running gateway.
#[test]
fn a_first_look_says_what_it_does_not_know_on_2026_3_28() {
    let stage = Stage::open("2026.3.28", Seed::Token);
    stage.provider.only_accept(&[NEW_KEY, KEPT_KEY]);
    for agent in AGENTS.iter().filter(|agent| **agent != KEPT_AGENT) {
        stores::edit(&stage.instance, Place::Agent(agent), Part::Profiles, |store| {
            if let Some(profile) = store["profiles"].get_mut(PROFILE) {
                profile["token"] = json!(NEW_KEY);
            }
        })
        .unwrap();
    }
    let run = stage.keyshoal(&["verify", "--json"]);
    assert_eq!(
        (run.code, gateway(&run), states(&run)),
        (Some(0), "unknown".to_owned(), all("accepted", "-")),
        "the keys work, and who has them is not known"
    );
    let run = stage.keyshoal(&stage.with_rights(&["verify", "--through-gateway", "--json"]));
    assert_eq!((run.code, gateway(&run)), (Some(2), "behind".to_owned()), "{:?}", states(&run));
    let sync = stage.keyshoal(&stage.with_rights(&["sync", "--yes"]));
    assert!(sync.out.contains("has read its stores again"), "{sync:?}");
    stage.everyone_sends_in_time("first-look", NEW_KEY, std::time::Duration::from_secs(60));
}

macro_rules! on {
    ($($name:ident = $version:literal),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                the_failing_agents_are_found($version);
            }
        )*
    };
}

on! {
    the_failing_agents_are_found_on_2026_3_28 = "2026.3.28",
    the_failing_agents_are_found_on_2026_5_28 = "2026.5.28",
    the_failing_agents_are_found_on_2026_6_11 = "2026.6.11",
    the_failing_agents_are_found_on_2026_8_2 = "2026.8.2",
    the_failing_agents_are_found_on_2026_9_6 = "2026.9.6",
}
