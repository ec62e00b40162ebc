//! Providers that are asked without a credential of OpenClaw's own.

use super::reasons::{EVERY, time};
use super::{Plain, contents, load};
use keyshoal_core::{AgentId, Layout, Place, ProviderId, Standing};
use keyshoal_openclaw::candidates::{CandidateInput, of_agent};
use keyshoal_openclaw::models_file::ModelsFile;
use keyshoal_openclaw::sessions::SessionPins;
use serde_json::{Value, json};

/// Returns what is sent to a provider where nothing is stored or set.
fn unkeyed(layout: Layout, provider: &str, entry: Value, logins: &[&str]) -> Option<Place> {
    let dir = tempfile::tempdir().unwrap();
    let config =
        if entry.is_null() { json!({}) } else { json!({ "models": { "providers": { provider: entry } } }) };
    let case = json!({ "release": "2026.9.6", "provider": provider, "config": config, "env": {} });
    let (config, env) = load(dir.path(), &case);
    let nothing = contents(dir.path(), &Value::Null);
    let found = of_agent(&CandidateInput {
        config: &config,
        layout,
        version: None,
        agent: config.agent(&AgentId::from("stocks")).unwrap(),
        base: &nothing,
        local: Some(&nothing),
        models_file: &ModelsFile::default(),
        other_logins: &logins.iter().map(|name| ProviderId::from(*name)).collect(),
        sessions: &SessionPins::default(),
        env: &env,
        prints: &Plain,
        now: time(1_800_000_000_000),
    });
    let found = &found[&ProviderId::from(provider)];
    found.iter().find(|one| one.standing == Standing::First).map(|one| one.place.clone())
}

#[test]
fn providers_that_need_no_key_lack_none() {
    let place = |layout, provider: &str, entry| unkeyed(layout, provider, entry, &[]);
    let login = |of: &str| Some(Place::OtherLogin { of: of.to_owned() });
    let aws = || Some(Place::Environment { name: "AWS_*".into(), layer: "AWS SDK".into() });
    for layout in EVERY {
        assert_eq!(place(layout, "amazon-bedrock", Value::Null), aws());
        let by_sdk = json!({ "baseUrl": "https://a.example", "auth": "aws-sdk", "models": [] });
        assert_eq!(place(layout, "any", by_sdk), aws());
        assert_eq!(place(layout, "google-vertex", Value::Null), login("Google Cloud"));
        assert_eq!(place(layout, "claude-cli", Value::Null), login("claude-cli"));
        assert_eq!(place(layout, "ollama", Value::Null), Some(Place::NoKey));
        assert_eq!(place(layout, "anthropic", Value::Null), None);
        let none = json!({ "baseUrl": "https://a.example", "auth": "none", "models": [] });
        assert_eq!(place(layout, "any", none), Some(Place::NoKey));
        // A key that has no value is what is missing there.
        let unset = json!({ "baseUrl": "http://far.example", "apiKey": "${NONE}", "models": [] });
        assert_eq!(place(layout, "ollama", unset), None);
    }
    assert_eq!(place(Layout::JsonFile, "codex-cli", Value::Null), login("codex-cli"));
    assert_eq!(place(Layout::SharedRow, "codex-cli", Value::Null), None);
    let codex = |layout| unkeyed(layout, "openai", Value::Null, &["openai"]);
    assert_eq!((codex(Layout::JsonFile), codex(Layout::SharedRow)), (None, login("openai")));
}

#[test]
fn what_counts_as_local_depends_on_the_release() {
    let keyless = |layout, url: &str, auth: Option<&str>| {
        let models = json!([{ "id": "m", "name": "m" }]);
        let mut entry = json!({ "baseUrl": url, "api": "openai-completions", "models": models });
        if let Some(auth) = auth {
            entry["auth"] = json!(auth);
        }
        unkeyed(layout, "mine", entry, &[]).is_some()
    };
    let here = [
        "http://localhost:1/v1",
        "http://127.0.0.1:1",
        "http://0.0.0.0",
        "http://[::1]:1",
        "http://[::ffff:127.0.0.1]",
    ];
    for url in here {
        assert!(EVERY.iter().all(|layout| keyless(*layout, url, None)), "{url}");
        assert!(EVERY.iter().all(|layout| keyless(*layout, url, Some("api-key"))), "{url}");
        assert!(!EVERY.iter().any(|layout| keyless(*layout, url, Some("token"))), "{url}");
    }
    let near = [
        "http://192.168.1.9:1",
        "http://10.0.0.1",
        "http://172.31.0.1",
        "http://host.docker.internal:1",
        "http://box.local",
    ];
    for url in near {
        assert!(!keyless(Layout::JsonFile, url, None), "{url}");
        assert!(EVERY[1..].iter().all(|layout| keyless(*layout, url, None)), "{url}");
    }
    for url in ["http://172.32.0.1", "http://127.0.0.2", "https://local.example", "nonsense"] {
        assert!(!EVERY.iter().any(|layout| keyless(*layout, url, None)), "{url}");
    }
}
