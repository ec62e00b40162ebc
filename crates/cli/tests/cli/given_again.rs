//! A value that is given once more: one that is current already, and one that its provider has refused, with each way out walked.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::json;

/// Its provider refuses it.
const BAD: &str = "sk-ant-api03-seeded-bad-1f2e3d4c5b6a7988";

fn vaulted(delivery: &str) -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [
        &["vault", "init"] as &[&str],
        &["instance", "add", "--name", "home", "--yes"],
        &["sync", "--yes"],
        &["instance", "set", "--delivery", delivery, "--yes"],
    ] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
    stage
}

fn given(stage: &Stage, arguments: &[&str], value: &str) -> Run {
    stage.run_with(arguments, &format!("{value}\n"))
}

fn versions(stage: &Stage) -> serde_json::Value {
    stage.run(&["credential", "show", PROFILE, "--json"]).json()["instance"]["credentials"].clone()
}

/// The values of these that main's store and the delivered file hold.
fn held(stage: &Stage) -> Vec<&'static str> {
    let read = |path: &str| std::fs::read_to_string(stage.state_dir().join(path)).unwrap_or_default();
    let text = read("agents/main/agent/auth-profiles.json") + &read(".keyshoal/delivered/secrets.json");
    [NEW, GIVEN, BAD].into_iter().filter(|value| text.contains(value)).collect()
}

#[test]
fn the_current_value_is_no_new_version_and_the_way_back_stays() {
    for delivery in ["inline", "refs"] {
        let stage = vaulted(delivery);
        let run = given(&stage, &["rotate", PROFILE, "--yes"], GIVEN);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        let before = versions(&stage);
        for words in [
            &["rotate", PROFILE, "--yes"] as &[&str],
            &["rotate", PROFILE],
            &["rotate", PROFILE, "--json"],
            &["credential", "set", PROFILE, "--yes"],
            &["set", "anthropic", "--yes"],
        ] {
            let run = given(&stage, words, GIVEN);
            assert_eq!(run.code, 0, "{words:?}: {}{}", run.out, run.err);
            let said = run.out.contains("current value already") || run.err.contains("current value already");
            assert!(said || run.json()["ended"] == "unchanged", "{words:?}: {}{}", run.out, run.err);
            assert_eq!(versions(&stage), before, "{delivery}, {words:?}");
        }
        let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes"]);
        assert_eq!((back.code, held(&stage)), (0, vec![NEW]), "{}{}", back.out, back.err);
    }
}

#[test]
fn of_several_instances_those_that_have_it_are_left_out() {
    let stage = vaulted("inline");
    let other = stage.also("shop", Layout::SharedRow, |sample| {
        sample.agent("ops").api_key(keyshoal_core::StoreId::Base, PROFILE, NEW)
    });
    let added = stage.run_at(&other, &["instance", "add", "--name", "shop", "--yes"]);
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    let all = ["rotate", "anthropic", "--instances", "all", "--yes"];
    let run = given(&stage, &all, NEW);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("all of them have it already"), "{}", run.out);
    let set = given(&stage, &["credential", "set", PROFILE, "--yes"], GIVEN);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    let before = versions(&stage);
    let run = given(&stage, &all, GIVEN);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("home: this is the current value already; left out"), "{}", run.err);
    assert_eq!(versions(&stage), before);
}

#[test]
fn what_is_offered_after_a_refusal_works() {
    for delivery in ["inline", "refs"] {
        for words in [
            &["rotate", PROFILE, "--yes"] as &[&str],
            &["credential", "set", PROFILE, "--yes"],
            &["set", "anthropic", "--yes"],
        ] {
            let stage = vaulted(delivery);
            let refused = given(&stage, words, BAD);
            assert_eq!(
                (refused.code, held(&stage)),
                (1, vec![NEW]),
                "{words:?}: {}{}",
                refused.out,
                refused.err
            );
            assert!(refused.err.contains("the same command with --offline"), "{}", refused.err);
            let wrote = given(&stage, &[words, &["--offline"]].concat(), BAD);
            let said = format!("{delivery}, {words:?}: {}{}", wrote.out, wrote.err);
            assert_eq!(held(&stage), [BAD], "{said}");
            // That nobody was asked whether they work with it is what a rotation ends with.
            assert_eq!(wrote.code, if words[0] == "rotate" { 2 } else { 0 }, "{said}");
            assert!(!wrote.err.contains("· tested") && wrote.err.contains("was not asked"), "{said}");
            // Nothing is left to a sync, and nobody is sent to one.
            let status = stage.run(&["status", "--offline"]);
            assert!(!status.out.contains("stale") && !status.out.contains("keyshoal sync"), "{}", status.out);
            let diff = stage.run(&["diff", "--offline", "--json"]).json();
            assert_eq!(diff["actions"], json!([]), "{said}");
            let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes"]);
            assert_eq!((back.code, held(&stage)), (0, vec![NEW]), "{said}{}{}", back.out, back.err);
        }
    }
}

#[test]
fn without_a_vault_what_is_offered_after_a_refusal_works_as_well() {
    let stage = Stage::calm(Layout::JsonFile);
    let refused = given(&stage, &["set", "anthropic", "--yes"], BAD);
    assert!(refused.code == 1 && refused.err.contains("with --offline"), "{}{}", refused.out, refused.err);
    let wrote = given(&stage, &["set", "anthropic", "--yes", "--offline"], BAD);
    assert_eq!((wrote.code, held(&stage)), (0, vec![BAD]), "{}{}", wrote.out, wrote.err);
}

#[test]
fn a_value_that_could_not_be_tested_goes_on_untested() {
    let stage = vaulted("inline");
    stage.emulator.everyone(Some(keyshoal_emulator::Behaviour::ServerError));
    let run = given(&stage, &["rotate", PROFILE, "--yes"], GIVEN);
    assert!(run.code == 1 && run.err.contains("--resume"), "{}{}", run.out, run.err);
    let on = stage.run(&["rotate", PROFILE, "--resume", "--offline", "--yes"]);
    assert_eq!((on.code, held(&stage)), (2, vec![GIVEN]), "{}{}", on.out, on.err);
}
