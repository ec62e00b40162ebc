//! A config as it may be shown to strangers: its shape, and of its texts those that are known to be names of things.

use super::{ConfigError, LARGEST_ROOT, include, notes::Notes, text};
use crate::files;
use crate::locate::Locations;
use serde_json::{Map, Value};

/// Fields whose texts are shown: words of OpenClaw's own, ids of agents and profiles, models.
const SHOWN: [&str; 22] = [
    "agentId",
    "api",
    "auth",
    "bind",
    "channel",
    "fallbacks",
    "id",
    "kind",
    "lastTouchedAt",
    "lastTouchedVersion",
    "level",
    "mode",
    "model",
    "order",
    "ownership",
    "primary",
    "profile",
    "provider",
    "source",
    "systemAgent",
    "thinkingDefault",
    "type",
];
/// Longer numbers may be somebody's account.
const LONGEST_NUMBER: usize = 6;

/// Reads the config with its includes, without putting any variable in, and leaves out whatever may be secret or personal.
pub fn outline(locations: &Locations) -> Result<Value, ConfigError> {
    let path = &locations.config_path;
    let Some(bytes) = files::OpenFile::open(path)?.map(|file| file.bytes(LARGEST_ROOT)).transpose()? else {
        return Ok(Value::Null);
    };
    let mut notes = Notes::new(path);
    let text = text::decode(path, &bytes, &mut notes)?;
    let value = text::parse(path, text)?;
    let value = include::resolve(value, text, locations)?.value;
    Ok(outlined("", &value))
}

fn outlined(field: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            // Under `auth.order` the fields are providers, and the texts profiles.
            let inner = |name: &str| if field == "order" { "order".to_owned() } else { name.to_owned() };
            let fields = fields.iter().map(|(name, value)| (name.clone(), outlined(&inner(name), value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(all) => Value::Array(all.iter().map(|one| outlined(field, one)).collect()),
        Value::String(text) if field == "baseUrl" => {
            Value::String(keyshoal_core::endpoint::without_secrets(text))
        }
        Value::String(text) if SHOWN.contains(&field) && is_name(text) => Value::String(text.clone()),
        Value::String(text) => Value::String(format!("(text of {} characters)", text.chars().count())),
        Value::Number(number) if number.to_string().len() > LONGEST_NUMBER => "(a long number)".into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Tells whether a text is a name, as of a model or an agent; what is long or has other characters may be anything.
fn is_name(text: &str) -> bool {
    text.len() <= 80 && text.chars().all(|one| one.is_alphanumeric() || "-_./:+ ".contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;
    use crate::locate::locate;

    #[test]
    fn the_shape_stays_and_what_may_be_secret_or_personal_goes() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"{
            // a comment with sk-secret-in-comment
            meta: { lastTouchedVersion: "2026.3.28" },
            gateway: { port: 18789, auth: { mode: "token", token: "gateway-secret" } },
            env: { ANTHROPIC_API_KEY: "sk-ant-secret" },
            agents: { list: [{ id: "main", name: "Ada Lovelace", model: { primary: "anthropic/claude", fallbacks: ["openai/gpt"] } }] },
            auth: { order: { anthropic: ["anthropic:default"] }, profiles: { "anthropic:default": { mode: "api_key", email: "ada@example.com" } } },
            models: { providers: { acme: { baseUrl: "https://user:pass@acme.test/v1?key=secret", apiKey: "secret-key", headers: { "x-team": "secret-team" } } } },
            bindings: [{ agentId: "main", match: { channel: "telegram", peer: { kind: "direct", id: 123456789 } } }],
            channels: { telegram: { botToken: "123:secret", allowFrom: [123456789] } },
        }"#;
        let path = dir.path().join("openclaw.json");
        std::io::Write::write_all(&mut files::create_new(&path).unwrap(), text.as_bytes()).unwrap();
        let env = Environment { home: Some(dir.path().to_owned()), ..Environment::default() };
        let locations = locate(&env, Some(dir.path()), None).unwrap();
        let shown = outline(&locations).unwrap();
        for (place, expected) in [
            ("/meta/lastTouchedVersion", "2026.3.28"),
            ("/gateway/auth/mode", "token"),
            ("/agents/list/0/id", "main"),
            ("/agents/list/0/model/fallbacks/0", "openai/gpt"),
            ("/auth/order/anthropic/0", "anthropic:default"),
            ("/auth/profiles/anthropic:default/mode", "api_key"),
            ("/models/providers/acme/baseUrl", "https://acme.test/v1"),
            ("/bindings/0/match/channel", "telegram"),
        ] {
            assert_eq!(shown.pointer(place).unwrap(), expected, "{place}");
        }
        let text = shown.to_string();
        for gone in ["secret", "Ada", "ada@", "pass", "123456789", "user"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert_eq!(shown["gateway"]["port"], 18789);
    }
}
