//! What is wrong with a config is said with its place.

use super::{Place, ids, said};

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

#[test]
fn a_flood_of_faults_is_cut_short() {
    let config = Place::new(&format!("{{agents: {{list: [{}]}}}}", "1,".repeat(5_000))).load();
    assert_eq!(config.warnings.len(), 101);
    assert!(config.warnings[100].ends_with("4900 more of the like"));
}

#[test]
fn a_key_at_the_root_that_openclaw_does_not_have_is_a_refusal_for_the_releases_whose_schemas_were_seen() {
    let refused = |version: &str, key: &str| {
        let text = format!("{{meta: {{lastTouchedVersion: '{version}'}},\n {key}: {{}}, $schema: 'x'}}");
        let config = Place::new(&text).load();
        let [only] = config.warnings.as_slice() else { return (config.warnings.len(), false) };
        assert!(only.contains(&format!("openclaw.json:2:2: {key} is no key")), "{only}");
        (1, crate::config::is_refusal(only))
    };
    for version in ["2026.3.28", "2026.9.6", "2026.9.30"] {
        assert_eq!(refused(version, "zzUnknown"), (1, true), "{version}");
        assert_eq!(refused(version, "telemetry"), (0, false), "{version}");
    }
    // What comes later may have it.
    assert_eq!(refused("2026.10.1", "zzUnknown"), (1, false));
    assert_eq!(refused("", "zzUnknown"), (1, false));
}
