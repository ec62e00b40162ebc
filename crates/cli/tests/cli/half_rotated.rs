//! A rotation that is half done is seen by whoever asks how things stand.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::{Value, json};

#[test]
fn status_and_diff_tell_of_a_rotation_that_is_half_done_and_how_to_go_on() {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        stage.run(arguments);
    }
    let before = stage.run(&["status", "--json"]);
    assert_eq!((before.code, &before.json()["rotations"]), (0, &json!([])), "{}{}", before.out, before.err);
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let rotate = ["rotate", PROFILE, "--yes", "--offline", "--from-file", key.to_str().unwrap()];
    // Nobody is asked whether they work with it: all have it, and none is proven.
    let run = stage.run(&rotate);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}{}", status.out, status.err);
    let line = |text: &str| text.lines().find(|line| line.contains("half rotated")).unwrap_or("").to_owned();
    for said in [PROFILE, "published", "--resume", "--rollback"] {
        assert!(status.out.replace("\n    ", " ").contains(said), "{said}: {}", status.out);
    }
    assert!(line(&status.out).contains(PROFILE), "{}", status.out);
    let told = stage.run(&["status", "--json"]).json()["rotations"].clone();
    assert_eq!((&told[0]["profile"], &told[0]["stage"]), (&json!(PROFILE), &json!("published")));
    let described = include_str!("../../../../docs/documents.md");
    for field in told[0].as_object().unwrap().keys() {
        assert!(described.contains(&format!("`{field}`")), "docs/documents.md says nothing of {field}");
    }
    let diff = stage.run(&["diff", "--offline"]);
    assert!(diff.code == 2 && line(&diff.out).contains(PROFILE), "{}{}", diff.out, diff.err);
    // Nothing is to be done in the stores, so this alone says why.
    let diff = stage.run(&["diff", "--offline", "--json"]);
    assert_eq!((diff.code, &diff.json()["actions"], &diff.json()["rotations"]), (2, &json!([]), &told));
    // Nobody who makes the stores right takes that for all being well.
    for words in
        [&["sync", "--yes"] as &[&str], &["sync", "--dry-run"], &["recover", "--finish"], &["recover"]]
    {
        let run = stage.run(words);
        assert_eq!(run.code, 2, "{words:?}: {}{}", run.out, run.err);
        let way = format!("keyshoal rotate {PROFILE} --resume");
        assert!(
            line(&run.out).contains(PROFILE) && run.out.replace("\n    ", " ").contains(&way),
            "{}",
            run.out
        );
        assert!(!run.out.contains('✓'), "{words:?}: {}", run.out);
        let json = stage.run(&[words, &["--json"]].concat());
        assert_eq!((json.code, &json.json()["rotations"]), (2, &told), "{words:?}");
    }
    // No other value is taken meanwhile, and that is said before a value is read, or its provider asked.
    stage.emulator.clear_log();
    let missing = stage.path("nowhere");
    let missing = missing.to_str().unwrap();
    for words in [
        &["set", "anthropic", "--yes", "--from-file", missing] as &[&str],
        &["set", "anthropic", "--dry-run", "--from-file", key.to_str().unwrap()],
        &["credential", "set", PROFILE, "--yes", "--from-file", missing],
        &["credential", "adopt", "base", PROFILE, "--yes"],
    ] {
        let run = stage.run(words);
        assert_eq!(run.code, 1, "{words:?}: {}{}", run.out, run.err);
        for said in
            ["half done", "nothing was changed", &format!("keyshoal rotate {PROFILE} --resume"), "--rollback"]
        {
            assert!(run.err.contains(said), "{words:?}, {said}: {}", run.err);
        }
    }
    assert!(stage.emulator.log().is_empty(), "a provider was asked for nothing");
    assert_eq!(stage.run(&["status", "--json"]).json()["rotations"], told);
    // What it says is the way out; that the value before stays at hand for a while is no matter.
    let done = stage.run(&["rotate", PROFILE, "--resume", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let after = stage.run(&["status", "--json"]);
    assert_eq!((after.code, &after.json()["rotations"]), (0, &json!([])), "{}{}", after.out, after.err);
    assert_eq!(line(&stage.run(&["diff", "--offline"]).out), "");
    for words in [&["sync", "--yes"] as &[&str], &["recover"]] {
        let run = stage.run(words);
        assert!(run.code == 0 && line(&run.out).is_empty(), "{words:?}: {}{}", run.out, run.err);
    }
    assert_eq!(stage.run(&["diff", "--offline", "--json"]).json()["rotations"], json!([]));
}

#[test]
fn a_value_that_could_not_be_tested_is_staged_and_that_is_said() {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        stage.run(arguments);
    }
    let config = stage.state_dir().join("openclaw.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    // Nothing listens there.
    value["models"]["providers"]["anthropic"]["baseUrl"] = json!("http://127.0.0.1:1");
    std::fs::write(&config, value.to_string()).unwrap();
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let run = stage.run(&["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("stands at staged") && run.err.contains("--rollback"), "{}", run.err);
    let told = stage.run(&["status", "--json"]).json()["rotations"].clone();
    assert_eq!(told[0]["stage"], "staged", "{told}");
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    assert_eq!(stage.run(&["status", "--json"]).json()["rotations"], json!([]));
}

#[test]
fn the_value_before_stays_at_hand_until_a_new_one_is_accepted() {
    const NEXT: &str = "sk-ant-api03-seeded-next-1f2e3d4c5b6a7988";
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        stage.run(arguments);
    }
    let key = stage.path("given");
    let rotate = ["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()];
    std::fs::write(&key, GIVEN).unwrap();
    let done = stage.run(&rotate);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let states = || stage.run(&["credential", "show", PROFILE, "--json"]).json();
    let before = states();
    assert!(before.to_string().contains("\"previous\""), "{before}");

    // Its provider refuses it; nothing was typed; it is only looked at.
    std::fs::write(&key, NEXT).unwrap();
    assert_eq!(stage.run(&rotate).code, 1);
    assert_eq!(states(), before);
    std::fs::write(&key, "").unwrap();
    assert_ne!(stage.run(&rotate).code, 0);
    std::fs::write(&key, NEXT).unwrap();
    let dry = stage.run(&["rotate", PROFILE, "--dry-run", "--from-file", key.to_str().unwrap()]);
    assert!(dry.code == 2 && dry.err.contains("no way back any more"), "{}{}", dry.out, dry.err);
    assert_eq!(states(), before);

    stage.emulator.only_accept(&[NEXT, OWN, GIVEN]);
    let done = stage.run(&rotate);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert_eq!(stage.run(&["status"]).code, 0);
    let back = stage.run(&["rotate", PROFILE, "--rollback", "--yes", "--offline"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    // That it goes is said once, and once that all are there.
    let said = format!("{}{}", back.err, back.out);
    for words in ["going back to the value before", "rolled back"] {
        assert_eq!(said.matches(words).count(), 1, "{said}");
    }
    let text =
        std::fs::read_to_string(stage.state_dir().join("agents/main/agent/auth-profiles.json")).unwrap();
    assert!(text.contains(GIVEN) && !text.contains(NEXT), "it went back past the value before");
}
