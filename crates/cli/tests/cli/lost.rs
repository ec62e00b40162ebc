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
    well(&stage, &["instance", "release", "--yes"]);
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
        let run = stage.run(&["instance", "release", "--yes"]);
        assert_eq!(run.code, 0, "{}", run.err);
        let path = file(&stage).display().to_string();
        assert!(run.err.contains("3 profiles") && run.err.contains(&path), "{layout}: {}", run.err);
        let status = stage.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: the file is there: {}", status.out);
        assert_eq!(found(&status.json(), "academic").0, "kept", "{layout}: what the vault gave it alone");
    }
    let inline = Stage::calm(Layout::JsonFile);
    assert!(!inline.run(&["instance", "release", "--yes"]).err.contains("depend"));
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
        assert!(!shown.contains("→ file:"), "{layout}: nobody sends what is not there: {shown}");
        assert_eq!(stage.run(&["watch", "--once"]).code, 2, "{layout}");
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

/// OpenClaw takes no secret from a file that others may read: to its next start such a file is as good as lost.
#[test]
fn a_file_that_openclaw_does_not_take_is_told_and_made_again_with_all_that_it_held() {
    use std::os::unix::fs::PermissionsExt;
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let before = fs::read(file(&stage)).unwrap();
        for spoiled in ["open", "linked", "lost"] {
            match spoiled {
                "open" => fs::set_permissions(file(&stage), fs::Permissions::from_mode(0o644)).unwrap(),
                "linked" => fs::hard_link(file(&stage), stage.path("another-name")).unwrap(),
                _ => fs::remove_file(file(&stage)).unwrap(),
            }
            let status = stage.run(&["status", "--json"]);
            assert_eq!(status.code, 2, "{layout} {spoiled}: {}", status.out);
            for agent in ["stocks", "academic"] {
                assert_eq!(found(&status.json(), agent).1, "keyshoal sync", "{layout} {spoiled} {agent}");
            }
            assert!(status.out.contains("OpenClaw's gateway does not start so"), "{layout}: {}", status.out);
            well(&stage, &["sync", "--yes", "--offline"]);
            let mode = fs::metadata(file(&stage)).unwrap().permissions().mode() & 0o777;
            assert_eq!(
                (mode, fs::read(file(&stage)).unwrap()),
                (0o600, before.clone()),
                "{layout} {spoiled}"
            );
            well(&stage, &["status"]);
            well(&stage, &["doctor", "references"]);
        }
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
        well(&stage, &["instance", "release", "--yes"]);
        well(&stage, &["status"]);
    }
}

/// What `instance release` says to do about the file that the agents go on depending on.
#[test]
fn a_released_instance_that_is_taken_in_again_goes_back_into_the_stores() {
    for layout in LAYOUTS {
        let stage = released(layout);
        well(&stage, &["instance", "add", "--yes", "--offline"]);
        well(&stage, &["instance", "set", "--delivery", "inline", "--yes", "--offline"]);
        assert!(!file(&stage).exists(), "{layout}: something still refers to it");
        let status = stage.run(&["status", "--json"]);
        assert_eq!(status.code, 0, "{layout}: {}", status.out);
        assert_eq!(found(&status.json(), "academic").0, "kept", "{layout}: its own value");
        let rotate = ["credential", "override", "academic", PROFILE, "--remove", "--yes", "--offline"];
        well(&stage, &rotate);
        assert_ne!(found(&stage.run(&["status", "--json"]).json(), "academic").0, "kept", "{layout}");
    }
}

/// Ways in which a vault's key comes, each with what takes it away, and what then helps.
fn keys() -> Vec<(&'static [&'static str], &'static str, &'static str)> {
    vec![
        (&["--key-file", "{home}/the.key"], "mv {home}/the.key {home}/away", "put the vault's key there"),
        (&["--passphrase", "--passphrase-fd", "3"], "true", "--passphrase-fd 3"),
        (&["--key-credential", "vault"], "true", "LoadCredential"),
        (&["--key-command", "{home}/gives"], "rm {home}/gives", "run it by hand"),
        (
            &["--key-file", "{home}/the.key"],
            "echo no vault > {home}/.local/share/keyshoal/vault.sqlite",
            "vault verify",
        ),
        (&["--key-file", "{home}/the.key"], "rm {home}/.local/share/keyshoal/vault.sqlite", "vault restore"),
    ]
}

/// Runs a line of the shell in the stage's home, with its installation named and a passphrase on descriptor 3.
fn shell(stage: &Stage, line: &str) {
    let home = stage.path("");
    let home = home.to_str().unwrap().trim_end_matches('/');
    let line = line.replace("{home}", home);
    let mut command = std::process::Command::new("/bin/sh");
    command
        .args(["-c", &line])
        .env_clear()
        .env("HOME", home)
        .env("CREDENTIALS_DIRECTORY", stage.path("given"));
    let output = command.output().unwrap();
    assert!([Some(0), Some(2)].contains(&output.status.code()), "{line}: {output:?}");
}

