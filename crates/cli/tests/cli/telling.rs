//! What commands of a vault say of what they did and would do, and that it is so.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::json;

/// Rejected.
const BAD: &str = "sk-ant-api03-seeded-bad-1f2e3d4c5b6a7988";

/// Three agents with copies of their own, in a vault.
fn taken_in() -> Stage {
    let own = |id: &str| StoreId::Agent(id.into());
    let stage = Stage::with(Layout::JsonFile, |sample| {
        let sample = sample.agent("stocks").agent("ops").api_key(StoreId::Base, PROFILE, NEW);
        sample.api_key(own("stocks"), PROFILE, NEW).api_key(own("ops"), PROFILE, NEW)
    });
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--name", "home", "--offline", "--yes"]);
    stage
}

fn fine(stage: &Stage, arguments: &[&str]) -> Run {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run
}

/// Puts another value into an agent's store, as somebody does behind the vault's back.
fn put(stage: &Stage, agent: &str, value: &str) {
    let path = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(NEW), "{agent}: {text}");
    std::fs::write(&path, text.replace(NEW, value)).unwrap();
}

#[test]
fn an_adoption_says_what_it_did_and_then_what_is_open() {
    let stage = taken_in();
    put(&stage, "stocks", OWN);
    put(&stage, "ops", GIVEN);
    let run = stage.run(&["credential", "adopt", "stocks", PROFILE, "--offline", "--yes"]);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.err.contains("goes into the vault as stocks's own"), "{}", run.err);
    let (did, open) = (run.out.find("the vault has it"), run.out.find("ops anthropic:default"));
    assert!(did.is_some() && did < open, "{}", run.out);
    let has = fine(&stage, &["credential", "list"]).out;
    assert!(has.lines().any(|line| line.contains(PROFILE) && line.contains("stocks")), "{has}");
    let run = fine(&stage, &["credential", "adopt", "ops", PROFILE, "--offline", "--yes"]);
    assert!(run.out.contains("the vault has it"), "{}", run.out);
}

#[test]
fn a_rotation_says_of_each_step_what_it_means_and_nothing_of_who_was_not_asked() {
    let stage = taken_in();
    let run = stage.run_with(&["rotate", PROFILE, "--yes"], &format!("{GIVEN}\n"));
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let all = format!("{}{}", run.out, run.err);
    for said in [
        "· tested: its provider accepts it",
        "· wave 1 of 2: stocks",
        "· current in the vault from now on: everybody who shares it gets it",
        "· wave 2 of 2: everybody",
        "✓ every agent works with",
    ] {
        assert!(all.contains(said), "{said}: {all}");
    }
    assert!(run.out.contains("✓ durable") && !all.contains("not asked"), "{all}");
    let back = fine(&stage, &["rotate", PROFILE, "--rollback", "--yes"]);
    assert!(back.err.contains("· going back to the value before"), "{}", back.err);
    let given = stage
        .run_with(&["credential", "override", "ops", PROFILE, "--yes", "--offline"], &format!("{OWN}\n"));
    assert_eq!(given.code, 0, "{}{}", given.out, given.err);
    let one =
        stage.run_with(&["rotate", PROFILE, "--agent", "ops", "--offline", "--yes"], &format!("{GIVEN}\n"));
    assert!(one.err.contains("from now on: ops gets it") && !one.err.contains("everybody"), "{}", one.err);
}

#[test]
fn a_plan_that_ends_the_delivered_file_says_so_and_it_is_so() {
    let stage = taken_in();
    fine(&stage, &["instance", "set", "--delivery", "refs", "--offline", "--yes"]);
    let file = stage.state_dir().join(".keyshoal/delivered/secrets.json");
    assert!(file.exists());
    let said = |out: &str| {
        out.lines().any(|line| line.contains("secrets.json") && line.contains("once no store refers to it"))
    };
    let inline = ["instance", "set", "--delivery", "inline", "--offline"];
    let plan = stage.run(&[&inline[..], &["--dry-run"]].concat());
    assert!(plan.code == 2 && said(&plan.out) && file.exists(), "{}{}", plan.out, plan.err);
    let done = fine(&stage, &[&inline[..], &["--yes"]].concat());
    assert!(said(&done.out) && !file.exists(), "{}", done.out);
    let after = fine(&stage, &["diff", "--offline"]);
    assert!(!after.out.contains("secrets.json"), "{}", after.out);
}

