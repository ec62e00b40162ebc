//! `keyshoal rotate --instances`: one new value for several instances of a vault, with one way back for all.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Three instances of one vault: with copies of their own, with a shared row, and with copies again.
struct Three {
    stage: Stage,
    dirs: [PathBuf; 3],
}

const NAMES: [&str; 3] = ["office", "shop", "lab"];

impl Three {
    fn new() -> Self {
        let own = |id: &str| StoreId::Agent(id.into());
        let json = |sample: keyshoal_openclaw::sample::Installation| {
            let sample = sample.agent("stocks").agent("ops").api_key(StoreId::Base, PROFILE, NEW);
            sample.api_key(own("stocks"), PROFILE, NEW).api_key(own("ops"), PROFILE, NEW)
        };
        let row = |sample: keyshoal_openclaw::sample::Installation| {
            sample.agent("stocks").api_key(StoreId::Base, PROFILE, NEW)
        };
        let stage = Stage::with(Layout::JsonFile, json);
        let dirs = [
            stage.state_dir(),
            stage.also("shop", Layout::SharedRow, row),
            stage.also("lab", Layout::JsonFile, json),
        ];
        fine(&stage.run(&["vault", "init"]));
        for (dir, name) in dirs.iter().zip(NAMES) {
            fine(&stage.run_at(dir, &["instance", "add", "--name", name, "--offline", "--yes"]));
        }
        std::fs::write(stage.path("new.txt"), GIVEN).unwrap();
        Self { stage, dirs }
    }

    fn rotate(&self, more: &[&str]) -> Run {
        let file = self.stage.path("new.txt");
        let given: &[&str] = if more.contains(&"--resume") || more.contains(&"--due") {
            &[]
        } else {
            &["--from-file", file.to_str().unwrap(), "--yes"]
        };
        self.stage.run(&[&["rotate", "anthropic", "--instances", "all", "--json"], given, more].concat())
    }

    /// Holds that every agent of every instance sends this value, and nothing else.
    fn all_send(&self, value: &str) {
        self.stage.emulator.only_accept(&[value]);
        for dir in &self.dirs {
            let run = self.stage.run_at(dir, &["verify"]);
            assert_eq!(run.code, 0, "{}: {}{}", dir.display(), run.out, run.err);
        }
        self.stage.emulator.only_accept(&[NEW, OWN, GIVEN]);
    }

    /// Returns where each instance stands, as `--due` tells it.
    fn stages(&self) -> Vec<Value> {
        let due = self.rotate(&["--due"]).json();
        let mut all = due["credentials"].as_array().unwrap().clone();
        let place = |one: &Value| NAMES.iter().position(|name| one["instance"] == **name);
        all.sort_by_key(place);
        all.iter().map(|one| one["stage"].clone()).collect()
    }
}

