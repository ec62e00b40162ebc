//! The generated `models.json` of an agent, which may hold plaintext copies of keys.
//!
//! Up to 2026.7 the program writes the first profile's key there once and never again; it is not used for requests.

use crate::candidates::is_marker;
use crate::store::json_text::{Document, Fresh, Style};
use crate::store::model::secret_fingerprint;
use crate::{PathError, files};
use keyshoal_core::residue::PlainValue;
use keyshoal_core::{Fingerprint, Fingerprints, ProviderId, Secret};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the program writes in the place of a key that it gets from a reference. It takes that for no key, and for a provider that is
/// set up.
const MARKER: &str = "secretref-managed";
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
    ModelsFile {
        providers: providers
            .into_iter()
            .flatten()
            .map(|(name, value)| (provider(name), entry(value)))
            .collect(),
    }
}

/// Returns the plaintext keys in the text of a `models.json`; none where it cannot be understood.
pub fn values(text: &Secret, prints: &dyn Fingerprints) -> Vec<PlainValue> {
    let Ok(document) = Document::of(text) else { return Vec::new() };
    let keys = keys(&document);
    let value = |(name, key): (String, Secret)| PlainValue {
        provider: provider(&name),
        profile: None,
        fingerprint: secret_fingerprint(prints, &key),
    };
    keys.into_iter().map(value).collect()
}

/// Returns the text of a `models.json` with the program's marker in the place of these values; `None` where it holds none of them.
pub fn without(text: &Secret, gone: &BTreeSet<Fingerprint>, prints: &dyn Fingerprints) -> Option<Secret> {
    let mut document = Document::of(text).ok()?;
    let mut changed = false;
    for (name, key) in keys(&document) {
        if gone.contains(&secret_fingerprint(prints, &key)) {
            document
                .set(&["providers", &name, "apiKey"], &Fresh::string(MARKER), None, &Style::file())
                .ok()?;
            changed = true;
        }
    }
    changed.then(|| Secret::new(document.text()))
}

/// The plaintext keys by the providers' names as they are written.
fn keys(document: &Document) -> Vec<(String, Secret)> {
    let Some(providers) = document.at(&["providers"]) else { return Vec::new() };
    let key = |(name, entry): (Option<&str>, &crate::store::json_text::Value)| {
        let key = entry.get("apiKey")?.as_str()?.trim();
        (!key.is_empty() && !names_no_secret(key)).then(|| (name.map(str::to_owned), Secret::new(key)))
    };
    let found = providers.entries().into_iter().filter_map(key);
    found.filter_map(|(name, key)| Some((name?, key))).collect()
}

fn provider(name: &str) -> ProviderId {
    ProviderId::new(name.trim().to_lowercase())
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

    struct Plain;

    impl Fingerprints for Plain {
        fn of(&self, parts: &[&str]) -> Fingerprint {
            let mut bytes = [0; 16];
            parts
                .concat()
                .bytes()
                .enumerate()
                .for_each(|(at, byte)| bytes[at % 16] ^= byte.rotate_left(at as u32 / 16));
            Fingerprint::from_bytes(bytes)
        }
    }

    #[test]
    fn only_the_named_values_are_taken_out() {
        let text = r#"{ "providers": {
  "Mock": {"baseUrl":"http://x/v1", "apiKey":"sk-old", "models":[{"id":"small", "cost": 1.50}]},
  "other" : { "apiKey" : "sk-live" }, "third":{"apiKey":"secretref-managed"} } }"#;
        let old = secret_fingerprint(&Plain, &Secret::new("sk-old"));
        let cleaned = without(&Secret::new(text), &BTreeSet::from([old]), &Plain).unwrap();
        assert_eq!(cleaned, Secret::new(text.replace("sk-old", MARKER)));
        assert_eq!(without(&cleaned, &BTreeSet::from([old]), &Plain), None);
        let left: Vec<_> = values(&cleaned, &Plain).into_iter().map(|one| one.provider).collect();
        assert_eq!(left, [ProviderId::from("other")]);
        assert_eq!(values(&Secret::new("{"), &Plain), []);
    }
}
