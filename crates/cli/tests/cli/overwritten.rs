//! A value that a person kept for an agent, and somebody else's hand wrote over.

use crate::stage::*;
use keyshoal_core::Layout;

/// academic's own value is kept, and everything is as it should be.
fn kept() -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["keep", "academic", PROFILE]).code, 0);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    stage
}

/// Copies main's store over academic's, as people do.
fn copy(stage: &Stage) {
    let store = |id: &str| stage.state_dir().join(format!("agents/{id}/agent/auth-profiles.json"));
    std::fs::copy(store("main"), store("academic")).unwrap();
}

#[test]
fn a_copy_of_mains_store_over_an_override_is_told_until_somebody_decides() {
    for ways_out in
        [&["keep", "--undo", "academic", PROFILE][..], &["set", PROFILE, "--agent", "academic", "--yes"]]
    {
        let stage = kept();
        copy(&stage);
        // The login that came with the copy is another matter, and settled.
        assert_eq!(stage.run(&["keep", "academic", "openai-codex:me"]).code, 0);
        for look in
            [&["status"][..], &["diff", "--offline"], &["doctor"], &["watch", "--once"], &["sync", "--yes"]]
        {
            let run = stage.run(look);
            assert_eq!(run.code, 2, "{look:?}: {}{}", run.out, run.err);
            let said = format!("{}{}", run.out, run.err);
            assert!(!said.contains("dry run") || look[0] == "diff", "{look:?}: {said}");
            assert!(said.contains("is not there any more"), "{look:?}: {said}");
            assert!(said.contains("keyshoal set anthropic:default --agent academic"), "{look:?}: {said}");
        }
        let run = stage.run_with(ways_out, GIVEN);
        assert_eq!(run.code, 0, "{ways_out:?}: {}{}", run.out, run.err);
        let run = stage.run(&["status"]);
        assert_eq!(run.code, 0, "{ways_out:?}: {}", run.out);
    }
}

#[test]
fn what_keyshoal_takes_away_itself_is_no_such_thing() {
    let stage = kept();
    let given = stage.run_with(&["set", PROFILE, "--agent", "stocks", "--yes"], GIVEN);
    assert_eq!(given.code, 0, "{}{}", given.out, given.err);
    assert_eq!(stage.run(&["rollback", "last", "--yes"]).code, 0);
    assert_eq!(stage.run(&["replace", "academic", PROFILE]).code, 0);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let run = stage.run(&["status", "--json"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(!run.out.contains("overwritten"), "{}", run.out);
}
