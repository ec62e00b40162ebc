//! Every place of a config that names an agent, when that agent gets another id, leaves, or is the default no more.

use super::*;
use serde_json::Value;

/// Where agents are named, with the agent's own id in the place of `@`. `acp` names programs.
fn naming() -> Value {
    let topics = json!({ "7": { "topics": { "1": { "agentId": "@" } } } });
    let filter = json!({ "enabled": true, "agentFilter": ["main", "@"] });
    let telegram = json!({
        "direct": topics, "groups": topics, "execApprovals": filter,
        "accounts": { "biz": { "direct": topics, "groups": topics, "execApprovals": filter } },
    });
    json!({
        "bindings": [{ "agentId": "@", "match": { "channel": "slack" } }],
        "broadcast": { "slack:C1": ["main", "@"], "slack:C2": { "agents": ["@"] } },
        "talk": { "agentId": "@", "silenceTimeoutMs": 700 },
        "tools": { "agentToAgent": { "enabled": true, "allow": ["main", "@", "*"] }, "swarm": { "defaultAgentId": "@" } },
        "hooks": { "allowedAgentIds": ["@"], "mappings": [{ "id": "a" }, { "id": "b", "agentId": "@" }] },
        "approvals": { "exec": filter, "plugin": filter },
        "gateway": { "roles": { "definitions": { "helper": { "agents": ["@", "main"] } } } },
        "mcp": { "servers": { "files": { "codex": { "agents": ["@"] } } } },
        "plugins": { "entries": { "active-memory": { "config": { "agents": ["@"] } } } },
        "channels": {
            "telegram": telegram, "a2a": { "exposeAgents": ["@"] },
            "clickclack": { "agentId": "@", "accounts": { "one": { "agentId": "@" } } },
        },
        "acp": { "defaultAgent": "stocks", "allowedAgents": ["stocks"] },
    })
}

fn config(form: &str, id: &str) -> Value {
    let of_main = json!({ "subagents": { "allowAgents": ["@", "ops"] }, "tools": { "swarm": { "defaultAgentId": "@" } } });
    let mut all = naming();
    let defaults =
        json!({ "heartbeat": { "agentId": "@", "every": "1h" }, "subagents": { "allowAgents": ["@"] } });
    all["agents"] = json!({ "defaults": defaults });
    let mut main = of_main;
    match form {
        "list" => {
            main["id"] = json!("main");
            all["agents"]["list"] = json!([main, { "id": "@" }, { "id": "ops" }]);
        }
        _ => {
            main["default"] = json!(true);
            all["agents"]["entries"] = json!({ "main": main, "@": {}, "ops": {} });
        }
    }
    serde_json::from_str(&all.to_string().replace('@', id)).unwrap()
}

fn wanted(ids: &[&str]) -> Wanted {
    let one = |id: &&str| WantedAgent { default: *id == "main", ..agent(id) };
    let binding = |id: &&&str| **id != "main" && **id != "ops";
    let binding = ids.iter().find(binding).map(|id| WantedBinding {
        agent: AgentId::new(*id),
        matching: json!({ "channel": "slack" }),
        comment: None,
    });
    Wanted {
        agents: ids.iter().map(one).collect(),
        bindings: binding.into_iter().collect(),
        ..Wanted::default()
    }
}

#[test]
fn an_agent_that_is_renamed_is_named_so_everywhere() {
    for (form, release) in [("list", OLD), ("list", NEW), ("entries", NEW)] {
        let before = config(form, "stocks");
        let mut renamed = wanted(&["main", "shares", "ops"]);
        renamed.renamed.insert(AgentId::new("shares"), AgentId::new("stocks"));
        let new = made(&before.to_string(), release, &renamed);
        let made_of_it: Value = serde_json::from_str(new.text.reveal_secret()).unwrap();
        let mut expected = config(form, "shares");
        expected["acp"] = before["acp"].clone();
        assert_eq!(made_of_it, expected, "{form}");
        assert_eq!(new.notes, [""; 0], "{form}");
        for said in ["hooks.mappings[1].agentId", "tools.agentToAgent.allow[1]"] {
            assert!(new.changes.iter().any(|change| change.path == said), "{said}: {:?}", new.changes);
        }
        renamed.renamed.clear();
        assert_eq!(made(new.text.reveal_secret(), release, &renamed).changes, []);
    }
}

#[test]
fn an_agent_that_leaves_is_told_of_where_it_is_still_named() {
    let before = config("entries", "stocks");
    let left = made(&before.to_string(), NEW, &wanted(&["main", "ops"]));
    let after: Value = serde_json::from_str(left.text.reveal_secret()).unwrap();
    assert_eq!(after["hooks"], before["hooks"], "that is for a person to decide");
    let notes = left.notes.join("\n");
    for told in [
        "hooks.allowedAgentIds[0]",
        "hooks.mappings[1].agentId",
        "tools.agentToAgent.allow[1]",
        "tools.swarm.defaultAgentId",
        "agents.entries.main.subagents.allowAgents[0]",
        "approvals.exec.agentFilter[1]",
        "channels.a2a.exposeAgents[0]",
        "gateway.roles.definitions.helper.agents[0]",
    ] {
        assert!(notes.contains(&format!("{told} names agent stocks")), "{told}: {notes}");
    }
    assert!(!notes.contains("acp."), "{notes}");
}

/// `openclaw doctor --fix` writes the default agent down as the owner of Talk and of the heartbeat.
#[test]
fn talk_and_the_heartbeat_go_on_with_the_default_agent_where_that_was_all_they_said() {
    let text = |talk: &str| {
        format!(
            "{{ talk: {talk}, agents: {{ ownership: \"explicit\", defaults: {{ heartbeat: {{ agentId: \"main\" }}, systemAgent: {{ agentId: \"main\" }} }}, entries: {{ main: {{}}, ops: {{}} }} }} }}"
        )
    };
    let mut other = Wanted { agents: vec![agent("main"), agent("ops")], ..Wanted::default() };
    other.agents[1].default = true;
    let talk = |text: &str| {
        let new = made(text, NEW, &other);
        let root = crate::config::text::parse(Path::new("openclaw.json"), new.text.reveal_secret()).unwrap();
        assert_eq!(root["agents"]["defaults"]["heartbeat"], json!({ "agentId": "ops" }));
        (root["talk"]["agentId"].clone(), new.notes)
    };
    assert_eq!(talk(&text("{ agentId: \"main\" }")), (json!("ops"), Vec::new()));
    let (named, notes) = talk(&text("{ agentId: \"main\", silenceTimeoutMs: 700 }"));
    assert_eq!(named, json!("main"), "somebody may have meant it");
    assert!(notes[0].contains("talk.agentId names main, who was the default agent"), "{notes:?}");
    assert_eq!(talk(&text("{ agentId: \"ops\" }")), (json!("ops"), Vec::new()));
    // Nobody else became the default.
    let mut same = other.clone();
    (same.agents[0].default, same.agents[1].default) = (true, false);
    assert_eq!(made(&text("{ agentId: \"main\" }"), NEW, &same).changes, []);
}
