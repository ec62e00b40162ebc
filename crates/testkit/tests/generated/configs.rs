//! Configs.

use super::schema::complaints;
use super::*;
use keyshoal_core::vault::ModelChoice;
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId, Secret};
use keyshoal_openclaw::config::edit::{Editor, Wrote};
use keyshoal_openclaw::config::generate::{
    GatewayDefaults, Generated, Sources, Wanted, WantedAgent, WantedBinding, generate,
};
use keyshoal_openclaw::config::import::import;
use serde_json::json;

#[test]
fn a_generated_config_runs_2026_3_28() -> Result<()> {
    lives("2026.3.28", None)
}

#[test]
fn a_generated_config_runs_2026_6_11() -> Result<()> {
    lives("2026.6.11", None)
}

#[test]
fn a_generated_config_runs_2026_9_6() -> Result<()> {
    lives("2026.9.6", None)
}

#[test]
fn a_list_that_2026_9_6_finds_stays_a_list_and_runs_it() -> Result<()> {
    lives(
        "2026.9.6",
        Some("// older\n{\n  agents: { list: [{ id: 'main', default: true, name: 'Old' }] },\n}\n"),
    )
}

fn agent(id: &str, name: Option<&str>) -> WantedAgent {
    WantedAgent {
        id: AgentId::new(id),
        name: name.map(str::to_owned),
        default: id == "main",
        models: ModelChoice::default(),
        workspace: None,
    }
}

/// Of providers that the program knows it fetches plugins when its gateway starts; of this one it does not.
fn wanted(instance: &Instance) -> Wanted {
    let model = |primary: &str, fallbacks: &[&str]| ModelChoice {
        primary: Some(primary.to_owned()),
        fallbacks: fallbacks.iter().map(|one| (*one).to_owned()).collect(),
    };
    let profile = |id: &str| ProfileId::new(id);
    let mut wanted = Wanted { models: model("mockai/mock-1", &["mockai/mock-2"]), ..Wanted::default() };
    wanted.agents = vec![
        agent("main", Some("Chief")),
        agent("stocks", None),
        agent("research", None),
        agent("ops", None),
    ];
    wanted.agents[1].models = model("mockai/mock-2", &[]);
    wanted.agents[2].models = model("mockai/mock-2", &["mockai/mock-1"]);
    wanted.agents[3].workspace = Some(instance.state_dir().join("ops").display().to_string());
    for (agent, matching) in [
        ("stocks", json!({ "channel": "telegram", "peer": { "kind": "direct", "id": "123456789" } })),
        ("ops", json!({ "channel": "telegram", "accountId": "*" })),
    ] {
        wanted.bindings.push(WantedBinding {
            agent: AgentId::new(agent),
            matching,
            comment: Some("by hand".to_owned()),
        });
    }
    for (id, provider, kind) in [
        ("other:default", "other", CredentialKind::ApiKey),
        ("mockai:default", "mockai", CredentialKind::Token),
        ("mockai:me", "mockai", CredentialKind::OAuth),
    ] {
        wanted.profiles.insert(profile(id), (ProviderId::new(provider), kind));
    }
    wanted.order.insert(ProviderId::new("mockai"), vec![profile("mockai:me"), profile("mockai:default")]);
    let telegram = json!({ "enabled": false, "botToken": "123456:made-up-for-a-test" });
    wanted.channels.insert("telegram".to_owned(), Secret::new(telegram.to_string()));
    wanted
        .secret_files
        .insert("keyshoal".to_owned(), Some(instance.state_dir().join("refs.json").display().to_string()));
    let token = Some(Secret::new("made-up-token-of-a-gateway-0123456789"));
    wanted.gateway =
        Some(GatewayDefaults { port: Some(instance.port()), bind: Some("loopback".to_owned()), token });
    wanted
}

fn put(instance: &Instance, wanted: &Wanted) -> Result<Generated> {
    let locations = locations(instance)?;
    let sources = Sources::read(&locations)?;
    let made = generate(&locations, &sources, release(instance)?, wanted)?;
    let wrote = Editor::new(&locations, &Environment::default()).write_generated(sources.digest(), &made)?;
    ensure!(matches!(wrote, Wrote::Done(_)), "{wrote:?}");
    let again = generate(&locations, &Sources::read(&locations)?, release(instance)?, wanted)?;
    ensure!(again.changes.is_empty(), "a second time changes {:?}", again.changes);
    Ok(made)
}

