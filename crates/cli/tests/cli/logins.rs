//! Logins that OpenClaw holds: no key takes their place, the vault only knows of them, and they move once or not at all.

use crate::importing::program_for;
use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const LOGIN: &str = "openai-codex:me";
const PRIVATE: &str = "openai-codex:mine";
const SOLE_OWNERS: [&str; 3] = ["stocks", "academic", "twin"];

fn login(account: &str) -> Value {
    json!({ "type": "oauth", "provider": "openai-codex", "access": format!("{ACCESS}-{account}"),
            "refresh": format!("{REFRESH}-{account}"), "expires": 4_000_000_000_000_i64,
            "email": format!("{account}@example.com"), "idToken": "of-its-owner" })
}

/// Main has a login, ops a copy of it; stocks has one of another account, academic one that nobody else has, and twin a copy of that.
fn signed_in(layout: Layout) -> Stage {
    let own = |id: &str| StoreId::Agent(id.into());
    Stage::with(layout, |sample| {
        let sample = ["stocks", "ops", "academic", "twin"].into_iter().fold(sample, |all, id| all.agent(id));
        sample
            .api_key(StoreId::Base, PROFILE, NEW)
            .profile(StoreId::Base, LOGIN, login("all"))
            .profile(own("ops"), LOGIN, login("all"))
            .profile(own("stocks"), LOGIN, login("stocks"))
            .profile(own("academic"), PRIVATE, login("academic"))
            .profile(own("twin"), PRIVATE, login("academic"))
    })
}

/// Three agents: stocks has a login of its own, which no other has.
fn apart(layout: Layout) -> Stage {
    Stage::with(layout, |sample| {
        sample
            .agent("stocks")
            .agent("ops")
            .api_key(StoreId::Base, PROFILE, NEW)
            .profile(StoreId::Base, LOGIN, login("all"))
            .profile(StoreId::Agent("stocks".into()), LOGIN, login("stocks"))
    })
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn said(run: &Run) -> String {
    let all = format!("{}{}", run.out, run.err);
    for secret in SECRETS {
        assert!(!all.contains(&secret[secret.len() - 12..]), "{all}");
    }
    all
}

fn fine(run: &Run) -> String {
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    said(run)
}

/// Tells what a person is told of an agent's profile: the finding, and what mends it.
fn told(stage: &Stage, at: &Path, agent: &str, profile: &str) -> (Value, String) {
    let status = stage.run_at(at, &["status", "--json"]).json();
    let mut findings = status["findings"].as_array().unwrap().iter();
    let found = findings.find(|one| one["agent"] == agent && one["profile"] == profile);
    found.map_or((Value::Null, String::new()), |one| {
        (one["finding"].clone(), one["fix"].as_str().unwrap_or_default().to_owned())
    })
}

/// Returns the files below a directory that hold this.
fn holding(below: &Path, what: &str) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![below.to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if std::fs::read(&path).unwrap().windows(what.len()).any(|window| window == what.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_command_takes_a_key_for_a_login() {
    let stage = apart(Layout::JsonFile);
    fine(&stage.run(&["vault", "init"]));
    fine(&stage.run(&["instance", "add", "--name", "home", "--offline", "--yes"]));
    let key = stage.path("key");
    std::fs::write(&key, GIVEN).unwrap();
    for words in [
        &["rotate", LOGIN] as &[&str],
        &["rotate", "openai-codex"],
        &["rotate", LOGIN, "--agent", "stocks"],
        &["rotate", LOGIN, "--instances", "all"],
        &["rotate", LOGIN, "--instances", "home"],
        &["rotate", LOGIN, "--dry-run"],
        &["credential", "set", LOGIN],
        &["credential", "override", "ops", LOGIN],
    ] {
        let run = stage.run(&[words, &["--from-file", text(&key), "--offline", "--yes"]].concat());
        let all = said(&run);
        assert_eq!(run.code, 1, "{words:?}: {all}");
        assert!(all.contains("is a login, which no key can take the place of"), "{words:?}: {all}");
        assert!(all.contains("keyshoal set openai-codex:key"), "{words:?}: {all}");
    }
    let due = stage.run(&["rotate", "--due", "--json"]).json()["credentials"].clone();
    let profiles: Vec<&Value> = due.as_array().unwrap().iter().map(|one| &one["profile"]).collect();
    assert_eq!(profiles, [PROFILE], "what cannot be rotated is never due");

    // Where another instance has a key of that name, that one rotates.
    let other = stage.also("other", Layout::JsonFile, |sample| {
        sample.agent("ops").api_key(StoreId::Base, LOGIN, OWN).api_key(StoreId::Base, PROFILE, NEW)
    });
    fine(&stage.run_at(&other, &["instance", "add", "--name", "other", "--offline", "--yes"]));
    let all = ["rotate", LOGIN, "--instances", "all", "--from-file", text(&key), "--offline", "--yes"];
    let all = said(&stage.run(&all));
    assert!(all.contains("home: openai-codex:me is a login"), "{all}");
    assert_eq!(holding(&other.join("agents"), GIVEN).len(), 1, "{all}");
    assert_eq!(holding(&stage.state_dir().join("agents"), GIVEN).len(), 0, "{all}");
}

#[test]
fn a_login_of_its_own_is_fine_in_a_vault_whatever_it_holds_by_now() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = apart(layout);
        let here = stage.state_dir();
        assert_eq!(told(&stage, &here, "stocks", LOGIN).0, "kept", "{layout}");
        fine(&stage.run(&["vault", "init"]));
        let added = fine(&stage.run(&["instance", "add", "--offline", "--yes"]));
        for never in ["sign in", "--move-logins", "old machine", "foreign"] {
            assert!(!added.contains(never), "{layout}: {never}: {added}");
        }
        let unwrapped = added.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains("OpenClaw alone renews them"), "{layout}: {added}");
        let status = fine(&stage.run(&["status"]));
        assert!(status.contains("has its own login"), "{layout}: {status}");
        assert_eq!(fine(&stage.run(&["sync", "--offline", "--yes"])), "✓ nothing to do\n", "{layout}");
        if layout == Layout::JsonFile {
            // OpenClaw renews it.
            let store = here.join("agents/stocks/agent/auth-profiles.json");
            let held = std::fs::read_to_string(&store).unwrap();
            std::fs::write(&store, held.replace(REFRESH, "oauth-refresh-renewed")).unwrap();
            assert_eq!(told(&stage, &here, "stocks", LOGIN).0, "kept");
            fine(&stage.run(&["status"]));
            // What all share, copied over it, is not its own.
            let shared = std::fs::read_to_string(here.join("agents/main/agent/auth-profiles.json")).unwrap();
            std::fs::write(&store, shared).unwrap();
            assert_eq!(told(&stage, &here, "stocks", LOGIN).0, "shadowing");
        }
    }
}

