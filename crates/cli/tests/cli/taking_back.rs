//! Taking back: what was asked for is no failure, and what is back is not asked about again.

use crate::stage::*;
use keyshoal_core::Layout;

#[test]
fn a_run_that_was_taken_back_is_not_asked_about_again() {
    let stage = Stage::drifted(Layout::JsonFile);
    let sync = stage.run(&["sync", "--yes", "--json"]);
    assert_eq!(sync.code, 0, "{}{}", sync.out, sync.err);
    let id = sync.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(stage.run(&["rollback", &id, "--dry-run"]).code, 2, "there is something to put back");
    let back = stage.run(&["rollback", &id, "--yes"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    let runs = stage.run(&["history", "--json"]).json()["runs"].as_array().unwrap().len();
    // Without a terminal, whatever would still be asked would end with 2.
    let again = stage.run(&["rollback", &id]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("taken back already"), "{}", again.out);
    let document = stage.run(&["rollback", &id, "--yes", "--json"]);
    assert_eq!((document.code, document.json()["applied"].as_bool()), (0, Some(false)));
    assert_eq!(
        stage.run(&["history", "--json"]).json()["runs"].as_array().unwrap().len(),
        runs,
        "no run was begun"
    );
}

#[test]
fn a_rotation_that_a_person_takes_back_has_not_failed() {
    let stage = Stage::calm(Layout::JsonFile);
    let fine = |arguments: &[&str], input: &str| {
        let run = stage.run_with(arguments, input);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
        run
    };
    fine(&["vault", "init"], "");
    fine(&["instance", "add", "--name", "home", "--yes"], "");
    fine(&["rotate", PROFILE, "--yes"], &format!("{GIVEN}\n"));

    let refused = stage.run(&["rollback", "last"]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    for way_out in ["keyshoal rotate PROFILE --rollback", "keyshoal credential set PROFILE"] {
        assert!(refused.err.contains(way_out), "{way_out}: {}", refused.err);
    }
    let planned = stage.run(&["rotate", PROFILE, "--rollback", "--dry-run"]);
    assert!(planned.code == 2 && planned.out.contains("would bring"), "{}{}", planned.out, planned.err);
    let back = fine(&["rotate", PROFILE, "--rollback", "--yes"], "");
    assert!(back.out.contains("✓ rolled back, as you asked"), "{}", back.out);
    assert!(!back.out.contains('✗'), "{}", back.out);

    // A value that its provider rejects goes back by itself, and that is a failure.
    let failed = stage.run_with(&["rotate", PROFILE, "--yes"], &format!("{OLD}\n"));
    assert_ne!(failed.code, 0, "{}", failed.out);
}

#[test]
fn who_would_take_one_agents_own_back_is_told_by_which_command() {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        assert_eq!(stage.run(arguments).code, 0);
    }
    let before = stage.run(&["credential", "list", "--json"]).json();
    let run = stage.run(&["credential", "remove", "--agent", "academic", PROFILE, "--yes"]);
    let way = format!("keyshoal credential override academic {PROFILE} --remove");
    assert!(run.code == 64 && run.err.contains(&way), "{}{}", run.out, run.err);
    assert!(stage.run(&["credential", "remove", "--help"]).out.contains("override AGENT PROFILE --remove"));
    assert_eq!(stage.run(&["credential", "list", "--json"]).json(), before);
    let words: Vec<&str> = way.split(' ').skip(1).chain(["--yes"]).collect();
    assert_eq!(stage.run(&words).code, 0);
}
