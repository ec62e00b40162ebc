//! A store that cannot be read: what its agents send is unknown, which is neither nothing nor fine.

use super::house::{House, copied, glance};
use keyshoal_core::{AgentView, FindingKind, Layout, Severity};
use keyshoal_engine::look::Look;
use serde_json::json;
use std::path::Path;

const AGENTS: [&str; 3] = ["main", "stocks", "ops"];

/// Looks at an installation in which something was damaged.
fn glance_at(layout: Layout, damage: impl FnOnce(&Path)) -> Look {
    let house = House::holding(&copied(layout).agent("ops").config(
        json!({ "models": { "providers": { "acme": { "baseUrl": "https://acme.example", "models": [] } } } }),
    ));
    damage(&house.state());
    glance(&house.open())
}

fn agent<'a>(look: &'a Look, id: &str) -> &'a AgentView {
    look.observed.agent(&id.into()).unwrap()
}

/// Asserts that nothing is claimed of what an agent sends, and that nothing of it is called fine.
fn is_unknown(look: &Look, id: &str) {
    let agent = agent(look, id);
    assert!(
        agent.unknown.as_ref().is_some_and(|why| why.contains("cannot be read")),
        "{id}: {:?}",
        agent.unknown
    );
    assert!(agent.candidates.is_empty(), "{id}: {:?}", agent.candidates);
    let findings: Vec<_> = look.judgement.of_agent(&agent.id).collect();
    assert!(
        findings
            .iter()
            .any(|one| one.finding == FindingKind::Unreadable && one.severity == Severity::Attention)
    );
    assert!(findings.iter().all(|one| one.severity != Severity::Fine), "{id}: {findings:?}");
}

fn is_known(look: &Look, id: &str) {
    let agent = agent(look, id);
    assert_eq!(agent.unknown, None, "{id}");
    assert!(agent.first(&"acme".into()).is_some(), "{id}: {:?}", agent.candidates);
}

#[test]
fn a_store_of_one_agent_leaves_the_others_known() {
    for (layout, file) in [
        (Layout::JsonFile, "auth-profiles.json"),
        (Layout::AgentSqlite, "openclaw-agent.sqlite"),
        (Layout::SharedRow, "openclaw-agent.sqlite"),
    ] {
        let broken = |state: &Path| {
            let path = state.join("agents/stocks/agent").join(file);
            std::fs::write(path, "{ this is no store").unwrap();
        };
        let look = glance_at(layout, broken);
        is_unknown(&look, "stocks");
        is_known(&look, "main");
        is_known(&look, "ops");
    }
}

#[test]
fn without_the_base_store_nobody_is_known() {
    let cell = |state: &Path| {
        let db = rusqlite::Connection::open(state.join("state/openclaw.sqlite")).unwrap();
        let broken =
            "UPDATE config_machine_state SET value_json = '{' WHERE state_key = 'authProfiles.store'";
        assert_eq!(db.execute(broken, []).unwrap(), 1);
    };
    let look = glance_at(Layout::SharedRow, cell);
    AGENTS.iter().for_each(|id| is_unknown(&look, id));
    let file =
        |state: &Path| std::fs::write(state.join("agents/main/agent/auth-profiles.json"), "{ no").unwrap();
    let look = glance_at(Layout::JsonFile, file);
    AGENTS.iter().for_each(|id| is_unknown(&look, id));
}

#[test]
fn with_every_store_everybody_is_known() {
    for layout in [Layout::JsonFile, Layout::AgentSqlite, Layout::SharedRow] {
        let look = glance_at(layout, |_| {});
        AGENTS.iter().for_each(|id| is_known(&look, id));
    }
}