#[test]
fn a_copied_login_needs_attention_until_a_person_has_decided() {
    let copied = |layout| {
        Stage::with(layout, |sample| {
            sample
                .agent("ops")
                .api_key(StoreId::Base, PROFILE, NEW)
                .profile(StoreId::Base, LOGIN, login("all"))
                .profile(StoreId::Agent("ops".into()), LOGIN, login("all"))
        })
    };
    let row = copied(Layout::SharedRow);
    for stage in [&copied(Layout::JsonFile), &row] {
        let run = stage.run(&["status"]);
        let all = said(&run);
        assert!(run.code == 2 && all.contains("✗ shadowing") && !all.contains("nothing to do"), "{all}");
        assert_eq!(stage.run(&["sync", "--offline", "--yes"]).code, 2, "it is nobody's to remove unasked");
        assert!(told(stage, &stage.state_dir(), "ops", LOGIN).1.contains("keyshoal keep ops"), "{all}");
        fine(&stage.run(&["keep", "ops", LOGIN]));
        fine(&stage.run(&["status"]));
    }
    // Where the owner's login is inherited, the copy can go.
    fine(&row.run(&["replace", "ops", LOGIN]));
    fine(&row.run(&["sync", "--offline", "--yes"]));
    let status = row.run(&["status", "--json"]).json();
    let ops = status["agents"].as_array().unwrap().iter().find(|one| one["id"] == "ops").unwrap().clone();
    let profiles = ops["profiles"].as_array().unwrap().clone();
    let now = profiles.iter().find(|one| one["id"] == LOGIN).unwrap();
    assert_eq!((&now["finding"], &now["origin"]), (&json!("inherited"), &json!("inherited")), "{ops:#}");
}

/// Exports with a code, and imports into a new state directory.
fn moved(stage: &Stage, export: &[&str], import: &[&str]) -> (PathBuf, Run) {
    let (payload, code, new) = (stage.path("home.payload"), stage.path("code"), stage.path("new"));
    let out = ["export", "--to", text(&payload), "--code-file", text(&code)];
    fine(&stage.run(&[&out, export].concat()));
    let arguments = ["import", text(&payload), "--code-file", text(&code), "--yes", "--offline"];
    let run = stage.run_at(&new, &[&arguments, import].concat());
    said(&run);
    (new, run)
}