#[test]
fn what_is_known_already_is_shown_with_its_values() {
    let stage = taken_in();
    let known = fine(&stage, &["instance", "add", "--dry-run"]);
    let line = known.out.lines().find(|line| line.contains(PROFILE)).unwrap().to_owned();
    let print =
        fine(&stage, &["credential", "list", "--json"]).json()["fingerprints"][0]["fingerprint"].clone();
    assert!(line.contains(print.as_str().unwrap()), "{line}");
}

#[test]
fn no_agent_gets_a_word_for_an_id_that_commands_take_for_something_else() {
    let stage = taken_in();
    for words in [
        &["agent", "rename", "ops", "base", "--offline", "--yes"] as &[&str],
        &["agent", "rename", "ops", "Base", "--offline", "--dry-run"],
        &["agent", "add", "base", "--offline", "--yes"],
    ] {
        let run = stage.run(words);
        assert_eq!(run.code, 1, "{words:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("the store that all agents inherit from"), "{}", run.err);
    }
    let agents = fine(&stage, &["agent", "list", "--json"]).json()["instance"]["agents"].clone();
    assert!(agents.as_array().unwrap().iter().all(|agent| agent["id"] != "base"), "{agents}");
}

#[test]
fn a_preview_without_questions_shows_what_the_run_does_also_of_a_value_that_was_rejected() {
    let vaulted = taken_in();
    let plain = Stage::calm(Layout::JsonFile);
    for (stage, words) in [
        (&vaulted, &["credential", "set", PROFILE] as &[&str]),
        (&vaulted, &["set", "anthropic"]),
        (&plain, &["set", "anthropic"]),
    ] {
        let with = |more: &[&str]| stage.run_with(&[words, more].concat(), &format!("{BAD}\n"));
        let refused = with(&["--yes"]);
        assert_eq!(refused.code, 1, "{words:?}: {}{}", refused.out, refused.err);
        let plan = with(&["--offline", "--dry-run", "--json"]);
        let actions = plan.json().pointer("/plan/actions").unwrap().clone();
        assert!(!actions.as_array().unwrap().is_empty(), "{words:?}: {}{}", plan.out, plan.err);
        // What is only shown is not remembered.
        let again = with(&["--yes"]);
        assert!(again.code == 1 && again.err.contains("does not accept"), "{words:?}: {}", again.err);
        let done = with(&["--offline", "--yes", "--json"]);
        assert_eq!(done.json().pointer("/plan/actions"), Some(&actions), "{words:?}: {}", done.err);
        assert_eq!(done.json()["applied"], json!(true), "{words:?}");
        let back = stage.run_with(&[words, &["--offline", "--yes"]].concat(), &format!("{NEW}\n"));
        assert_eq!(back.code, 0, "{words:?}: {}{}", back.out, back.err);
    }
}

#[test]
fn a_vault_that_takes_the_place_of_one_whose_key_is_lost_says_at_once_what_is_left_to_do() {
    let stage = taken_in();
    let given = ["credential", "override", "stocks", PROFILE, "--offline", "--yes"];
    assert_eq!(stage.run_with(&given, &format!("{OWN}\n")).code, 0);
    fine(&stage, &["instance", "set", "--delivery", "refs", "--offline", "--yes"]);
    std::fs::remove_file(stage.path(".config/keyshoal/vault.key")).unwrap();
    fine(&stage, &["instance", "release", "--yes"]);
    let vault = stage.path(".local/share/keyshoal/vault.sqlite");
    std::fs::rename(&vault, vault.with_extension("lost")).unwrap();
    fine(&stage, &["vault", "init"]);
    let added = fine(&stage, &["instance", "add", "--offline", "--yes"]);
    let status = stage.run(&["status"]);
    // The new vault has other names for what single agents have.
    assert_eq!(status.code, 2, "{}{}", status.out, status.err);
    assert!(added.err.contains("What is open") && added.err.contains("keyshoal sync"), "{}", added.err);
    fine(&stage, &["sync", "--offline", "--yes"]);
    let status = fine(&stage, &["status"]);
    assert!(status.out.contains("nothing to do"), "{}", status.out);
}
