//! The generated `models.json` of an agent, which may hold plaintext copies of keys.
//!
//! Up to 2026.7 the program writes the first profile's key there once and never again; it is not used for requests.

use crate::candidates::is_marker;
use crate::{PathError, files};
use keyshoal_core::{ProviderId, Secret};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const FILE_LIMIT: u64 = 16 << 20;

/// What a `models.json` holds.
#[derive(Clone, Debug, Default)]
pub struct ModelsFile {
    /// Its providers.
    pub providers: BTreeMap<ProviderId, ModelsEntry>,
}

/// One provider of it.
#[derive(Clone, Debug)]
pub struct ModelsEntry {
    /// A plaintext key; markers such as `secretref-managed` and names of variables are none.
    pub api_key: Option<Secret>,
    /// Its base URL.
    pub base_url: Option<String>,
}

/// Reads `<agent_dir>/models.json`. Empty when there is none or it cannot be understood; an error when it cannot be read.
pub fn read(agent_dir: &Path) -> Result<ModelsFile, PathError> {
    let Some(bytes) = files::read(&agent_dir.join("models.json"), FILE_LIMIT)? else {
        return Ok(ModelsFile::default());
    };
    Ok(understand(&bytes))
}

fn understand(bytes: &[u8]) -> ModelsFile {
    let root: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let providers = root.get("providers").and_then(Value::as_object);
    let entry = |value: &Value| {
        let text =
            |key: &str| value.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
        ModelsEntry {
            api_key: text("apiKey").filter(|key| !names_no_secret(key)).map(Secret::new),
            base_url: text("baseUrl").map(str::to_owned),
        }
    };
    let provider = |name: &str| ProviderId::new(name.trim().to_lowercase());
    ModelsFile {
        providers: providers
            .into_iter()
            .flatten()
            .map(|(name, value)| (provider(name), entry(value)))
            .collect(),
    }
}

/// A marker, a reference, or the name of a variable.
fn names_no_secret(text: &str) -> bool {
    let variable = text.len() > 2
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.contains('_')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    is_marker(text) || text.starts_with("${") || variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_keys_from_markers() {
        let text = r#"{"providers":{
            "Mock":{"baseUrl":"http://127.0.0.1:1/v1","apiKey":"sk-made-up","models":[]},
            "a":{"apiKey":"secretref-managed"},"b":{"apiKey":"OPENAI_API_KEY"},"c":{"apiKey":"${X_KEY}"},"d":{}}}"#;
        let file = understand(text.as_bytes());
        let key = |name: &str| file.providers[&ProviderId::from(name)].api_key.clone();
        assert_eq!(key("mock"), Some(Secret::new("sk-made-up")));
        assert!(["a", "b", "c", "d"].iter().all(|name| key(name).is_none()));
    }

    #[test]
    fn what_is_no_json_holds_nothing() {
        assert!(understand(b"{").providers.is_empty());
        assert!(understand(b"[1]").providers.is_empty());
    }
}
