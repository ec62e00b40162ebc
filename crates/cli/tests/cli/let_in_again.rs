//! A key of an agent's own that its provider refused for a while: what was remembered of it takes it from nobody.

use crate::stage::*;
use keyshoal_core::Layout;
use keyshoal_emulator::Behaviour;
use keyshoal_testkit::rusqlite::Connection;
use serde_json::Value;

/// academic has a key of its own, which is refused when somebody looks.
fn refused() -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    stage.emulator.reject(OWN, Behaviour::Invalid);
    let run = stage.run(&["status", "--check"]);
    assert!(run.code == 2 && run.out.contains("its provider does not know it"), "{}{}", run.out, run.err);
    stage
}

/// What is remembered of every value was said ten days earlier than it was.
fn remembered_for_ten_days(stage: &Stage) {
    let db = Connection::open(stage.state_dir().join(".keyshoal/ledger.sqlite")).unwrap();
    let aged = "UPDATE verdicts SET at = at - 864000000000, verdict = json_set(verdict, '$.at',
                strftime('%Y-%m-%dT%H:%M:%SZ', (at - 864000000000) / 1000000, 'unixepoch'))";
    assert!(db.execute(aged, []).unwrap() > 0);
}

fn held(stage: &Stage, agent: &str) -> Option<String> {
    let store = stage.state_dir().join("agents").join(agent).join("agent/auth-profiles.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(store).ok()?).unwrap();
    Some(document["profiles"][PROFILE]["key"].as_str()?.to_owned())
}

fn run_all(stage: &Stage, commands: &[&[&str]]) {
    for arguments in commands {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
}

#[test]
fn a_key_that_is_let_in_again_stays_where_it_is() {
    let stage = refused();
    stage.emulator.accept(OWN);
    run_all(&stage, &[&["sync", "--yes"]]);
    assert_eq!(held(&stage, "academic").as_deref(), Some(OWN));

    let stage = refused();
    run_all(&stage, &[&["sync", "--yes"]]);
    assert_eq!(held(&stage, "academic").as_deref(), Some(NEW), "it is refused still");
}

#[test]
fn nothing_is_replaced_for_what_was_said_of_it_long_ago() {
    let stage = refused();
    let run = stage.run(&["sync", "--offline", "--yes"]);
    assert_eq!((run.code, held(&stage, "academic").as_deref()), (0, Some(NEW)), "{}{}", run.out, run.err);

    let stage = refused();
    remembered_for_ten_days(&stage);
    let status = stage.run(&["status"]);
    assert!(status.out.contains("does not know it (found out on 20"), "{}", status.out);
    let run = stage.run(&["sync", "--offline", "--yes"]);
    assert_eq!((run.code, held(&stage, "academic").as_deref()), (2, Some(OWN)), "{}{}", run.out, run.err);
    run_all(&stage, &[&["sync", "--yes"]]);
    assert_eq!(held(&stage, "academic").as_deref(), Some(NEW), "it is asked about, and refused still");
}

#[test]
fn a_key_that_is_let_in_again_becomes_an_override_of_the_vault() {
    let stage = refused();
    stage.emulator.accept(OWN);
    run_all(&stage, &[&["vault", "init"], &["instance", "add", "--yes"], &["sync", "--yes"], &["status"]]);
    assert_eq!(held(&stage, "academic").as_deref(), Some(OWN));
}

#[test]
fn an_agent_that_is_renamed_keeps_its_key_while_that_is_refused() {
    let stage = Stage::drifted(Layout::JsonFile);
    run_all(&stage, &[&["vault", "init"], &["instance", "add", "--yes"], &["sync", "--yes"]]);
    stage.emulator.reject(OWN, Behaviour::Invalid);
    assert_eq!(stage.run(&["status", "--check"]).code, 2);
    let run = stage.run(&["agent", "rename", "academic", "scholar", "--yes"]);
    assert_eq!(held(&stage, "scholar").as_deref(), Some(OWN), "{}{}", run.out, run.err);
    assert_eq!(run.code, 2, "and it is told that it is refused: {}{}", run.out, run.err);
    stage.emulator.accept(OWN);
    run_all(&stage, &[&["status", "--check"]]);
}
