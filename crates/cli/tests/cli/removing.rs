//! Taking agents and instances out of the vault: shown before, and asked about.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::Value;

fn run(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    (run.out + &run.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Main, and ops with a key of its own, in a vault as home.
fn vaulted() -> Stage {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        let ops = StoreId::Agent("ops".into());
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).api_key(ops, PROFILE, OWN)
    });
    run(&stage, &["vault", "init"], 0);
    run(&stage, &["instance", "add", "--name", "home", "--yes"], 0);
    stage
}

fn agents(stage: &Stage) -> Vec<String> {
    let shown = stage.run(&["agent", "list", "--json"]).json()["instance"]["agents"].clone();
    let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
    shown.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn an_instance_is_shown_before_it_is_removed_and_what_depends_on_it_is_said_first() {
    let stage = vaulted();
    let remove = ["instance", "remove", "home"];
    let shown = run(&stage, &[&remove as &[&str], &["--dry-run"]].concat(), 2);
    for said in [
        "What the agents hold stays with them",
        "dry run: nothing was removed",
        "home with 2 agents and 2 credentials",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    run(&stage, &["instance", "set", "--delivery", "refs", "--yes"], 0);
    let warned = "without the vault nothing makes it again, and a key that is lost there is lost. \
                  keyshoal instance set --delivery inline";
    let dry = run(&stage, &[&remove as &[&str], &["-n"]].concat(), 2);
    let unasked = run(&stage, &remove, 2);
    for told in [&dry, &unasked] {
        assert!(told.contains(warned), "{told}");
    }
    assert!(unasked.contains("remove home with 2 agents and 2 credentials from the vault?"), "{unasked}");
    assert_eq!(agents(&stage), ["main", "ops"]);
    let text = stage.run(&[&remove as &[&str], &["--yes"]].concat());
    assert!(text.code == 0 && !text.err.contains("  keyshoal") && !text.err.contains("    "), "{}", text.err);
    assert!(run(&stage, &["instance", "list"], 0).contains("the vault has no instance"));
}

/// Of a disabled agent nothing stands anywhere, so there is nothing to write; the vault loses what it has of it all the same.
#[test]
fn a_disabled_agent_is_removed_by_no_dry_run_and_only_where_somebody_agrees() {
    let stage = vaulted();
    run(&stage, &["agent", "disable", "ops", "--yes"], 0);
    let remove = ["agent", "remove", "ops"];
    let dry = run(&stage, &[&remove as &[&str], &["--dry-run"]].concat(), 2);
    assert!(dry.contains("then the vault would forget ops, with its own anthropic:default"), "{dry}");
    let unasked = run(&stage, &remove, 2);
    assert!(unasked.contains("have the vault forget ops, with its own anthropic:default?"), "{unasked}");
    assert_eq!(stage.run(&[&remove as &[&str], &["--json"]].concat()).json()["needs_attention"], true);
    assert_eq!(agents(&stage), ["main", "ops"]);
    run(&stage, &[&remove as &[&str], &["--yes"]].concat(), 0);
    assert_eq!(agents(&stage), ["main"]);
}

#[test]
fn an_agent_that_is_only_disabled_is_named_with_its_way_back() {
    let stage = vaulted();
    let add = ["agent", "add", "ops", "--dry-run"];
    let there = run(&stage, &add, 1);
    assert!(there.contains("there is an agent ops already") && !there.contains("enable"), "{there}");
    run(&stage, &["agent", "disable", "ops", "--yes"], 0);
    let disabled = run(&stage, &add, 1);
    assert!(disabled.contains("it is disabled → keyshoal agent enable ops"), "{disabled}");
}

#[test]
fn what_nobody_changed_needs_not_be_delivered() {
    let stage = vaulted();
    for how in ["--dry-run", "--yes"] {
        let told = run(&stage, &["instance", "deliver", how], 0);
        assert!(told.contains("nothing to do"), "{told}");
    }
}
