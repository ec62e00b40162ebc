//! What is told, and what is offered, when the file that stores refer to is lost, or a vault's key, or the vault.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const LAYOUTS: [Layout; 2] = [Layout::JsonFile, Layout::SharedRow];

/// The drifted installation in a vault that delivers by reference: stocks and academic have overrides, main and ops share.
fn by_reference(layout: Layout) -> Stage {
    let stage = Stage::drifted(layout);
    for arguments in [
        &["vault", "init"] as &[&str],
        &["instance", "add", "--yes", "--offline"],
        &["instance", "set", "--delivery", "refs", "--yes", "--offline"],
        &["status"],
    ] {
        well(&stage, arguments);
    }
    stage
}

fn released(layout: Layout) -> Stage {
    let stage = by_reference(layout);
    well(&stage, &["instance", "release"]);
    stage
}

fn well(stage: &Stage, arguments: &[&str]) {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
}

fn file(stage: &Stage) -> PathBuf {
    stage.state_dir().join(".keyshoal/delivered/secrets.json")
}

/// What `status` finds of an agent's anthropic:default: the finding, and its way out.
fn found(status: &Value, agent: &str) -> (String, String) {
    let all = status["findings"].as_array().unwrap();
    let of = all.iter().find(|one| one["agent"] == agent && one["profile"] == PROFILE);
    let text = |field: &str| of.and_then(|one| one[field].as_str()).unwrap_or_default().to_owned();
    (text("finding"), text("fix"))
}

#[test]
fn a_release_says_that_agents_go_on_depending_on_the_file() {
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let run = stage.run(&["instance", "release"]);
        assert_eq!(run.code, 0, "{}", run.err);
        let path = file(&stage).display().to_string();
        assert!(run.err.contains("3 profiles") && run.err.contains(&path), "{layout}: {}", run.err);
        let status = stage.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: the file is there: {}", status.out);
        assert_eq!(found(&status.json(), "academic").0, "kept", "{layout}: what the vault gave it alone");
    }
    let inline = Stage::calm(Layout::JsonFile);
    assert!(!inline.run(&["instance", "release"]).err.contains("depend"));
}

#[test]
fn a_lost_file_of_a_released_instance_is_told_with_ways_out_that_work() {
    for layout in LAYOUTS {
        let stage = released(layout);
        well(&stage, &["status"]);
        let (file, aside) = (file(&stage), stage.path("aside.json"));
        fs::rename(&file, &aside).unwrap();
        let run = stage.run(&["status", "--json"]);
        assert_eq!(run.code, 2, "{layout}: {}", run.out);
        let status = run.json();
        for (agent, way) in [
            ("main", "keyshoal set anthropic:default   "),
            ("ops", "keyshoal set anthropic:default   "),
            ("stocks", "keyshoal set anthropic:default --agent stocks   "),
            ("academic", "keyshoal set anthropic:default --agent academic   "),
        ] {
            let (finding, fix) = found(&status, agent);
            assert_eq!(finding, "missing", "{layout} {agent}: {status}");
            assert!(fix.starts_with(way) && fix.contains("instance add"), "{layout} {agent}: {fix}");
        }
        let shown = stage.run(&["status"]).out;
        assert!(!shown.contains("nothing to do") && shown.contains("secrets.json"), "{layout}: {shown}");
        let diff = stage.run(&["diff", "--offline"]);
        assert_eq!(diff.code, 2, "{layout}: {}", diff.out);
        assert!(
            !diff.out.contains("nothing to do") && diff.out.contains("✗ missing"),
            "{layout}: {}",
            diff.out
        );
        let told = stage.run(&["diff", "--offline", "--json"]).json();
        assert_eq!(
            (&told["actions"], found(&told, "main").0.as_str()),
            (&Value::Array(Vec::new()), "missing")
        );
        let doctor = stage.run(&["doctor", "references"]);
        assert_eq!(doctor.code, 2, "{layout}: {}", doctor.out);
        assert!(
            doctor.out.contains("keyshoal set anthropic:default --agent academic"),
            "{layout}: {}",
            doctor.out
        );
        assert!(!doctor.out.contains("→ keyshoal sync"), "{layout}: {}", doctor.out);
        let sync = stage.run(&["sync", "--yes", "--offline"]);
        assert_eq!(sync.code, 2, "{layout}: {}", sync.out);

        fs::rename(&aside, &file).unwrap();
        well(&stage, &["status"]);

        fs::remove_file(&file).unwrap();
        assert_eq!(stage.run(&["status"]).code, 2, "{layout}");
        let (shared, own) = (stage.path("shared"), stage.path("own"));
        fs::write(&shared, GIVEN).unwrap();
        fs::write(&own, OWN).unwrap();
        let set = ["set", PROFILE, "--yes", "--from-file"];
        let given = |more: &[&str]| stage.run(&[&set as &[&str], more].concat());
        assert_eq!(given(&[shared.to_str().unwrap()]).code, 2, "{layout}: the overrides are missing still");
        for agent in ["academic", "stocks"] {
            given(&[own.to_str().unwrap(), "--agent", agent]);
        }
        let status = stage.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: {}", status.out);
        assert_eq!(stage.run(&["verify", "--offline"]).out.matches("a reference").count(), 0, "{layout}");
    }
}

#[test]
fn a_lost_file_of_a_released_instance_comes_back_from_its_vault() {
    for layout in LAYOUTS {
        let stage = released(layout);
        let before = fs::read(file(&stage)).unwrap();
        fs::remove_file(file(&stage)).unwrap();
        assert_eq!(stage.run(&["status"]).code, 2, "{layout}");
        well(&stage, &["instance", "add", "--yes", "--offline"]);
        well(&stage, &["sync", "--yes", "--offline"]);
        assert_eq!(fs::read(file(&stage)).unwrap(), before, "{layout}");
        well(&stage, &["status"]);
        well(&stage, &["instance", "release"]);
        well(&stage, &["status"]);
    }
}
