//! Configs that an earlier release wrote, or that `openclaw doctor --fix` has migrated.

use super::*;

#[test]
fn what_earlier_releases_wrote_by_themselves_and_this_one_refuses_leaves() {
    let text = r#"{
  // touched by its own commands
  meta: { lastTouchedAt: "2026-11-22T10:19:59.262Z", lastTouchedVersion: "2026.3.28" },
  commands: { restart: true, ownerDisplay: "raw" },
}
"#;
    let wanted = Wanted { agents: vec![agent("main")], without_retired: true, ..Wanted::default() };
    let new = made(text, NEW, &wanted);
    let left = crate::config::text::parse(Path::new("openclaw.json"), new.text.reveal_secret()).unwrap();
    assert_eq!(
        left,
        json!({ "meta": { "lastTouchedVersion": "2026.3.28" }, "commands": { "restart": true } })
    );
    assert!(new.text.reveal_secret().contains("// touched by its own commands"));
    assert_eq!(made(text, OLD, &wanted).text.reveal_secret(), text);
    // What it means is another thing then, and OpenClaw's own command decides about it.
    let hashed = text.replace("raw", "hash");
    assert!(made(&hashed, NEW, &wanted).text.reveal_secret().contains("ownerDisplay"));
}

/// As `openclaw doctor --fix` of 2026.9.6 leaves a roster that had a default mark.
const EXPLICIT: &str = r#"{
  agents: {
    ownership: "explicit",
    defaults: { systemAgent: { agentId: "main" } }, // asks first
    entries: { main: {}, ops: {}, stocks: {} },
  },
}
"#;

#[test]
fn under_explicit_ownership_the_default_is_who_owns_what_nobody_else_does() {
    let sources = Sources::of(&locations(), Some(EXPLICIT.as_bytes())).unwrap();
    let read = crate::config::import::import(&locations(), &sources).unwrap();
    let defaults: Vec<bool> = read.agents.iter().map(|agent| agent.default).collect();
    assert_eq!(defaults, [true, false, false]);
    let wanted = |default: &str, ids: &[&str]| {
        let one = |id: &&str| WantedAgent { default: *id == default, ..agent(id) };
        Wanted { agents: ids.iter().map(one).collect(), ..Wanted::default() }
    };
    let all = ["main", "ops", "stocks"];
    assert_eq!(made(EXPLICIT, NEW, &wanted("main", &all)).changes, []);
    assert_eq!(made(EXPLICIT, NEW, &wanted("", &all)).changes, [], "nobody says who");
    let other = made(EXPLICIT, NEW, &wanted("ops", &all));
    assert_eq!(other.changes, [ConfigChange::new("agents.defaults.systemAgent.agentId", "set to ops")]);
    assert_eq!(other.text.reveal_secret(), EXPLICIT.replace("agentId: \"main\"", "agentId: \"ops\""));
    // It leaves or is renamed, and another is named once.
    let left = made(EXPLICIT, NEW, &wanted("stocks", &["ops", "stocks"]));
    let named = left.changes.iter().filter(|change| change.path.contains("systemAgent")).count();
    assert_eq!((named, left.text.reveal_secret().contains("agentId: \"stocks\"")), (1, true));
    let renamed = Wanted {
        renamed: [(AgentId::new("chief"), AgentId::new("main"))].into(),
        ..wanted("chief", &["chief", "ops", "stocks"])
    };
    assert!(made(EXPLICIT, NEW, &renamed).text.reveal_secret().contains("agentId: \"chief\""));
    // Where nobody was named.
    let without = EXPLICIT.replace("systemAgent: { agentId: \"main\" }", "skipBootstrap: true");
    let set = made(&without, NEW, &wanted("ops", &all));
    assert_eq!(set.changes, [ConfigChange::new("agents.defaults.systemAgent.agentId", "set to ops")]);
}

#[test]
fn the_workspace_that_openclaw_writes_down_for_the_former_default_stays() {
    let migrated = EXPLICIT.replace("main: {}", "main: { workspace: \"/home/ada/w\" }");
    let ids = ["main", "ops", "stocks"];
    let wanted = |workspace: Option<&str>| {
        let one = |id: &&str| WantedAgent {
            default: *id == "main",
            workspace: workspace.filter(|_| *id == "main").map(str::to_owned),
            ..agent(id)
        };
        Wanted { agents: ids.iter().map(one).collect(), ..Wanted::default() }
    };
    assert_eq!(made(&migrated, NEW, &wanted(None)).changes, []);
    let other = made(&migrated, NEW, &wanted(Some("/srv/w")));
    assert_eq!(other.changes, [ConfigChange::new("agents.entries.main.workspace", "set to /srv/w")]);
}
