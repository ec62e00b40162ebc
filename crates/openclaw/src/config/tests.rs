#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

mod bindings;
mod faults;
mod hostile;
mod roster;
mod special;
mod transport;

use super::*;
use crate::locate::locate;
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId, Secret, SecretSource};
use model::{ConfigKey, ModelUse, RosterForm};
use std::path::PathBuf;

/// Fingerprints that are good enough for a test: they tell texts of different lengths or beginnings apart.
struct Plain;

impl keyshoal_core::Fingerprints for Plain {
    fn of(&self, parts: &[&str]) -> keyshoal_core::Fingerprint {
        let text = parts.join("/");
        let mut bytes = [text.len() as u8; 16];
        for (byte, at) in text.bytes().zip((0..16).cycle()) {
            bytes[at] = bytes[at].wrapping_mul(31).wrapping_add(byte);
        }
        keyshoal_core::Fingerprint::from_bytes(bytes)
    }
}

/// An installation in a directory of its own, whose home is that directory.
struct Place {
    dir: tempfile::TempDir,
    env: Environment,
}

impl Place {
    fn new(text: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), env: Environment::default() };
        std::fs::create_dir(place.state("")).unwrap();
        place.write("openclaw.json", text);
        place.home_is_here()
    }

    fn home_is_here(mut self) -> Self {
        self.env.home = Some(self.dir.path().to_owned());
        self
    }

    fn state(&self, name: &str) -> PathBuf {
        self.dir.path().join(".openclaw").join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.state(name), text).unwrap();
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.env.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    fn try_load(&self) -> Result<Config, ConfigError> {
        load(&locate(&self.env, None, None).unwrap(), &self.env)
    }

    fn load(&self) -> Config {
        self.try_load().unwrap()
    }

    fn problem(&self) -> String {
        self.try_load().err().map(|error| error.to_string()).unwrap_or_default()
    }
}

fn ids(config: &Config) -> Vec<&str> {
    config.agents.iter().map(|agent| agent.id.as_str()).collect()
}

fn default_id(config: &Config) -> Option<&str> {
    config.default_agent().map(|agent| agent.id.as_str())
}

fn said(config: &Config, words: &str) -> bool {
    config.warnings.iter().any(|warning| warning.contains(words))
}

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text))
}

/// The early form: a list, JSON5 as a person writes it.
const LIST: &str = r"// four agents
{
  gateway: { port: 18911, bind: 'loopback', auth: { mode: 'token', token: '${GATE}' }, reload: { mode: 'hot' }, },
  models: { providers: {
    Mock: { baseUrl: 'http://127.0.0.1:1/v1', api: 'openai-completions', auth: 'token', apiKey: 'sk-1',
            models: [ { id: 'mock-1' }, { id: 'mock-2' } ] },
    pinned: { baseUrl: 'http://127.0.0.1:2', apiKey: 'pinned:manual', models: [ { id: 'p' } ] },
    byref: { baseUrl: 'x', apiKey: { source: 'file', provider: 'vault', id: '/a' }, models: [] },
    byenv: { baseUrl: 'x', apiKey: '${NOT_SET}', models: [] },
  } },
  auth: {
    profiles: { 'pinned:manual': { provider: 'pinned', mode: 'api_key' }, 'mock:d': { provider: 'mock', mode: 'oauth' } },
    order: { Mock: ['mock:d', ' mock:e ', ''] , empty: [] },
  },
  agents: {
    defaults: { model: { primary: 'mock/mock-1', fallbacks: ['openrouter/meta/llama', 'anthropic/claude@20260101'] },
                models: { 'anthropic/opus': { alias: 'Best' } } },
    list: [
      { id: 'Stocks', agentDir: '~/elsewhere/../stocks' },
      { id: 'main', default: true, model: 'best' },
      { id: 'stocks', name: 'again' },
      { id: 'A.B', model: { primary: 'mock/mock-2@mock:e', fallbacks: ['mock-1'] }, name: 'Dots' },
      { id: '日本', model: { fallbacks: [] } },
    ],
  },
  bindings: [ { agentId: 'Stocks', match: { channel: 'Telegram' } }, { agentId: 'main', type: 'acp' } ],
  meta: { lastTouchedVersion: '2026.3.28' },
}";