#[test]
fn what_could_not_be_compared_with_the_vault_is_never_fine_whatever_its_key_comes_from() {
    use std::os::unix::fs::PermissionsExt;
    for (options, away, helps) in keys() {
        let stage = Stage::drifted(Layout::JsonFile);
        let file = |name: &str, text: &str, mode: u32| {
            let path = stage.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        file("words", "correct horse battery\n", 0o600);
        file("given/keyshoal-vault", &"k".repeat(32), 0o400);
        file("gives", "#!/bin/sh\nprintf '%064d' 7\n", 0o700);
        let program =
            format!("{} --state-dir {}", env!("CARGO_BIN_EXE_keyshoal"), stage.state_dir().display());
        let fd = if options.contains(&"3") { "--passphrase-fd 3" } else { "" };
        shell(&stage, &format!("{program} vault init {} 3< {{home}}/words", options.join(" ")));
        shell(&stage, &format!("{program} instance add {fd} --yes --offline 3< {{home}}/words"));
        shell(&stage, &format!("{program} sync {fd} --yes --offline 3< {{home}}/words"));
        shell(&stage, away);
        for reading in [
            &["status"] as &[&str],
            &["diff", "--offline"],
            &["doctor"],
            &["explain", "stocks"],
            &["watch", "--once"],
        ] {
            let run = stage.run(reading);
            assert_eq!(run.code, 2, "{options:?} {away}, {reading:?}: {}{}", run.out, run.err);
            assert!(!run.out.contains("nothing to do"), "{options:?}, {reading:?}: {}", run.out);
        }
        let run = stage.run(&["status", "--json"]);
        let findings = run.json()["findings"].clone();
        let of = findings.as_array().unwrap().iter().find(|one| one["finding"] == "unreadable").unwrap();
        assert!(of["fix"].as_str().unwrap().contains(helps), "{options:?} {away}: {of}");
    }
}

#[test]
fn without_the_vaults_key_nothing_is_offered_that_only_the_vault_can_decide() {
    for (layout, refers) in [(Layout::JsonFile, true), (Layout::JsonFile, false), (Layout::SharedRow, true)] {
        let stage = by_reference(layout);
        if !refers {
            well(&stage, &["instance", "set", "--delivery", "inline", "--yes", "--offline"]);
        }
        let (key, away) = (stage.path(".config/keyshoal/vault.key"), stage.path("away.key"));
        fs::rename(&key, &away).unwrap();
        for reading in [&["status"] as &[&str], &["diff", "--offline"], &["doctor"], &["explain", "academic"]]
        {
            let run = stage.run(reading);
            assert_eq!(run.code, 2, "{layout}, {reading:?}: {}{}", run.out, run.err);
            for command in ["keep", "replace", "sync", "set", "credential", "rotate"] {
                let offered = format!("keyshoal {command}");
                assert!(!run.out.contains(&offered), "{layout}, {reading:?} offers {offered}: {}", run.out);
            }
        }
        let status = stage.run(&["status"]).out;
        assert!(
            status.contains("put the vault's key there") && status.contains("instance release"),
            "{status}"
        );
        for deciding in [["keep", "academic", PROFILE], ["replace", "academic", PROFILE]] {
            let run = stage.run(&deciding);
            assert_eq!(run.code, 1, "{layout}, {deciding:?}: {}{}", run.out, run.err);
            assert!(run.err.contains("put the vault's key there"), "{layout}, {deciding:?}: {}", run.err);
        }
        fs::rename(&away, &key).unwrap();
        let status = stage.run(&["status", "--json"]);
        assert_eq!((status.code, found(&status.json(), "academic").0.as_str()), (0, "kept"), "{layout}");
        assert_eq!(stage.run(&["diff", "--offline"]).code, 0, "{layout}: nothing was learned meanwhile");
    }
}

#[test]
fn another_vault_asks_about_no_override_that_it_has_taken_in() {
    for layout in LAYOUTS {
        let stage = by_reference(layout);
        let (vault, key) = (stage.path(".local/share/keyshoal"), stage.path(".config/keyshoal/vault.key"));
        fs::remove_dir_all(vault).unwrap();
        fs::remove_file(key).unwrap();
        well(&stage, &["instance", "release", "--yes"]);
        let before: Value = serde_json::from_slice(&fs::read(file(&stage)).unwrap()).unwrap();
        well(&stage, &["vault", "init"]);
        well(&stage, &["instance", "add", "--yes", "--offline"]);
        let diff = stage.run(&["diff", "--offline", "--json"]).json();
        assert_eq!(diff["questions"], Value::Array(Vec::new()), "{layout}: {diff}");
        well(&stage, &["sync", "--yes", "--offline"]);
        well(&stage, &["status"]);
        let after: Value = serde_json::from_slice(&fs::read(file(&stage)).unwrap()).unwrap();
        let values = |of: &Value| {
            let own = of["agents"].as_object().unwrap().values();
            let mut own: Vec<String> = own.map(|one| one.as_str().unwrap().to_owned()).collect();
            own.sort();
            own
        };
        assert_eq!(values(&after), values(&before), "{layout}: the same keys");
        let names = |of: &Value| of["agents"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert!(names(&before).iter().all(|name| !names(&after).contains(name)), "{layout}: by new names");
    }
}
