//! What a change of the roster brings along is shown before, as it is done then.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::fs;

fn run(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    (run.out + &run.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Main, and ops with a key of its own, in a vault.
fn vaulted(layout: Layout) -> Stage {
    let stage = Stage::with(layout, |sample| {
        let ops = StoreId::Agent("ops".into());
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).api_key(ops, PROFILE, OWN)
    });
    run(&stage, &["vault", "init"], 0);
    run(&stage, &["instance", "add", "--yes"], 0);
    stage
}

/// This process stands for the gateway.
fn gateway(stage: &Stage) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: i64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    let tmp = stage.state_dir().join("tmp/openclaw-1");
    fs::create_dir_all(&tmp).unwrap();
    let lock = json!({ "pid": std::process::id(), "startTime": ticks, "port": 1 });
    fs::write(tmp.join("gateway.state.lock"), lock.to_string()).unwrap();
}

/// What is done to stores, without what came of it.
fn deeds(all: &Value) -> Vec<Value> {
    let deed = |one: &Value| json!([one["action"], one["store"], one["profile"], one["from"], one["to"]]);
    let mut deeds: Vec<Value> = all.as_array().unwrap().iter().map(deed).collect();
    deeds.sort_by_key(ToString::to_string);
    deeds
}

/// Runs a change dry and then in earnest, and returns what both would do and did.
fn both(stage: &Stage, change: &[&str]) -> Vec<Value> {
    let dry = stage.run(&[change, &["--dry-run", "--json"]].concat());
    assert_eq!(dry.code, 2, "{change:?}: {}{}", dry.out, dry.err);
    let done = stage.run(&[change, &["--yes", "--json"]].concat());
    assert_eq!(done.code, 0, "{change:?}: {}{}", done.out, done.err);
    let (planned, done) = (deeds(&dry.json()["plan"]["actions"]), deeds(&done.json()["receipts"]));
    assert_eq!(planned, done, "{change:?}");
    done
}

#[test]
fn a_dry_run_shows_the_keys_of_agents_that_join_the_roster() {
    for layout in [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow] {
        let stage = vaulted(layout);
        let left = both(&stage, &["agent", "disable", "ops"]);
        assert_eq!((left.len(), &left[0][0]), (1, &json!("remove")), "{layout:?}");
        let shown = run(&stage, &["agent", "enable", "ops", "--dry-run"], 2);
        assert!(shown.contains("ops anthropic:default add ") && !shown.contains("gateway"), "{shown}");
        let came = both(&stage, &["agent", "enable", "ops"]);
        assert_eq!(
            (came.len(), &came[0][0], &came[0][1]),
            (1, &json!("insert"), &json!("ops")),
            "{layout:?}"
        );
    }
    let stage = vaulted(Layout::JsonFile);
    let moved = both(&stage, &["agent", "rename", "ops", "duty"]);
    assert_eq!((moved.len(), &moved[0][1], &moved[1][1]), (2, &json!("duty"), &json!("ops")));
    // What the vault wants and the config does not have yet is a sync's to bring.
    fs::remove_file(stage.state_dir().join("openclaw.json")).unwrap();
    fs::remove_file(stage.state_dir().join("agents/duty/agent/auth-profiles.json")).unwrap();
    assert!(run(&stage, &["diff"], 2).contains("duty anthropic:default add "));
}

#[test]
fn a_dry_run_says_that_a_running_gateway_is_told_of_who_joins() {
    let stage = vaulted(Layout::SharedRow);
    run(&stage, &["agent", "disable", "ops", "--yes"], 0);
    gateway(&stage);
    let shown = run(&stage, &["agent", "enable", "ops", "--dry-run"], 2);
    assert!(shown.contains("then the running gateway reads its stores again"), "{shown}");
}

#[test]
fn a_dry_run_of_a_rename_says_what_waits_and_what_cannot_be_moved() {
    let stage = vaulted(Layout::SharedRow);
    gateway(&stage);
    fs::write(stage.state_dir().join("agents/ops/agent/openclaw-agent.sqlite-shm"), "").unwrap();
    let config = || fs::read(stage.state_dir().join("openclaw.json")).unwrap();
    let before = config();
    let shown = run(&stage, &["agent", "rename", "ops", "duty", "--dry-run"], 2);
    for said in [
        "… waits: duty anthropic:default: ",
        "OpenClaw makes this store itself, and has not yet; until its first turn, and a sync after that, duty sends ",
        "which all share",
        "what else stands under ops stays there: a gateway may have its database open; keyshoal quarantine ops",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert_eq!(config(), before);
    fs::remove_dir_all(stage.state_dir().join("tmp")).unwrap();
    let shown = run(&stage, &["agent", "rename", "ops", "duty", "--dry-run"], 2);
    assert!(shown.contains("… waits: duty") && !shown.contains("stays there"), "{shown}");
    let done = run(&stage, &["agent", "rename", "ops", "duty", "--yes"], 0);
    assert!(done.contains("… waits: duty") && done.contains("which all share"), "{done}");
    // It only waits for OpenClaw, and everybody says so.
    let listed = run(&stage, &["artifacts", "--list"], 0);
    assert!(listed.contains("… pending: OpenClaw has not made its store yet"), "{listed}");
    run(&stage, &["status"], 0);
}

#[test]
fn a_roster_that_openclaw_would_refuse_is_refused_before_anything_is_written() {
    let stage = vaulted(Layout::JsonFile);
    run(&stage, &["agent", "disable", "ops", "--yes"], 0);
    let path = stage.state_dir().join("openclaw.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let dir = stage.state_dir().join("agents/ops/agent");
    config["agents"]["list"].as_array_mut().unwrap().push(json!({ "id": "night", "agentDir": dir }));
    fs::write(&path, config.to_string()).unwrap();
    for how in ["--dry-run", "--yes"] {
        let told = run(&stage, &["agent", "enable", "ops", how], 1);
        assert!(
            told.contains("the agents ops, night share the directory")
                && told.contains("nothing was changed"),
            "{told}"
        );
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), config.to_string());
    let shown = stage.run(&["agent", "show", "ops", "--json"]).json();
    assert_eq!(shown["instance"]["agents"][0]["enabled"], false);
}