#[test]
fn reads_a_list_as_a_person_writes_it() {
    let config = Place::new(LIST).var("GATE", "g-1").load();
    assert_eq!(config.roster_form, RosterForm::List);
    // 日本 becomes main, which is there already.
    assert_eq!(ids(&config), ["stocks", "main", "a-b"]);
    assert_eq!(default_id(&config), Some("main"));
    assert!(said(&config, "openclaw.json:21:7: agents.list[2] is the agent stocks again"));
    assert!(said(&config, "agents.list[4] is the agent main again"));
    let home = config.path.parent().unwrap().parent().unwrap().to_owned();
    assert_eq!(config.agents[0].agent_dir, home.join("stocks"));
    assert_eq!(config.agents[2].agent_dir, home.join(".openclaw/agents/a-b/agent"));
    assert_eq!(config.agents[2].name.as_deref(), Some("Dots"));
    assert_eq!(config.touched_version.as_deref(), Some("2026.3.28"));
    let bound: Vec<_> =
        config.bindings.iter().map(|one| (one.agent.as_str(), one.channel.as_deref())).collect();
    assert_eq!(bound, [("Stocks", Some("telegram")), ("main", None)]);
    assert!(said(&config, "bindings[1] names no channel"));

    assert_eq!(config.gateway.port, Some(18911));
    assert_eq!(config.gateway.token, secret("g-1"));
    assert_eq!(config.gateway.reload_mode.as_deref(), Some("hot"));

    assert_eq!(config.profiles[&ProfileId::new("mock:d")].mode, CredentialKind::OAuth);
    assert_eq!(config.order[&ProviderId::new("mock")], [ProfileId::new("mock:d"), ProfileId::new("mock:e")]);
    assert_eq!(config.order.len(), 1);
    let key = |provider: &str| config.providers[&ProviderId::new(provider)].api_key.clone();
    assert!(matches!(key("mock"), Some(ConfigKey::Value(value)) if value == Secret::new("sk-1")));
    assert!(matches!(key("pinned"), Some(ConfigKey::Profile(id)) if id.as_str() == "pinned:manual"));
    assert!(
        matches!(key("byref"), Some(ConfigKey::Ref(found)) if found.source == SecretSource::File && found.id == "/a")
    );
    assert!(matches!(key("byenv"), Some(ConfigKey::Unresolved(name)) if name == "NOT_SET"));
    assert!(said(&config, "names ${NOT_SET}, which is not set here"));
    assert!(!said(&config, "sk-1"));
}

#[test]
fn finds_the_models_and_endpoints_that_agents_need() {
    let config = Place::new(LIST).load();
    let used = |id: &str| -> Vec<String> {
        let agent = config.agent(&AgentId::new(id)).unwrap();
        let show = |used: &ModelUse| {
            format!("{}{}/{}", if used.fallback { "+" } else { "" }, used.provider, used.model)
        };
        agent.models.iter().map(show).collect()
    };
    assert_eq!(used("stocks"), ["mock/mock-1", "+openrouter/meta/llama", "+anthropic/claude@20260101"]);
    // A model of its own as text means no fallbacks.
    assert_eq!(used("main"), ["anthropic/opus"]);
    assert_eq!(used("a-b"), ["mock/mock-2", "+mock/mock-1"]);

    let endpoint = config.endpoint(&ProviderId::new("mock"), &Plain);
    assert_eq!(endpoint.api.as_deref(), Some("openai-completions"));
    assert_eq!(endpoint.base_url.as_deref(), Some("http://127.0.0.1:1/v1"));
    assert_eq!(endpoint.model.as_deref(), Some("mock-1"));
    assert_eq!(config.endpoint(&ProviderId::new("pinned"), &Plain).model.as_deref(), Some("p"));
    assert_eq!(config.endpoint(&ProviderId::new("unknown"), &Plain).base_url, None);
}

#[test]
fn an_agents_own_model_object_keeps_the_defaults_it_does_not_name() {
    let config = Place::new(
        "{agents: {defaults: {model: {primary: 'a/1', fallbacks: ['b/2']}, imageModel: 'c/3'}, list: [
            {id: 'own', model: {primary: 'd/4'}}, {id: 'only', model: {fallbacks: ['e/5']}}, {id: 'none', model: {}},
            {id: 'bare', model: 'gpt-9', imageModel: {primary: 'f/6'}}]}}",
    )
    .load();
    let used = |at: usize| -> Vec<String> {
        config.agents[at].models.iter().map(|used| format!("{}/{}", used.provider, used.model)).collect()
    };
    assert_eq!(used(0), ["d/4", "c/3"]);
    assert_eq!(used(1), ["a/1", "e/5", "c/3"]);
    assert_eq!(used(2), ["a/1", "b/2", "c/3"]);
    assert_eq!(used(3), ["openai/gpt-9", "f/6"]);
}

