use super::*;
use crate::locate::Redirects;
use keyshoal_core::vault::ModelChoice;
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId};
use serde_json::json;
use std::path::Path;

mod cases;
mod migrated;
mod named;
mod properties;
mod refusals;
mod writing;

const OLD: Release = Release::new(3, 28);
const NEW: Release = Release::new(9, 6);

fn locations() -> Locations {
    let dir = Path::new("/nowhere");
    Locations {
        home: dir.to_owned(),
        state_dir: dir.to_owned(),
        config_path: dir.join("openclaw.json"),
        redirects: Redirects::default(),
        oauth_dir: dir.join("credentials"),
        include_roots: Vec::new(),
        notes: Vec::new(),
    }
}

fn made(text: &str, release: Release, wanted: &Wanted) -> Generated {
    let sources = Sources::of(&locations(), Some(text.as_bytes())).unwrap();
    generate(&locations(), &sources, release, wanted).unwrap()
}

fn agent(id: &str) -> WantedAgent {
    let (name, default, models, workspace) = (None, false, ModelChoice::default(), None);
    WantedAgent { id: AgentId::new(id), name, default, models, workspace }
}

fn model(primary: &str, fallbacks: &[&str]) -> ModelChoice {
    let fallbacks = fallbacks.iter().map(|one| (*one).to_owned()).collect();
    ModelChoice { primary: Some(primary.to_owned()), fallbacks }
}

/// A config as a person writes it.
const HAND_WRITTEN: &str = r#"// my gateway
{
  gateway: { port: 18911 }, // local only
  agents: {
    // who works here
    list: [
      { id: 'main', name: 'Chief', tools: { deny: ['exec'] } }, // the boss
      // sells things
      {
        id: 'Stocks', /* was ops */
        model: { primary: 'acme/a', /* cheap */ fallbacks: ['acme/b'] },
        identity: { emoji: '📈' },
      },
      { id: 'ops', workspace: '~/ops' },
    ],
  },
  bindings: [
    { agentId: 'ops', match: { channel: 'slack' }, comment: 'all of it' },
    { type: 'acp', agentId: 'main', match: { channel: 'telegram' }, acp: { mode: 'persistent' } },
  ],
  auth: { cooldowns: { billingBackoffHours: 1 } },
}
"#;

fn as_written() -> Wanted {
    let mut wanted =
        Wanted { agents: vec![agent("main"), agent("stocks"), agent("ops")], ..Wanted::default() };
    wanted.agents[0].name = Some("Chief".to_owned());
    wanted.agents[0].default = true;
    wanted.agents[1].models = model("acme/a", &["acme/b"]);
    wanted.agents[2].workspace = Some("~/ops".to_owned());
    wanted.bindings.push(WantedBinding {
        agent: AgentId::new("ops"),
        matching: json!({ "channel": "slack" }),
        comment: Some("all of it".to_owned()),
    });
    wanted
}

#[test]
fn what_is_as_wanted_stays_to_the_byte() {
    for release in [OLD, NEW] {
        let made = made(HAND_WRITTEN, release, &as_written());
        assert_eq!(made.changes, []);
        assert_eq!(made.text.reveal_secret(), HAND_WRITTEN);
    }
}

#[test]
fn a_renamed_a_disabled_and_a_moved_agent_change_nothing_else() {
    let mut wanted = as_written();
    wanted.agents = vec![wanted.agents[1].clone(), wanted.agents[0].clone()];
    wanted.agents[0].id = AgentId::new("shares");
    wanted.agents[0].models = model("acme/c", &["acme/b"]);
    wanted.renamed.insert(AgentId::new("shares"), AgentId::new("stocks"));
    wanted.bindings[0].agent = AgentId::new("shares");
    let made = made(HAND_WRITTEN, OLD, &wanted);
    let expected = HAND_WRITTEN
        .replace("      { id: 'main', name: 'Chief', tools: { deny: ['exec'] } }, // the boss\n", "")
        .replace(
            "      { id: 'ops', workspace: '~/ops' },\n",
            "      { id: 'main', name: 'Chief', tools: { deny: ['exec'] }, default: true }, // the boss\n",
        )
        .replace("id: 'Stocks'", "id: \"shares\"")
        .replace("'acme/a'", "\"acme/c\"")
        .replace("{ agentId: 'ops'", "{ agentId: \"shares\"");
    assert_eq!(made.text.reveal_secret(), expected);
    assert_eq!(made.left.len(), 1);
    assert_eq!(made.left[0].entry.reveal_secret(), "{ id: 'ops', workspace: '~/ops' }");
    let said: Vec<String> =
        made.changes.iter().map(|change| format!("{} {}", change.path, change.what)).collect();
    assert_eq!(
        said,
        [
            "agents.list[ops] leaves the roster",
            "agents.list[shares] is called shares instead of stocks",
            "agents.list[shares].model set to {\"primary\":\"acme/c\",\"fallbacks\":[\"acme/b\"]}",
            "agents.list[main].default set to true",
            "agents.list gets another order",
            "bindings (shares).agentId set to shares",
        ]
    );
}