/// Lets the program look at the config: by its schema, by its own validation, and by what it takes the agents for.
fn accepted(instance: &Instance, wanted: &Wanted, schema: Option<&Value>) -> Result<()> {
    let text = std::fs::read_to_string(instance.config_path())?;
    if let Some(schema) = schema {
        let found = complaints(schema, &json5::from_str(&text)?);
        ensure!(found.is_empty(), "{found:#?}\n{text}");
    }
    let said = json_of(instance, &["config", "validate", "--json"])?;
    ensure!(said["valid"] == true, "{said}\n{text}");
    let listed = json_of(instance, &["agents", "list", "--json"])?;
    let theirs: Vec<Value> = listed
        .as_array()
        .context("no list")?
        .iter()
        .map(|agent| {
            json!([agent["id"], agent["name"], agent["model"], agent["bindings"], agent["isDefault"]])
        })
        .collect();
    let ours: Vec<Value> = wanted
        .agents
        .iter()
        .map(|agent| {
            let model = agent.models.primary.as_ref().or(wanted.models.primary.as_ref());
            let bindings = wanted.bindings.iter().filter(|binding| binding.agent == agent.id).count();
            json!([agent.id.as_str(), agent.name, model, bindings, agent.default])
        })
        .collect();
    ensure!(theirs == ours, "{}\n{}\n{text}", Value::from(theirs.clone()), Value::from(ours.clone()));
    for (agent, listed) in wanted.agents.iter().zip(listed.as_array().into_iter().flatten()) {
        if let Some(workspace) = &agent.workspace {
            ensure!(listed["workspace"] == workspace.as_str(), "{listed}");
        }
    }
    Ok(())
}

fn lives(version: &str, before: Option<&str>) -> Result<()> {
    let mut instance = Instance::empty(version)?;
    if let Some(text) = before {
        std::fs::write(instance.config_path(), text)?;
    }
    let schema = json_of(&instance, &["config", "schema"])?;
    // The schema knows the form of the release alone; older ones are read all the same.
    let schema = before.is_none().then_some(&schema);
    let mut wanted = wanted(&instance);
    put(&instance, &wanted)?;
    accepted(&instance, &wanted, schema)?;

    // A person's own hand, then one agent renamed, one disabled, and the order turned round.
    let text = std::fs::read_to_string(instance.config_path())?;
    let by_hand = "{ /* sells */ \"identity\": { \"emoji\": \"📈\" },";
    // In whichever form and manner the entry stands, it begins like this.
    let found = ["stocks: {", "\"stocks\": {", "{ id: \"stocks\"", "{\n        \"id\": \"stocks\""];
    let entry = found.into_iter().find(|begins| text.contains(begins)).context("no entry of stocks")?;
    let text = text.replace(entry, &entry.replacen('{', by_hand, 1));
    ensure!(text.contains("sells"), "{text}");
    // Other places that name agents, which the program checks.
    let talk = if instance.release().entries() { "\"talk\": { \"agentId\": \"research\" }," } else { "" };
    let named = format!("{{ {talk} \"broadcast\": {{ \"slack:C1\": [\"main\", \"stocks\", \"research\"] }},");
    let text = text.replacen('{', &named, 1);
    std::fs::write(instance.config_path(), format!("// kept\n{text}"))?;
    wanted.agents.retain(|agent| agent.id.as_str() != "research");
    wanted.agents.reverse();
    for id in wanted
        .agents
        .iter_mut()
        .map(|agent| &mut agent.id)
        .chain(wanted.bindings.iter_mut().map(|one| &mut one.agent))
    {
        if id.as_str() == "stocks" {
            *id = AgentId::new("shares");
        }
    }
    wanted.renamed.insert(AgentId::new("shares"), AgentId::new("stocks"));
    let made = put(&instance, &wanted)?;
    ensure!(made.left.len() == 1 && made.left[0].id.as_str() == "research", "{:?}", made.left);
    accepted(&instance, &wanted, schema)?;
    let locations = locations(&instance)?;
    let sources = Sources::read(&locations)?;
    let text = std::fs::read_to_string(instance.config_path())?;
    ensure!(text.starts_with("// kept\n") && text.contains("/* sells */") && text.contains("📈"), "{text}");
    let found = import(&locations, &sources)?;
    ensure!(found.agents == wanted.agents && found.bindings == wanted.bindings, "{found:?}");
    ensure!(found.profiles == wanted.profiles && found.models == wanted.models, "{found:?}");

    instance.start_gateway()
}