fn fine(run: &Run) {
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

fn ends(document: &Value) -> Vec<&Value> {
    document["instances"].as_array().unwrap().iter().map(|one| &one["rotation"]["ended"]).collect()
}

#[test]
fn one_value_goes_to_all_and_one_word_brings_all_back() {
    let three = Three::new();
    let planned = three.rotate(&["--dry-run"]);
    assert_eq!(planned.code, 2, "{}", planned.err);
    assert!(planned.err.contains("lab (anthropic:default): wave 1 of 3, canary"), "{}", planned.err);
    assert!(planned.err.contains("one step for all"), "{}", planned.err);
    let planned = planned.json();
    let waves: Vec<usize> = planned["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["rotation"]["waves"].as_array().unwrap().len())
        .collect();
    assert_eq!(waves, [1, 1, 0]);
    three.all_send(NEW);

    let done = three.rotate(&[]);
    fine(&done);
    let document = done.json();
    assert_eq!((&document["schema"], &document["ended"]), (&json!("keyshoal.rotations.v1"), &json!("grace")));
    assert_eq!(ends(&document), ["proven"; 3]);
    assert!(!format!("{}{}", done.out, done.err).contains(GIVEN));
    three.all_send(GIVEN);
    assert_eq!(three.stages(), ["proven"; 3]);

    // What only shows writes nothing.
    for (word, would) in [
        ("--rollback", "shop: dry run: would bring anthropic:default back to"),
        ("--finish", "shop: dry run: would retire the value before"),
    ] {
        let shown = three.stage.run(&["rotate", "anthropic", word, "--dry-run", "--yes"]);
        assert!(shown.code == 2 && shown.err.contains("shop: proven"), "{word}: {}", shown.err);
        assert!(shown.out.contains(would), "{word}: {}", shown.out);
    }
    // Nothing is to be gone on with, and the dry run says so as the command does.
    for more in [&["--dry-run"] as &[&str], &[]] {
        let shown = three.stage.run(&[&["rotate", "anthropic", "--resume"] as &[&str], more].concat());
        assert!(shown.code == 0 && shown.out.contains("shop: proven"), "{more:?}: {}", shown.out);
        assert!(shown.out.contains("stays the value, and was proven before"), "{more:?}: {}", shown.out);
    }
    assert_eq!(three.stages(), ["proven"; 3]);
    let token = three.rotate(&["--gateway-token-file", "/nowhere"]);
    assert!(token.code == 64 && token.err.contains("one gateway"), "{}", token.err);

    // None of them goes back, or begins another one, alone.
    let again = three.stage.run(&["rotate", "anthropic", "--yes"]);
    assert!(again.code == 1 && again.err.contains("under way"), "{}", again.err);
    let back = three.stage.run_at(&three.dirs[1], &["rotate", "anthropic", "--rollback", "--yes"]);
    fine(&back);
    three.all_send(NEW);
    // The newer value stays at hand in all of them, until they go forward again, or it is retired.
    assert_eq!(three.stages(), ["rolled_back"; 3]);
    let asked = three.rotate(&["--resume"]);
    assert_eq!((asked.code, three.stages()), (2, vec![json!("rolled_back"); 3]), "{}", asked.err);
    let forward = three.rotate(&["--resume", "--yes"]);
    fine(&forward);
    assert_eq!(ends(&forward.json()), ["proven"; 3]);
    three.all_send(GIVEN);
    fine(&three.rotate(&["--rollback"]));
    fine(&three.rotate(&["--finish"]));
    three.all_send(NEW);
    assert_eq!(three.stages(), [Value::Null, Value::Null, Value::Null]);
}

#[test]
fn what_is_not_here_is_named_and_never_counts_as_proven() {
    let three = Three::new();
    let (there, away) = (&three.dirs[0], three.stage.path("away"));
    std::fs::rename(there, &away).unwrap();
    let done = three.rotate(&[]);
    assert_eq!(done.code, 2, "{}{}", done.out, done.err);
    let document = done.json();
    assert_eq!((&document["ended"], &document["why"]), (&json!("elsewhere"), &json!("office")));
    let office = &document["instances"].as_array().unwrap()[2];
    assert_eq!((&office["instance"], &office["rotation"]["stage"]), (&json!("office"), &json!("staged")));
    assert!(office["unreachable"].as_str().unwrap().contains("on this machine"), "{office}");
    assert_eq!(three.stages(), ["staged", "proven", "proven"]);

    // Who looks at one that has come through is told as well, and of what leads on.
    for dir in &three.dirs[1..] {
        let status = three.stage.run_at(dir, &["status"]);
        let said = status.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "half rotated: anthropic:default stands at proven here, and at staged in office",
            "keyshoal rotate anthropic:default --resume goes on",
            "(in all instances that rotate with this one)",
        ] {
            assert!(status.code == 2 && said.contains(words), "{words}: {}", status.out);
        }
        let told = &three.stage.run_at(dir, &["status", "--json"]).json()["rotations"];
        let there = json!([{ "instance": "office", "stage": "staged" }]);
        assert_eq!((&told[0]["stage"], &told[0]["elsewhere"]), (&json!("proven"), &there));
        for words in [&["verify", "--json"] as &[&str], &["watch", "--once", "--offline", "--json"]] {
            let run = three.stage.run_at(dir, words);
            assert_eq!((run.code, &run.json()["rotations"]), (2, told), "{words:?}");
        }
        // What is to be done with the instance alone is no matter of the others.
        fine(&three.stage.run_at(dir, &["instance", "set", "--delivery", "refs", "--yes"]));
    }

    std::fs::rename(&away, there).unwrap();
    three.stage.emulator.only_accept(&[GIVEN, NEW]);
    let resumed = three.rotate(&["--resume", "--grace", "0"]);
    fine(&resumed);
    assert_eq!(resumed.json()["ended"], "finished");
    three.all_send(GIVEN);
    for dir in &three.dirs {
        let status = three.stage.run_at(dir, &["status", "--json"]);
        assert_eq!((status.code, &status.json()["rotations"]), (0, &json!([])), "{}", status.out);
    }
}

#[test]
fn a_value_that_the_provider_refuses_reaches_none_and_different_values_are_not_made_one() {
    let three = Three::new();
    three.stage.emulator.only_accept(&[NEW]);
    let refused = three.rotate(&[]);
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    three.all_send(NEW);
    assert_eq!(three.stages(), [Value::Null, Value::Null, Value::Null]);

    let other = three.stage.path("other.txt");
    std::fs::write(&other, OWN).unwrap();
    let set = ["credential", "set", PROFILE, "--offline", "--yes", "--from-file", other.to_str().unwrap()];
    fine(&three.stage.run_at(&three.dirs[2], &set));
    let all = three.rotate(&[]);
    assert!(all.code == 1 && all.err.contains("lab | office, shop"), "{}", all.err);
    let file = three.stage.path("new.txt");
    let named =
        ["rotate", PROFILE, "--instances", "lab,office", "--canary", "office", "--yes", "--from-file"];
    fine(&three.stage.run(&[&named[..], &[file.to_str().unwrap()]].concat()));
    assert_eq!(three.stages(), [json!("proven"), Value::Null, json!("proven")]);
}

/// The process is killed at any moment; whoever goes on, or back, finds one rotation and ends with one value everywhere.
#[test]
fn killed_at_any_moment_it_is_resumed_or_taken_back_as_one() {
    for (turn, back) in [false, true, false, true, false, true].into_iter().enumerate() {
        let three = Three::new();
        let file = three.stage.path("new.txt");
        kill_after(&three, Path::new(&file), Duration::from_millis(40 + 110 * turn as u64));
        let open = three.stages().iter().any(|stage| !stage.is_null());
        if !open {
            // It was killed before it began.
            three.all_send(NEW);
            continue;
        }
        // Whatever instance somebody looks at, it tells of what is half done.
        let half = usize::from(three.stages() != ["proven"; 3]);
        for dir in &three.dirs {
            let status = three.stage.run_at(dir, &["status", "--json"]).json();
            assert_eq!(status["rotations"].as_array().map(Vec::len), Some(half), "{status}");
        }
        let run =
            if back { three.rotate(&["--rollback"]) } else { three.rotate(&["--resume", "--grace", "0"]) };
        fine(&run);
        assert_eq!(run.json()["ended"], if back { "rolled_back" } else { "finished" });
        three.all_send(if back { NEW } else { GIVEN });
        // Where it was current when the process ended, the newer value stays at hand: for all of them, or for none.
        if back && three.stages() == [json!("rolled_back"), json!("rolled_back"), json!("rolled_back")] {
            fine(&three.rotate(&["--finish"]));
            three.all_send(NEW);
        }
        assert_eq!(three.stages(), [Value::Null, Value::Null, Value::Null]);
    }
}

fn kill_after(three: &Three, file: &Path, time: Duration) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keyshoal"));
    command.env_clear().env("HOME", three.stage.path("")).arg("--state-dir").arg(&three.dirs[0]);
    command.args(["rotate", "anthropic", "--instances", "all", "--yes", "--quiet", "--from-file"]).arg(file);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Who has taken a rotation back takes another value, and what was kept at hand is there until that one is.
#[test]
fn what_was_taken_back_everywhere_gives_way_to_another_value() {
    let three = Three::new();
    fine(&three.rotate(&[]));
    fine(&three.rotate(&["--rollback"]));
    assert_eq!(three.stages(), ["rolled_back"; 3]);
    let states = |at: usize| {
        let shown = three.stage.run_at(&three.dirs[at], &["credential", "show", PROFILE, "--json"]).json();
        let versions = shown["instance"]["credentials"][0]["versions"].as_array().unwrap().clone();
        versions.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Not for some of them alone: they are one.
    let file = three.stage.path("new.txt");
    std::fs::write(&file, OWN).unwrap();
    let some =
        ["rotate", PROFILE, "--instances", "office,shop", "--yes", "--from-file", file.to_str().unwrap()];
    let refused = three.stage.run(&some);
    assert!(refused.code == 1 && refused.err.contains("under way"), "{}", refused.err);
    let alone = three.stage.run(&["rotate", PROFILE, "--yes"]);
    assert!(alone.code == 1 && alone.err.contains("--instances all   takes another"), "{}", alone.err);
    let shown = three.rotate(&["--dry-run"]);
    assert!(shown.code == 2 && shown.err.contains("is retired once the new one is current"), "{}", shown.err);
    assert_eq!(three.stages(), ["rolled_back"; 3]);

    // One that its provider refuses costs nobody the way forward.
    three.stage.emulator.only_accept(&[NEW, GIVEN]);
    let refused = three.rotate(&[]);
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    for at in 0..3 {
        assert_eq!(states(at), ["current", "previous", "retired"], "{at}");
    }
    let way = three.stage.run(&["rotate", PROFILE, "--rollback", "--dry-run"]);
    assert!(way.code == 2 && way.err.contains("everybody goes back to"), "{}{}", way.out, way.err);
    three.stage.emulator.only_accept(&[NEW, OWN, GIVEN]);
    let done = three.rotate(&[]);
    fine(&done);
    assert_eq!(ends(&done.json()), ["proven"; 3]);
    three.all_send(OWN);
    for at in 0..3 {
        assert_eq!(states(at), ["previous", "retired", "retired", "current"], "{at}");
    }
    fine(&three.rotate(&["--rollback"]));
    three.all_send(NEW);
}