#[test]
fn names_of_variables_are_references() {
    let text = "{models: {providers: {a: {apiKey: '$NOT_SET'}, b: {apiKey: '$SET_KEY'}, d: {apiKey: '$${SET_KEY}'}}}}";
    let config = Place::new(text).var("SET_KEY", "v").load();
    let key = |provider: &str| config.providers[&ProviderId::new(provider)].api_key.clone();
    assert!(matches!(key("a"), Some(ConfigKey::Unresolved(name)) if name == "NOT_SET"));
    for provider in ["b", "d"] {
        assert!(
            matches!(key(provider), Some(ConfigKey::Ref(found)) if found.source == SecretSource::Env && found.id == "SET_KEY")
        );
    }
}

#[test]
fn variables_come_from_process_then_dotenv_then_config() {
    let text = "{env: {vars: {A: 'config', B: 'config', C: 'vars', D: '${A}'}, C: 'config', E: ' '},
        models: {providers: {a: {apiKey: '${A}'}, b: {apiKey: '${B}'}, c: {apiKey: 'x${C}$${C}'}, e: {apiKey: '${E}'}}}}";
    let place = Place::new(text).var("A", "process").var("E", "");
    place.write(".env", "A=file\nB='file' # note\nE=file\n");
    let config = place.load();
    let key = |provider: &str| match &config.providers[&ProviderId::new(provider)].api_key {
        Some(ConfigKey::Value(value)) => value.reveal_secret().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!([key("a"), key("b"), key("c")], ["process", "file", "xconfig${C}"]);
    // Set but empty in the process hides the file's, and leaves it unresolved.
    assert_eq!(key("e"), "Some(Unresolved(\"E\"))");
    let names: Vec<&str> = config.env.keys().map(String::as_str).collect();
    assert_eq!(names, ["A", "B", "C", "D"]);
    assert_eq!(config.env.get("D"), secret("process").as_ref());
    assert_eq!(config.dotenv.get("B"), secret("file").as_ref());
}

#[test]
fn the_gateways_own_credentials_may_be_references() {
    let token = |token: &str, more: &str| {
        let place =
            Place::new(&format!("{{gateway: {{auth: {{token: {token}}}}}, {more}}}")).var("GATE", "g-1");
        place.write("keys.json", r#"{"gate": {"token": "g-2"}}"#);
        place.write("plain", "g-3\n");
        let config = place.load();
        (config.gateway.token.map(|token| token.reveal_secret().to_owned()), config.warnings)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(token("'$GATE'", "").0, some("g-1"));
    assert_eq!(token("{source: 'env', provider: 'default', id: 'GATE'}", "").0, some("g-1"));
    let file = "secrets: {providers: {f: {source: 'file', path: '~/.openclaw/keys.json'}, p: {source: 'file', mode: 'singleValue', path: '~/.openclaw/plain'}}}";
    assert_eq!(token("{source: 'file', provider: 'f', id: '/gate/token'}", file).0, some("g-2"));
    assert_eq!(token("{source: 'file', provider: 'p', id: 'value'}", file).0, some("g-3"));
    for unresolved in [
        "'${NO}'",
        "{source: 'env', id: 'NO'}",
        "{source: 'exec', provider: 'x', id: 'y'}",
        "{source: 'file', provider: 'q', id: '/x'}",
        "{source: 'file', provider: 'f', id: '/no'}",
    ] {
        let (found, warnings) = token(unresolved, file);
        assert_eq!(found, None, "for {unresolved}");
        assert!(
            warnings.iter().any(|warning| warning.contains("gateway.auth.token")
                && warning.contains("OPENCLAW_GATEWAY_TOKEN")),
            "{warnings:?}"
        );
    }
}

#[test]
fn what_stands_in_an_included_file_is_named_there() {
    let place = Place::new("{\n agents: {$include: ['./one.json5', './two.json5']}}");
    place.write("one.json5", "{list: [{id: 'a'}, {name: 'lost'}]}");
    place.write("two.json5", "// two\n{defaults: {$include: './deep.json5'}}");
    place.write("deep.json5", "{\n  model: 7\n}");
    let config = place.load();
    assert!(said(&config, "/one.json5:1:20: agents.list[1] has no id"), "{:?}", config.warnings);
    assert!(said(&config, "/deep.json5:2:3: agents.defaults.model should be"), "{:?}", config.warnings);
}
