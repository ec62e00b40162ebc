#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

mod bindings;
mod special;

use super::*;
use crate::locate::locate;
use keyshoal_core::{AgentId, CredentialKind, ProfileId, ProviderId, Secret, SecretSource};
use model::{ConfigKey, ModelUse, RosterForm};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

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

    let endpoint = config.endpoint(&ProviderId::new("mock"));
    assert_eq!(endpoint.api.as_deref(), Some("openai-completions"));
    assert_eq!(endpoint.base_url.as_deref(), Some("http://127.0.0.1:1/v1"));
    assert_eq!(endpoint.model.as_deref(), Some("mock-1"));
    assert_eq!(config.endpoint(&ProviderId::new("pinned")).model.as_deref(), Some("p"));
    assert_eq!(config.endpoint(&ProviderId::new("unknown")).base_url, None);
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
fn reads_entries_and_explicit_ownership() {
    let text = r#"{"agents": {"ownership": "explicit", "entries": {"main": {}, "ops": {"default": true}, "7": {}}}}"#;
    let config = Place::new(text).load();
    assert_eq!(config.roster_form, RosterForm::Entries);
    assert!(config.explicit_ownership);
    assert_eq!(ids(&config), ["7", "main", "ops"], "numbers come first, as in JavaScript");
    assert_eq!(default_id(&config), None);

    let config = Place::new(r#"{"agents": {"entries": {"b": {}, "A": {}, "__proto__": {}}}}"#).load();
    assert_eq!(ids(&config), ["b", "a"]);
    assert_eq!(default_id(&config), None, "entries that mark no default have none");
    assert!(said(&config, "agents.entries.A is not a valid agent id"));
}

#[test]
fn knows_the_default_agent_where_there_is_one() {
    for (agents, expected) in [
        ("list: [{id: 'a'}, {id: 'b'}]", Some("a")),
        ("list: [{id: 'a'}, {id: 'b', default: true}, {id: 'c', default: true}]", Some("b")),
        ("list: [{id: 'a'}, {id: 'b'}], ownership: 'explicit'", None),
        ("list: [{id: 'a'}], ownership: 'explicit'", Some("a")),
        ("entries: {a: {}, b: {default: true}}", Some("b")),
        ("entries: {a: {default: true}, b: {default: true}}", None),
        ("entries: {a: {}}, ownership: 'explicit'", Some("a")),
        ("ownership: 'explicit'", Some("main")),
    ] {
        let config = Place::new(&format!("{{agents: {{{agents}}}}}")).load();
        assert_eq!(default_id(&config), expected, "for {agents}");
    }
}

#[test]
fn a_roster_that_later_releases_refuse_is_said() {
    let said_of = |agents: &str| Place::new(&format!("{{agents: {{{agents}}}}}")).load().warnings.join("\n");
    let unowned = "agents names several agents, and neither is ownership";
    assert!(said_of("entries: {a: {}, b: {}}").contains(unowned));
    assert!(said_of("entries: {a: {default: true}, b: {default: true}}").contains(unowned));
    let both = said_of("entries: {a: {default: true}, b: {}}, ownership: 'explicit'");
    assert!(both.contains("agents marks a default although its ownership is explicit"), "{both}");
    for fine in [
        "entries: {a: {}}",
        "entries: {a: {default: true}, b: {}}",
        "entries: {a: {}, b: {}}, ownership: 'explicit'",
        "list: [{id: 'a'}, {id: 'b'}]",
    ] {
        assert_eq!(said_of(fine), "", "{fine}");
    }
    assert!(
        said_of("list: [{id: 'a', default: true}, {id: 'b', default: true}]")
            .contains("several agents as default")
    );
    assert!(
        said_of("list: [{id: 'a'}], entries: {b: {}}")
            .contains("both entries and list (OpenClaw refuses the config)")
    );
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
fn without_agents_there_is_main() {
    for text in ["{}", "{agents: {}}", "{agents: {list: []}}", "{agents: {entries: {}}}"] {
        let config = Place::new(text).load();
        assert_eq!(ids(&config), ["main"], "for {text}");
        assert_eq!(default_id(&config), Some("main"));
    }
    let place = Place::new("");
    std::fs::remove_file(place.state("openclaw.json")).unwrap();
    let config = place.load();
    assert!(!config.exists);
    assert_eq!(ids(&config), ["main"]);
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
fn one_directory_for_two_agents_is_refused() {
    let shared = "{agents: {list: [{id: 'a', agentDir: '/x/y'}, {id: 'b', agentDir: '/x/./z/../y'}]}}";
    let problem = Place::new(shared).problem();
    assert!(problem.contains("openclaw.json:1:2: the agents a, b share the directory /x/y"), "{problem}");
    // An agent that only a binding names has a directory too.
    let bound = "{agents: {list: [{id: 'a', agentDir: '~/.openclaw/agents/ghost/agent'}]}, bindings: [{agentId: 'Ghost', match: {}}]}";
    assert!(Place::new(bound).problem().contains("a, ghost"));
    // By a link, early releases accept it.
    let linked = Place::new("{agents: {list: [{id: 'a'}, {id: 'b'}]}}");
    std::fs::create_dir_all(linked.state("agents/a/agent")).unwrap();
    std::os::unix::fs::symlink(linked.state("agents/a"), linked.state("agents/b")).unwrap();
    assert!(said(&linked.load(), "openclaw.json:1:2: agents gives a, b one directory by symbolic links"));
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

#[test]
fn what_cannot_be_read_names_file_and_line() {
    let place = |text: &str| Place::new(text).problem();
    for (text, words) in [
        ("{\n  a: 1\n  b: 2\n}", "openclaw.json:3:3: not valid JSON5"),
        ("", "openclaw.json:1:1: not valid JSON5"),
        ("[]", "the config is not an object"),
        ("{\n agents: []}", "openclaw.json:2:2: agents is not an object"),
        ("{agents: {list: {}}}", "openclaw.json:1:11: agents.list is not an array"),
        ("{agents: {entries: []}}", "agents.entries is not an object"),
    ] {
        let problem = place(text);
        assert!(problem.contains(words), "{text:?}: {problem}");
    }
    let binary = Place::new("");
    binary.write("openclaw.json", b"{a: '\xff'}");
    assert!(binary.problem().contains("openclaw.json:1:6: the text is not UTF-8"), "{}", binary.problem());
    let secret = place("{apiKey: 'sk-very-secret' 'x'}");
    assert!(!secret.contains("sk-very"), "{secret}");
    for deep in ["[", "{a:", "{a:[{b:"] {
        let problem = place(&deep.repeat(200_000));
        assert!(problem.contains("nest deeper than 128"), "{problem}");
    }
    // Brackets in text and comments do not nest.
    let quoted =
        format!("{{a: '{}', /* {} */ b: 1 // {}\n}}", "[".repeat(1000), "{".repeat(1000), "[".repeat(1000));
    assert_eq!(place(&quoted), "");
}

#[test]
fn a_byte_order_mark_is_read_and_said() {
    let place = Place::new("\u{feff}{agents: {list: [{id: 'a'}]}, $include: 'more.json5'}");
    place.write("more.json5", "\u{feff}{bindings: []}");
    let config = place.load();
    assert_eq!(ids(&config), ["a"]);
    assert!(said(&config, "openclaw.json: begins with a byte order mark"));
    assert!(said(&config, "more.json5: begins with a byte order mark"));
    assert_eq!(config.includes, [place.state("more.json5")]);
}

#[test]
fn half_an_emoji_is_read_as_javascript_reads_it() {
    let config = Place::new(r#"{"agents": {"list": [{"id": "a", "name": "x\ud83d"}, {"id": "b", "name": "\ud83d\ude00 \\ud83d \udc00"}]}}"#).load();
    assert_eq!(config.agents[0].name.as_deref(), Some("x\u{fffd}"));
    assert_eq!(config.agents[1].name.as_deref(), Some("😀 \\ud83d \u{fffd}"));
    assert!(Place::new(r"{a: '\ud83d', b: }").problem().contains("openclaw.json:1:18"));
}

#[test]
fn wrong_types_are_said_and_left_out() {
    let text = "{
      auth: {profiles: {a: 1, b: {provider: 'p'}, c: {provider: 'p', mode: 'strange'}}, order: {p: 'x', q: [1, 'y']}},
      models: {providers: {p: [], q: {apiKey: 7, models: {}}}},
      gateway: {port: 'x', auth: {token: 5}, reload: [], tls: {enabled: 'yes'}},
      agents: {defaults: {model: 7}, list: [5, {}, {id: 3}, {id: 'ok', default: 'yes', model: [], agentDir: 1, name: {}}]},
      bindings: {}, env: [], meta: 3, }";
    let config = Place::new(text).load();
    assert_eq!(ids(&config), ["ok"]);
    for words in [
        "auth.profiles.a should be an object but is a number",
        "auth.profiles.b has no provider or no mode",
        "has a mode that is not",
        "auth.order.p should be an array but is text",
        "auth.order.q[0] should be text but is a number",
        "models.providers.p should be an object but is an array",
        "models.providers.q.apiKey should be text",
        "gateway.port should be a port number",
        "gateway.auth.token should be text",
        "gateway.reload should be an object",
        "gateway.tls.enabled should be true or false",
        "agents.list[0] should be an object",
        "agents.list[1] has no id",
        "agents.list[3].agentDir should be text",
        "bindings should be an array",
        "env should be an object",
        "meta should be an object",
    ] {
        assert!(said(&config, words), "{words}: {:#?}", config.warnings);
    }
    assert!(
        config.warnings.iter().all(|warning| warning.contains("openclaw.json:")),
        "{:#?}",
        config.warnings
    );
}

/// Pieces from which texts are made that come close to real configs.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "'",
    "\"",
    "//",
    "/*",
    "*/",
    "\n",
    " ",
    "\\",
    "$",
    "${A}",
    "$include",
    "'x.json5'",
    "agents",
    "list",
    "entries",
    "id",
    "default",
    "true",
    "null",
    "model",
    "primary",
    "fallbacks",
    "auth",
    "profiles",
    "order",
    "provider",
    "mode",
    "models",
    "providers",
    "apiKey",
    "gateway",
    "1e999",
    "0x",
    "é\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let place = Place::new("");
        place.write("openclaw.json", &bytes);
        let _ = place.try_load();
    }

    #[test]
    fn pieces_never_panic(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let place = Place::new(&pieces.concat());
        place.write("x.json5", "{$include: 'openclaw.json'}");
        let _ = place.try_load();
    }

    /// A real config with something cut out, put in or swapped.
    #[test]
    fn mutations_never_panic(cuts in prop::collection::vec((0..LIST.len(), 0usize..30, prop::sample::select(&PIECES[..])), 1..6)) {
        let mut bytes = LIST.as_bytes().to_vec();
        for (at, length, piece) in cuts {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        let place = Place::new("");
        place.write("openclaw.json", &bytes);
        if let Ok(config) = place.try_load() {
            prop_assert!(!config.agents.is_empty());
            prop_assert!(config.agents.iter().all(|agent| agent.agent_dir.is_absolute()));
            prop_assert!(config.agents.iter().filter(|agent| agent.default).count() <= 1);
        }
    }

    /// Values of any type anywhere: said, never a panic, and no secret in what is said.
    #[test]
    fn any_shape_is_survived(shape in shape(4)) {
        let text = serde_json::json!({"agents": shape, "auth": shape, "models": {"providers": shape}, "gateway": shape, "bindings": shape, "env": shape, "secrets": shape}).to_string();
        let place = Place::new(&text);
        match place.try_load() {
            // Ids and directories of agents are named, values never.
            Ok(config) => {
                let told = config.warnings.iter().find(|warning| warning.contains("SECRET") && !warning.contains("is the agent"));
                prop_assert_eq!(told, None);
            }
            Err(ConfigError::SharedDirectory { .. }) => {}
            Err(error) => prop_assert!(!error.to_string().contains("SECRET"), "{error}"),
        }
    }
}

/// A JSON value whose keys are those that are looked for.
fn shape(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(Value::from("SECRET")),
        Just(Value::from("${NAME_X}")),
        Just(Value::from("main")),
    ];
    let keys = prop::sample::select(vec![
        "list",
        "entries",
        "defaults",
        "id",
        "agentDir",
        "default",
        "model",
        "models",
        "primary",
        "fallbacks",
        "profiles",
        "order",
        "provider",
        "mode",
        "apiKey",
        "baseUrl",
        "source",
        "auth",
        "token",
        "port",
        "reload",
        "vars",
        "agentId",
        "match",
        "providers",
    ]);
    leaf.prop_recursive(depth, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Value>()),
        ]
    })
}

#[test]
fn a_flood_of_faults_is_cut_short() {
    let config = Place::new(&format!("{{agents: {{list: [{}]}}}}", "1,".repeat(5_000))).load();
    assert_eq!(config.warnings.len(), 101);
    assert!(config.warnings[100].ends_with("4900 more of the like"));
}

#[test]
fn a_relative_path_is_never_kept() {
    let config = Place::new("{agents: {list: [{id: 'a', agentDir: 'somewhere'}]}}").load();
    assert!(config.agents[0].agent_dir.is_absolute());
    assert!(config.agents[0].agent_dir.ends_with(Path::new("somewhere")));
}