#[test]
fn an_agent_that_comes_back_has_what_it_had() {
    let mut wanted = as_written();
    let stocks = wanted.agents.remove(1);
    let without = made(HAND_WRITTEN, OLD, &wanted);
    assert!(!without.text.reveal_secret().contains("emoji"));
    wanted.agents.insert(1, stocks);
    wanted.kept.insert(AgentId::new("stocks"), without.left[0].entry.clone());
    let with = made(without.text.reveal_secret(), OLD, &wanted);
    let sources = Sources::of(&locations(), Some(with.text.reveal_secret().as_bytes())).unwrap();
    assert_eq!(sources.root["agents"]["list"][1]["identity"]["emoji"], "📈");
    wanted.kept.clear();
    assert_eq!(made(with.text.reveal_secret(), OLD, &wanted).changes, []);
}

#[test]
fn a_new_config_is_in_the_form_of_the_release() {
    let mut wanted = as_written();
    wanted.models = model("acme/a", &[]);
    wanted.profiles.insert(ProfileId::new("acme:default"), (ProviderId::new("acme"), CredentialKind::ApiKey));
    wanted.order.insert(ProviderId::new("acme"), vec![ProfileId::new("acme:default")]);
    wanted.channels.insert("slack".to_owned(), Secret::new(r#"{"botToken":"a-secret-token"}"#));
    wanted.secret_files.insert("keyshoal".to_owned(), Some("/run/secrets.json".to_owned()));
    wanted.gateway = Some(GatewayDefaults {
        port: Some(18789),
        bind: Some("loopback".to_owned()),
        token: Some(Secret::new("t")),
    });
    for (release, key) in [(OLD, "list"), (NEW, "entries")] {
        let sources = Sources::of(&locations(), None).unwrap();
        let new = generate(&locations(), &sources, release, &wanted).unwrap();
        let root: serde_json::Value = serde_json::from_str(new.text.reveal_secret()).unwrap();
        assert!(root["agents"].get(key).is_some(), "{root}");
        assert_eq!(root["channels"]["slack"]["botToken"], "a-secret-token");
        assert_eq!(root["gateway"]["auth"], json!({ "mode": "token", "token": "t" }));
        assert_eq!(root["secrets"]["providers"]["keyshoal"]["path"], "/run/secrets.json");
        let said = format!("{new:?}");
        assert!(!said.contains("a-secret-token"), "{said}");
        assert_eq!(made(new.text.reveal_secret(), release, &wanted).changes, []);
    }
}

#[test]
fn other_places_name_no_agent_that_is_not_there() {
    let text = r#"{
  talk: { agentId: 'stocks', voice: 'v' },
  broadcast: { strategy: 'parallel', 'slack:C1': ['main', 'stocks', 'ops'], 'slack:C2': ['ops'], other: { agents: ['stocks'] } },
  agents: {
    defaults: { heartbeat: { agentId: 'ops', every: '1h' }, systemAgent: { agentId: 'Main' } },
    entries: { main: { default: true, subagents: { allowAgents: ['ops', 'stocks'] } }, stocks: {}, ops: {} },
  },
}
"#;
    let mut wanted = Wanted { agents: vec![agent("main"), agent("shares")], ..Wanted::default() };
    wanted.agents[0].default = true;
    wanted.renamed.insert(AgentId::new("shares"), AgentId::new("stocks"));
    let made = made(text, NEW, &wanted);
    let expected = text
        .replace("talk: { agentId: 'stocks'", "talk: { agentId: \"shares\"")
        .replace("['main', 'stocks', 'ops'], 'slack:C2': ['ops']", "['main', \"shares\"]")
        .replace("{ agents: ['stocks'] }", "{ agents: [\"shares\"] }")
        .replace("{ agentId: 'ops', every", "{ every")
        .replace("['ops', 'stocks']", "['ops', \"shares\"]")
        .replace(" stocks: {}, ops: {} }", " shares: {} }");
    assert_eq!(made.text.reveal_secret(), expected);
    let notes = made.notes.join("\n");
    assert!(notes.contains("allowAgents[0] names agent ops"), "{notes}");
    assert_eq!(made.notes.len(), 1, "{notes}");
}
