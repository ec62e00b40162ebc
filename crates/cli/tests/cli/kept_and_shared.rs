//! `keep` where a vault decides: what all share is no agent's own.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use std::fs;

fn fine(stage: &Stage, arguments: &[&str]) -> String {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    run.out + &run.err
}

/// Ops has a copy of what all share.
fn copied() -> Stage {
    Stage::with(Layout::JsonFile, |sample| {
        let ops = StoreId::Agent("ops".into());
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).api_key(ops, PROFILE, NEW)
    })
}

fn holds(stage: &Stage, agent: &str, value: &str) -> bool {
    let path = stage.state_dir().join("agents").join(agent).join("agent/auth-profiles.json");
    fs::read_to_string(path).is_ok_and(|text| text.contains(value))
}

/// Status, with what it says of ops.
fn told(stage: &Stage) -> (i32, String, String) {
    let run = stage.run(&["status", "--json"]);
    let findings = run.json()["findings"].as_array().unwrap().clone();
    let ops = findings.into_iter().find(|one| one["agent"] == "ops" && one["profile"] == PROFILE).unwrap();
    let text = |key: &str| ops[key].as_str().unwrap_or_default().to_owned();
    (run.code, text("message"), text("fix"))
}

#[test]
fn a_mark_on_what_all_share_is_never_fine_and_is_left_until_a_person_decides() {
    let stage = copied();
    fine(&stage, &["keep", "ops", PROFILE]);
    fine(&stage, &["vault", "init"]);
    let added = fine(&stage, &["instance", "add", "--yes"]);
    let way = format!("keyshoal credential override ops {PROFILE}");
    let undo = format!("keyshoal keep --undo ops {PROFILE}");
    assert!(added.contains("which all share, and a person kept it"), "{added}");
    let (code, message, fix) = told(&stage);
    assert!(code == 2 && message.contains("which all share"), "{code} {message}");
    assert!(fix.contains(&way) && fix.contains(&undo), "{fix}");

    let key = stage.path("given");
    fs::write(&key, GIVEN).unwrap();
    let rotated = stage.run(&["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()]);
    assert!(rotated.out.contains("not ops, left on an earlier value"), "{}{}", rotated.out, rotated.err);
    assert!(holds(&stage, "main", GIVEN) && holds(&stage, "ops", NEW));
    let (code, message, fix) = told(&stage);
    assert!(code == 2 && message.contains("an earlier value of what all share"), "{code} {message}");
    assert!(fix.contains(&way) && fix.contains(&undo), "{fix}");
    let verified = stage.run(&["verify", "--json"]).json();
    let questions = verified["checks"].as_array().unwrap().clone();
    for id in ["same_generation", "propagated"] {
        let check = questions.iter().find(|one| one["id"] == id).unwrap();
        assert!(check["result"] == "no" && check["reason"].to_string().contains("ops"), "{check}");
    }
    assert_eq!(stage.run(&["sync", "--yes"]).code, 2);
    assert!(holds(&stage, "ops", NEW), "nobody has asked for it");

    fine(&stage, &["keep", "--undo", "ops", PROFILE]);
    fine(&stage, &["sync", "--yes"]);
    assert!(!holds(&stage, "ops", NEW));
    fine(&stage, &["status"]);
}

#[test]
fn what_the_vault_shares_is_not_marked_and_an_override_ends_a_mark() {
    let stage = copied();
    fine(&stage, &["keep", "ops", PROFILE]);
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    let run = stage.run(&["keep", "ops", PROFILE]);
    assert!(run.code == 1 && run.err.contains("credential override ops"), "{}{}", run.out, run.err);
    let key = stage.path("own");
    fs::write(&key, OWN).unwrap();
    let own = ["credential", "override", "ops", PROFILE, "--yes", "--from-file", key.to_str().unwrap()];
    fine(&stage, &own);
    assert!(holds(&stage, "ops", OWN));
    fine(&stage, &["status"]);
    // What the vault has for it alone may be marked: that changes nothing.
    fine(&stage, &["keep", "ops", PROFILE]);
    fine(&stage, &["status"]);
}

#[test]
fn what_the_vault_has_for_an_agent_alone_needs_no_mark_and_gets_none() {
    let stage = copied();
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    let (own, given) = (stage.path("own"), stage.path("given"));
    fs::write(&own, OWN).unwrap();
    fs::write(&given, GIVEN).unwrap();
    fine(&stage, &["credential", "override", "ops", PROFILE, "--from-file", own.to_str().unwrap(), "--yes"]);
    let kept = fine(&stage, &["keep", "ops", PROFILE]);
    assert!(kept.contains("by the vault's word already"), "{kept}");
    fine(&stage, &["credential", "override", "ops", PROFILE, "--remove", "--yes"]);
    fine(&stage, &["rotate", PROFILE, "--yes", "--from-file", given.to_str().unwrap()]);
    // Once the override is gone, it has what all have.
    assert!(!holds(&stage, "ops", OWN) && !holds(&stage, "ops", NEW) && holds(&stage, "main", GIVEN));
    assert_eq!(stage.run(&["status"]).code, 0);
}
