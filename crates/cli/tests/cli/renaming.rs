//! Agents that get another id with credentials of their own.

use crate::stage::*;
use keyshoal_core::Layout;

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
