//! Agents that get another id with credentials of their own.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};

fn held(stage: &Stage, agent: &str) -> Option<String> {
    let store = stage.state_dir().join("agents").join(agent).join("agent/auth-profiles.json");
    let document: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(store).ok()?).unwrap();
    Some(document["profiles"][PROFILE]["key"].as_str()?.to_owned())
}

fn fine(stage: &Stage, arguments: &[&str]) {
    let run = stage.run(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.out, run.err);
}

/// It is kept where it is, by a person's word or because its provider accepts it; a new id has only what the vault has.
#[test]
fn what_the_vault_does_not_have_is_taken_in_before_its_agent_is_renamed() {
    let stage = Stage::calm(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        fine(&stage, arguments);
    }
    let dir = stage.state_dir().join("agents/ops/agent");
    std::fs::create_dir_all(&dir).unwrap();
    let store = serde_json::json!({ "version": 1, "profiles": { PROFILE: { "type": "api_key", "provider": "anthropic", "key": OWN } } });
    std::fs::write(dir.join("auth-profiles.json"), store.to_string()).unwrap();
    fine(&stage, &["keep", "ops", PROFILE]);
    for dry in [
        &["agent", "rename", "ops", "duty", "--dry-run"] as &[&str],
        &["agent", "rename", "ops", "duty", "--yes"],
    ] {
        let run = stage.run(dry);
        assert!(run.code == 1 && run.err.contains("keyshoal credential adopt ops"), "{}{}", run.out, run.err);
        assert_eq!(held(&stage, "ops").as_deref(), Some(OWN));
    }
    fine(&stage, &["credential", "adopt", "ops", PROFILE, "--yes"]);
    // From then on it is the vault's, and no mark has it replaced.
    let run = stage.run(&["replace", "ops", PROFILE]);
    let way_out = format!("keyshoal credential override ops {PROFILE} --remove");
    assert!(run.code == 1 && run.err.contains(&way_out), "{}{}", run.out, run.err);
    fine(&stage, &["agent", "rename", "ops", "duty", "--yes"]);
    assert_eq!(held(&stage, "duty").as_deref(), Some(OWN));
}

#[test]
fn a_login_of_its_own_stays_where_it_is_and_that_is_told() {
    let login = serde_json::json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
                                    "expires": 4_000_000_000_000_i64, "email": "seeded@example.com" });
    let stage = Stage::with(Layout::JsonFile, |sample| {
        let ops = StoreId::Agent("ops".into());
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).profile(ops, "openai-codex:me", login)
    });
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    let rename = ["agent", "rename", "ops", "duty"];
    let dry = stage.run(&[&rename as &[&str], &["--dry-run"]].concat());
    assert_eq!(dry.code, 2, "{}{}", dry.out, dry.err);
    let done = stage.run(&[&rename as &[&str], &["--yes"]].concat());
    for run in [&dry, &done] {
        let said = "openai-codex:me, a login of its own, does not go over";
        assert!(run.err.contains(said) && run.err.contains("duty has none"), "{}{}", run.out, run.err);
        assert!(!run.err.contains("its own openai-codex:me"), "{}", run.err);
    }
    assert!(done.err.contains("now, with openai-codex:me; keyshoal quarantine --undo ops"), "{}", done.err);
    let mut places = Vec::new();
    let mut open = vec![stage.state_dir()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => open.push(entry.path()),
                false
                    if std::fs::read(entry.path())
                        .unwrap()
                        .windows(REFRESH.len())
                        .any(|one| one == REFRESH.as_bytes()) =>
                {
                    places.push(entry.path());
                }
                false => {}
            }
        }
    }
    assert!(
        places.len() == 1 && places[0].starts_with(stage.state_dir().join(".keyshoal/quarantine")),
        "{places:?}"
    );
}

#[test]
fn an_agent_that_was_renamed_in_the_config_is_not_taken_for_one_that_is_gone() {
    let stage = Stage::with(Layout::JsonFile, |sample| {
        let ops = StoreId::Agent("ops".into());
        sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW).api_key(ops, PROFILE, OWN).config(
            serde_json::json!({ "bindings": [{ "agentId": "ops", "match": { "channel": "telegram" } }] }),
        )
    });
    fine(&stage, &["vault", "init"]);
    fine(&stage, &["instance", "add", "--yes"]);
    let path = stage.state_dir().join("openclaw.json");
    let by_hand = std::fs::read_to_string(&path).unwrap().replace("\"ops\"", "\"duty\"");
    std::fs::write(&path, &by_hand).unwrap();
    let way = "keyshoal agent rename ops duty";
    let told = stage.run(&["status", "--json"]).json()["findings"].to_string();
    assert!(told.contains("duty is, which the vault does not know") && told.contains(way), "{told}");
    // What refuses is no way out.
    assert!(!told.contains("keyshoal instance adopt   takes"), "{told}");
    let listed = stage.run(&["artifacts", "--list"]);
    assert!(listed.code == 2 && listed.err.contains(way) && !listed.err.contains("adopt"), "{}", listed.err);
    let run = stage.run(&["instance", "adopt", "--yes"]);
    assert!(run.code == 1 && run.err.contains(way), "{}{}", run.out, run.err);
    assert!(run.err.contains("keyshoal agent add duty"), "{}", run.err);
    fine(&stage, &["agent", "rename", "ops", "duty", "--yes"]);
    assert_eq!(held(&stage, "duty").as_deref(), Some(OWN));
    assert!(!stage.state_dir().join("agents/ops/agent").exists());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), by_hand);
    fine(&stage, &["status"]);
    // One that is another agent is taken in first; then the one that is gone may go.
    let more = by_hand.replace("\"duty\"", "\"night\"");
    std::fs::write(&path, more).unwrap();
    let run = stage.run(&["agent", "add", "night", "--yes"]);
    assert!(run.code == 2 && run.out.contains("agents[duty] not there"), "{}{}", run.out, run.err);
    fine(&stage, &["instance", "adopt", "--yes"]);
    let agents = stage.run(&["agent", "list", "--json"]).json()["instance"]["agents"].clone();
    let enabled =
        |id: &str| agents.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()["enabled"].clone();
    assert_eq!((enabled("duty"), enabled("night")), (false.into(), true.into()));
}
