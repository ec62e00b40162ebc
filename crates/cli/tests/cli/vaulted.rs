//! An installation with a vault, as people change it.

use crate::stage::*;
use keyshoal_core::Layout;
use keyshoal_testkit::rusqlite::Connection;
use serde_json::{Value, json};
use std::fs;

/// The drifted installation, in a vault.
fn vaulted() -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        let run = stage.run(arguments);
        assert!(run.code == 0 || run.code == 2, "{arguments:?}: {}{}", run.out, run.err);
    }
    stage
}

fn agents(stage: &Stage) -> Vec<(String, bool)> {
    let told = stage.run(&["agent", "list", "--json"]).json();
    let of = |one: &Value| (one["id"].as_str().unwrap().to_owned(), one["enabled"].as_bool().unwrap());
    told["instance"]["agents"].as_array().unwrap().iter().map(of).collect()
}

/// The ids in the config's roster.
fn roster(stage: &Stage) -> Vec<String> {
    let text = fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    let list = config["agents"]["list"].as_array().unwrap();
    list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn holds(stage: &Stage, agent: &str, value: &str) -> bool {
    let path = stage.state_dir().join("agents").join(agent).join("agent/auth-profiles.json");
    fs::read_to_string(path).is_ok_and(|text| text.contains(value))
}

#[test]
fn a_dry_run_changes_nothing_of_the_vault_either() {
    let stage = vaulted();
    assert_eq!(stage.run(&["agent", "disable", "ops", "--yes"]).code, 0);
    let dry = stage.run(&["agent", "rename", "ops", "duty", "-n"]);
    assert!(dry.code == 2 && dry.out.contains("The vault would take it"), "{}{}", dry.out, dry.err);
    assert!(agents(&stage).contains(&("ops".to_owned(), false)), "{:?}", agents(&stage));
    let done = stage.run(&["agent", "rename", "ops", "duty", "--yes"]);
    assert!(done.code == 0 && done.out.contains("the vault has it"), "{}{}", done.out, done.err);
    assert!(agents(&stage).contains(&("duty".to_owned(), false)), "{:?}", agents(&stage));
}

#[test]
fn an_agent_that_is_renamed_again_leaves_no_ghost() {
    let stage = vaulted();
    // The config never sees the first new name, so it is remembered where the agent comes from.
    for arguments in [
        &["agent", "disable", "ops"] as &[&str],
        &["agent", "rename", "ops", "duty"],
        &["agent", "enable", "duty"],
        &["agent", "rename", "duty", "night"],
    ] {
        let run = stage.run(&[arguments, &["--yes"]].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
    }
    let mut there = roster(&stage);
    there.sort();
    assert_eq!(there, ["academic", "main", "night", "stocks"]);
}

#[test]
fn what_is_given_to_one_agent_takes_the_place_of_what_it_kept() {
    let stage = vaulted();
    assert_eq!(stage.run(&["keep", "academic", PROFILE]).code, 0);
    let key = stage.path("given");
    fs::write(&key, GIVEN).unwrap();
    let given =
        ["credential", "override", "academic", PROFILE, "--yes", "--from-file", key.to_str().unwrap()];
    let run = stage.run(&given);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(holds(&stage, "academic", GIVEN) && !holds(&stage, "academic", OWN));
    assert_eq!(stage.run(&["diff"]).code, 0);
}

#[test]
fn a_config_that_was_changed_by_hand_is_seen() {
    let stage = vaulted();
    assert_eq!(stage.run(&["status"]).code, 0, "{}", stage.run(&["status"]).out);
    let path = stage.state_dir().join("openclaw.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let list = config["agents"]["list"].as_array_mut().unwrap();
    list.iter_mut().find(|one| one["id"] == "ops").unwrap()["name"] = "Somebody".into();
    fs::write(&path, config.to_string()).unwrap();
    let status = stage.run(&["status"]);
    assert!(status.code == 2 && status.out.contains("config differs"), "{}", status.out);
    let doctor = stage.run(&["doctor"]);
    assert!(doctor.code == 2 && doctor.out.contains("not what the vault wants"), "{}", doctor.out);
    // It is somebody's word until a person decides.
    assert_eq!(stage.run(&["sync", "--yes"]).code, 2);
    assert!(fs::read_to_string(&path).unwrap().contains("Somebody"));
    let run = stage.run(&["instance", "deliver", "--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(!fs::read_to_string(&path).unwrap().contains("Somebody"));
    assert_eq!(stage.run(&["status"]).code, 0, "{}", stage.run(&["status"]).out);
}

#[test]
fn an_id_that_openclaw_would_change_is_not_taken_in_silence() {
    let stage = vaulted();
    for odd in ["../x", "日本", "Night Duty"] {
        let run = stage.run(&["agent", "add", odd, "--yes"]);
        assert!(run.code == 64 && run.err.contains("it would call this agent"), "{odd}: {}", run.err);
    }
}

#[test]
fn a_rotation_of_one_agents_own_key_goes_before_what_was_kept_there() {
    let stage = vaulted();
    let key = |name: &str, value: &str| {
        let path = stage.path(name);
        fs::write(&path, value).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (key("first", GIVEN), key("second", NEW));
    let run = stage.run(&["credential", "override", "academic", PROFILE, "--yes", "--from-file", &first]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stage.run(&["keep", "academic", PROFILE]).code, 0);
    let run = stage.run(&["rotate", PROFILE, "--agent", "academic", "--yes", "--from-file", &second]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(holds(&stage, "academic", NEW) && !holds(&stage, "academic", GIVEN));
}

#[test]
fn a_shared_rotation_names_who_keeps_a_value_of_its_own() {
    let stage = vaulted();
    let foreign = stage.state_dir().join("agents/ops/agent/auth-profiles.json");
    let stocks =
        fs::read_to_string(stage.state_dir().join("agents/stocks/agent/auth-profiles.json")).unwrap();
    fs::create_dir_all(foreign.parent().unwrap()).unwrap();
    fs::write(&foreign, stocks.replace(NEW, OWN)).unwrap();
    assert_eq!(stage.run(&["keep", "ops", PROFILE]).code, 0);
    let key = stage.path("given");
    fs::write(&key, GIVEN).unwrap();
    let rotate = ["rotate", PROFILE, "--yes", "--from-file", key.to_str().unwrap()];
    let typo = stage.run(&[&rotate as &[&str], &["--canary", "nobody"]].concat());
    assert!(typo.code == 1 && typo.err.contains("no agent \"nobody\""), "{}", typo.err);
    let run = stage.run(&rotate);
    assert!(run.code == 0 && run.out.contains("(not ops, with a value of its own"), "{}{}", run.out, run.err);
    assert!(holds(&stage, "stocks", GIVEN) && holds(&stage, "ops", OWN));
    let meant = stage.run(&["rotate", "antropic", "--yes", "--from-file", key.to_str().unwrap()]);
    assert!(meant.err.contains("did you mean anthropic?"), "{}", meant.err);
}

#[test]
fn a_vault_that_cannot_be_opened_is_never_fine() {
    let stage = vaulted();
    fs::write(stage.path(".local/share/keyshoal/vault.sqlite"), "this is no vault").unwrap();
    for reading in ["status", "diff", "doctor"] {
        let run = stage.run(&[reading]);
        assert_eq!(run.code, 2, "{reading}: {}{}", run.out, run.err);
    }
    let status = stage.run(&["status"]);
    assert!(status.out.contains("could not be opened"), "{}", status.out);
}

#[test]
fn a_rename_is_shown_as_one_that_loses_nothing() {
    let stage = vaulted();
    let dry = stage.run(&["agent", "rename", "academic", "scholar", "-n"]);
    let all = format!("{}{}", dry.out, dry.err);
    assert!(all.contains("academic becomes scholar") && all.contains("keeps its credentials"), "{all}");
    assert!(all.contains("is called scholar now") && !all.contains("taken it back"), "{all}");
    let done = stage.run(&["agent", "rename", "academic", "scholar", "--yes"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert!(holds(&stage, "scholar", OWN) && !holds(&stage, "academic", OWN));
}

#[test]
fn a_list_tells_which_instances_were_released() {
    let stage = vaulted();
    let before = stage.run(&["instance", "list", "--json"]).json();
    assert_eq!(before["released"], serde_json::json!([]));
    assert_eq!(stage.run(&["instance", "release", "--yes"]).code, 0);
    let after = stage.run(&["instance", "list", "--json"]).json();
    let id = &after["instances"][0]["id"];
    assert_eq!(after["released"], serde_json::json!([id]));
    // To look is not to do, and nobody says yes here.
    assert_eq!(stage.run(&["instance", "add", "--dry-run"]).code, 0);
    assert_eq!(stage.run(&["instance", "add"]).code, 2);
    assert_eq!(stage.run(&["instance", "list", "--json"]).json()["released"], serde_json::json!([id]));
    let shown = stage.run(&["instance", "list"]).out;
    assert!(shown.contains("1 released") && shown.contains("keyshoal instance add"), "{shown}");
    assert_eq!(stage.run(&["instance", "add", "--yes"]).code, 0);
    assert_eq!(stage.run(&["instance", "list", "--json"]).json()["released"], serde_json::json!([]));
}

#[test]
fn a_list_changes_no_instances_memory_and_needs_none() {
    let stage = vaulted();
    let memory = stage.state_dir().join(".keyshoal");
    let list = |why: &str| {
        let run = stage.run(&["instance", "list", "--json"]);
        assert_eq!(run.code, 0, "{why}: {}{}", run.out, run.err);
        let told = run.json();
        assert_eq!(
            (&told["instances"].as_array().unwrap().len(), &told["released"]),
            (&1, &json!([])),
            "{why}"
        );
    };
    let ledger = || Connection::open(memory.join("ledger.sqlite")).unwrap();
    let images = || -> u32 {
        let query = "SELECT count(*) FROM steps WHERE before_image IS NOT NULL";
        ledger().query_row(query, [], |row| row.get(0)).unwrap()
    };
    ledger().execute("UPDATE runs SET begun = 1, finished = 2", []).unwrap();
    let kept = images();
    list("a run of long ago");
    assert!(kept > 0 && images() == kept, "{kept} values from before became {}", images());
    ledger().execute("ALTER TABLE ledger DROP COLUMN vault", []).unwrap();
    list("a memory that cannot be read");
    fs::remove_dir_all(&memory).unwrap();
    list("no memory");
    assert!(!memory.exists());
}

#[test]
fn what_was_one_agents_own_by_the_vault_is_kept_when_that_is_let_go_of_and_taken_back_later() {
    let stage = Stage::drifted(Layout::JsonFile);
    let key = stage.path("given");
    std::fs::write(&key, GIVEN).unwrap();
    let fine = |arguments: &[&str]| {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
        run.out
    };
    fine(&["keep", "academic", PROFILE]);
    fine(&["vault", "init"]);
    fine(&["instance", "add", "--yes"]);
    fine(&["sync", "--yes"]);
    let given = [
        "credential",
        "override",
        "stocks",
        PROFILE,
        "--offline",
        "--yes",
        "--from-file",
        key.to_str().unwrap(),
    ];
    fine(&given);
    fine(&["instance", "release", "--yes"]);
    let first = fine(&["status"]);
    assert_eq!(first.matches("● kept").count(), 4, "{first}");
    // How long ago something was said is another time at each look.
    let ageless = |text: &str| {
        let text = text.replace("just now", "0 s ago");
        let words = text.split_whitespace().collect::<Vec<_>>();
        let is_age = |at: usize| words[at..].iter().take(3).any(|word| word.starts_with("ago"));
        (0..words.len()).filter(|at| !is_age(*at)).map(|at| words[at].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ageless(&fine(&["status"])), ageless(&first));
    fine(&["sync", "--offline", "--yes"]);
    // The vault's word counts again, and what it takes back goes.
    fine(&["instance", "add", "--yes"]);
    for agent in ["stocks", "academic"] {
        fine(&["credential", "override", agent, PROFILE, "--remove", "--offline", "--yes"]);
        let store = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
        let text = std::fs::read_to_string(store).unwrap();
        assert!(!text.contains(GIVEN) && !text.contains(OWN), "{agent} has it still");
    }
}

#[test]
fn the_last_key_of_a_provider_that_models_need_is_not_removed_in_silence() {
    let stage = Stage::drifted(Layout::JsonFile);
    let path = stage.state_dir().join("openclaw.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    config["agents"]["defaults"]["model"] = json!({ "primary": "anthropic/claude-test" });
    fs::write(&path, config.to_string()).unwrap();
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        let run = stage.run(arguments);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
    let warned = |arguments: &[&str]| {
        let run = stage.run(arguments);
        run.err.lines().find(|line| line.contains("nothing is left")).map(str::to_owned)
    };
    let dry = warned(&["credential", "remove", PROFILE, "--dry-run"]).unwrap();
    // Whoever has one of its own has that.
    assert!(dry.contains("anthropic for main, stocks, ops, whose models need it"), "{dry}");
    assert_eq!(warned(&["credential", "remove", "openai-codex:me", "--dry-run"]), None);
    let override_of = ["credential", "override", "academic", PROFILE, "--remove"];
    assert_eq!(warned(&[&override_of as &[&str], &["--dry-run"]].concat()), None);
    assert!(warned(&["credential", "remove", PROFILE, "--yes"]).is_some());
    let last = warned(&[&override_of as &[&str], &["--yes"]].concat()).unwrap();
    assert!(last.contains("anthropic for academic,"), "{last}");
}

#[test]
fn whoever_has_other_keys_is_told_which_and_what_can_be_done() {
    let stage = vaulted();
    let other = stage.path("other-keys");
    fs::create_dir_all(&other).unwrap();
    let add = ["instance", "add", "--yes", "--keys-dir", other.to_str().unwrap()];
    for (more, code) in [(&[] as &[&str], 2), (&["--adopt", "moved"], 1)] {
        let run = stage.run(&[&add, more].concat());
        assert_eq!(run.code, code, "{}{}", run.out, run.err);
        for said in
            [other.to_str().unwrap(), "--keys-dir DIR", "--adopt new", "was written with fingerprint key"]
        {
            assert!(run.err.contains(said), "{said}: {}", run.err);
        }
        assert!(!run.err.contains("--adopt moved (the same one)"), "{}", run.err);
    }
    assert_eq!(stage.run(&["status"]).code, 0);
}

/// On the newest releases nobody answers what no binding names once the default agent has left the config.
#[test]
fn the_default_agent_is_not_taken_away_while_others_are_there() {
    let stage = vaulted();
    let before = roster(&stage);
    for words in ["disable", "remove"] {
        let run = stage.run(&["agent", words, "main", "--yes"]);
        assert_eq!(run.code, 1, "{words}: {}{}", run.out, run.err);
        assert!(run.err.contains("--default"), "{}", run.err);
    }
    assert_eq!(before, roster(&stage));
    assert!(agents(&stage).iter().all(|(_, enabled)| *enabled));
}

#[test]
fn a_disabled_agent_is_listed_as_one_that_gets_nothing() {
    let stage = vaulted();
    let of = |agent: &str| {
        let told = stage.run(&["artifacts", "--list", "--json"]).json();
        let all = told["agents"].as_array().unwrap().clone();
        let mut found = all.into_iter().find(|one| one["agent"] == agent).unwrap();
        let mut artifacts = found["artifacts"].as_array_mut().unwrap().drain(..);
        artifacts.find(|one| one["profile"] == PROFILE).unwrap()
    };
    let (shared, own) = (of("main")["fingerprint"].clone(), of("academic")["fingerprint"].clone());
    assert!(own.is_string() && own != shared);
    assert_eq!(stage.run(&["agent", "disable", "academic", "--yes"]).code, 0);
    let now = of("academic");
    assert_eq!((&now["fingerprint"], &now["how"]["how"]), (&Value::Null, &json!("skipped")), "{now:#}");
    let listed = stage.run(&["artifacts", "--list"]).out;
    assert!(listed.contains("the agent is disabled"), "{listed}");
    // It has it again with its roster.
    assert_eq!(stage.run(&["agent", "enable", "academic", "--yes"]).code, 0);
    assert_eq!(of("academic")["fingerprint"], own);
}

#[test]
fn a_rename_to_an_id_that_is_taken_says_nothing_but_that() {
    let stage = vaulted();
    let run = stage.run(&["agent", "rename", "ops", "main", "--yes"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(
        run.err.contains("there is an agent main already") && !run.err.contains("becomes"),
        "{}",
        run.err
    );
}

#[test]
fn a_model_that_the_config_does_not_list_is_warned_of() {
    let stage = vaulted();
    let warned = |arguments: &[&str]| {
        let run = stage.run(&[arguments, &["--dry-run"]].concat());
        run.err.lines().filter(|line| line.contains("is not among the models")).count()
    };
    assert_eq!(warned(&["model", "set", "anthropic/nope"]), 1);
    assert_eq!(
        warned(&["agent", "set", "ops", "--model", "anthropic/nope", "--fallback", "anthropic/no"]),
        2
    );
    assert_eq!(warned(&["agent", "add", "duty", "--model", "anthropic/nope"]), 1);
    // It is listed, or the config lists nothing of its provider.
    assert_eq!(warned(&["model", "set", "anthropic/claude-test", "--fallback", "openai/gpt-5"]), 0);
}