#[test]
fn logins_that_move_stand_whole_in_one_store_each() {
    for (layout, in_vault) in [
        (Layout::JsonFile, false),
        (Layout::JsonFile, true),
        (Layout::JsonWithState, false),
        (Layout::SharedRow, false),
    ] {
        let stage = signed_in(layout);
        if in_vault {
            fine(&stage.run(&["vault", "init"]));
            said(&stage.run(&["instance", "add", "--name", "old", "--offline", "--yes"]));
        }
        let vault = stage.path("new-vault/vault.sqlite");
        let program = program_for(&stage, &SOLE_OWNERS);
        let mut how = vec!["--vault", text(&vault), "--json"];
        if layout == Layout::SharedRow {
            how.extend(["--openclaw", text(&program)]);
        }
        let (new, run) = moved(&stage, &["--move-logins"], &how);
        let made = run.json()["made"].clone();
        assert_eq!(
            (run.code, &made["logins"], &made["sign_in"][1]),
            (0, &json!(3), &Value::Null),
            "{made:#}"
        );
        let notes = made["notes"].to_string();
        let copied = format!("{PRIVATE} of twin: it is the login of {PRIVATE} of academic copied");
        assert!(notes.contains(&copied), "{layout}: {made:#}");
        for (account, place) in [("all", None), ("stocks", Some("stocks")), ("academic", Some("academic"))] {
            let found = holding(&new, &format!("{REFRESH}-{account}"));
            let [one] = found.as_slice() else { panic!("{layout}: {account}: {found:?}") };
            let place = match (place, layout) {
                (Some(agent), _) => format!("agents/{agent}/agent"),
                (None, Layout::SharedRow) => "state".to_owned(),
                (None, _) => "agents/main/agent".to_owned(),
            };
            assert_eq!(one.parent().unwrap(), new.join(place), "{layout}: {account}");
        }
        if layout == Layout::JsonFile {
            let store =
                std::fs::read_to_string(new.join("agents/academic/agent/auth-profiles.json")).unwrap();
            let store: Value = serde_json::from_str(&store).unwrap();
            assert_eq!(store["profiles"][PRIVATE], login("academic"), "nothing of it is lost");
        }
        let at = |arguments: &[&str]| stage.run_at(&new, &[&["--vault", text(&vault)], arguments].concat());
        let status = at(&["status"]);
        assert!(status.code == 0 && !said(&status).contains("shadowing"), "{layout}: {}", status.out);
        assert_eq!(at(&["sync", "--offline", "--yes"]).code, 0, "{layout}");
        assert_eq!(holding(&new, REFRESH).len(), 3, "{layout}: nobody gets it a second time");
    }
}

#[test]
fn logins_of_a_copied_directory_move_likewise() {
    let stage = apart(Layout::JsonFile);
    let (old, new) = (stage.state_dir(), stage.path("new"));
    let from = ["import", text(&old), "--move-logins", "--yes", "--offline"];
    let all = fine(&stage.run_at(&new, &from));
    assert!(all.contains("2 logins moved here: the old machine must not run any more"), "{all}");
    assert_eq!(holding(&new, REFRESH).len(), 2, "{all}");
}

#[test]
fn logins_that_stay_are_said_to_stay_and_the_ways_out_are_walked() {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        let agents = json!({ "defaults": { "model": { "primary": "openai-codex/gpt-test" } },
                             "list": [{ "id": "main", "default": true }, { "id": "stocks" }] });
        sample
            .agent("stocks")
            .config(json!({ "agents": agents }))
            .api_key(StoreId::Base, PROFILE, NEW)
            .profile(StoreId::Base, LOGIN, login("all"))
            .profile(StoreId::Agent("stocks".into()), PRIVATE, login("stocks"))
    });
    let (new, run) = moved(&stage, &[], &[]);
    let all = said(&run).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.contains("stay with the old machine, and no store here gets them"), "{all}");
    for never in ["come along", "access tokens do", "delivers what waits", "logins moved here"] {
        assert!(!all.contains(never), "{never}: {all}");
    }
    assert!(all.contains(&format!("sign in: {LOGIN}: openclaw models auth login")), "{all}");
    assert_eq!(holding(&new, ACCESS).len(), 0, "{all}");

    let missing = |agent: &str| {
        let status = stage.run_at(&new, &["status", "--json"]).json();
        let mut findings = status["findings"].as_array().unwrap().iter();
        let found = findings.find(|one| one["agent"] == agent && one["finding"] == "missing");
        found.map(|one| one["fix"].as_str().unwrap().to_owned())
    };
    let fix = missing("main").unwrap();
    assert!(fix.starts_with("openclaw models auth login"), "{fix}");
    // A key of its own for an agent that this release cannot sign in, then one for all.
    let (_, own) = told(&stage, &new, "stocks", PRIVATE);
    let key = stage.path("key");
    std::fs::write(&key, GIVEN).unwrap();
    for (fix, agent) in [(own, "stocks"), (fix, "main")] {
        let at = fix.find("keyshoal set ").unwrap();
        let words: Vec<&str> =
            fix[at..].split_whitespace().skip(1).take_while(|word| !word.starts_with(['(', 'w'])).collect();
        let given = [words, vec!["--from-file", text(&key), "--offline", "--yes"]].concat();
        said(&stage.run_at(&new, &given));
        assert_eq!(missing(agent), None, "{fix}");
    }
    fine(&stage.run_at(&new, &["status"]));
}

#[test]
fn without_the_program_that_makes_databases_no_login_is_said_to_have_moved() {
    let stage = apart(Layout::SharedRow);
    let (new, run) = moved(&stage, &["--move-logins"], &["--json"]);
    let document = run.json();
    assert!(document["warnings"].to_string().contains("install it before this import"), "{document:#}");
    let made = &document["made"];
    assert_eq!((&made["logins"], made["sign_in"].as_array().unwrap().len()), (&json!(0), 2), "{made:#}");
    assert!(made["notes"].to_string().contains("no store here has the login"), "{made:#}");
    assert!(!made["waits"].to_string().contains("login"), "{made:#}");
    assert_eq!(holding(&new, REFRESH).len(), 0);
}
