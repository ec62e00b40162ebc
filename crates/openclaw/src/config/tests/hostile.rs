//! Texts that come close to configs, and values of any shape: nothing panics.

use super::{LIST, Place};
use crate::config::ConfigError;
use proptest::prelude::*;
use serde_json::Value;

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
