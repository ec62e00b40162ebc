//! Which models an agent uses, and so which providers it needs.

use super::model::ModelUse;
use super::notes::{Look, Notes};
use keyshoal_core::ProviderId;
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns a provider's name as the program compares it: trimmed and in lower case.
pub fn provider_id(written: &str) -> ProviderId {
    ProviderId::new(written.trim().to_lowercase())
}

/// What a model may be called without naming its provider.
pub(super) struct ModelNames {
    /// `agents.defaults.models.<ref>.alias`, in lower case.
    aliases: BTreeMap<String, (ProviderId, String)>,
    /// Models of configured providers.
    known: BTreeMap<String, ProviderId>,
    /// The provider of anything else.
    default_provider: &'static str,
}

impl ModelNames {
    /// Reads the names. The default provider was `anthropic` in 2026.3 and is `openai` since (seen from 2026.5.28 on).
    pub(super) fn new(root: &Look<'_>, touched_version: Option<&str>, notes: &mut Notes<'_>) -> Self {
        let early = touched_version.is_some_and(|version| version < "2026.5");
        let mut names = Self {
            aliases: BTreeMap::new(),
            known: BTreeMap::new(),
            default_provider: if early { "anthropic" } else { "openai" },
        };
        let models = root
            .at("agents")
            .and_then(|agents| agents.at("defaults"))
            .and_then(|defaults| defaults.at("models"));
        for (reference, entry) in models.iter().flat_map(Look::entries) {
            let alias = entry.at("alias").and_then(|alias| alias.value.as_str());
            if let (Some(alias), Some(parts)) = (alias, split(reference)) {
                names.aliases.insert(alias.trim().to_lowercase(), parts);
            }
        }
        let providers =
            root.object_at("models", notes).and_then(|models| models.object_at("providers", notes));
        for (provider, entry) in providers.iter().flat_map(Look::entries) {
            for model in entry.at("models").and_then(|models| models.value.as_array()).into_iter().flatten() {
                if let Some(id) = model.get("id").and_then(Value::as_str) {
                    names.known.entry(id.trim().to_lowercase()).or_insert_with(|| provider_id(provider));
                }
            }
        }
        names
    }

    /// Returns provider and model of a reference as written: `provider/model`, an alias, or a bare model.
    fn resolve(&self, written: &str) -> Option<(ProviderId, String)> {
        let written = without_profile(written.trim());
        if written.is_empty() {
            return None;
        }
        let lower = written.to_lowercase();
        if let Some(found) = self.aliases.get(&lower) {
            return Some(found.clone());
        }
        if written.contains('/') {
            return split(written);
        }
        if let Some(model) =
            lower.strip_prefix("openrouter:").filter(|model| matches!(*model, "auto" | "free"))
        {
            return Some((ProviderId::new("openrouter"), model.to_owned()));
        }
        let provider =
            self.known.get(&lower).cloned().unwrap_or_else(|| ProviderId::new(self.default_provider));
        Some((provider, written.to_owned()))
    }
}

/// Splits `provider/model` at the first slash.
fn split(reference: &str) -> Option<(ProviderId, String)> {
    let (provider, model) = reference.trim().split_once('/')?;
    let (provider, model) = (provider.trim(), model.trim());
    (!provider.is_empty() && !model.is_empty()).then(|| (provider_id(provider), model.to_owned()))
}

/// Drops a trailing `@profile`, but not a date or a quantisation (`@20260101`, `@q4_k_m`).
fn without_profile(reference: &str) -> &str {
    let after_slash = reference.rfind('/').map_or(0, |at| at + 1);
    let mut from = after_slash;
    while let Some(at) = reference[from..].find('@').map(|at| from + at) {
        let suffix = reference[at + 1..].split('@').next().unwrap_or_default();
        if at == 0 || suffix.is_empty() {
            return reference;
        }
        if !is_version(suffix) {
            return reference[..at].trim_end();
        }
        from = at + 1;
    }
    reference
}

/// Tells whether what follows an `@` belongs to the model's name.
fn is_version(suffix: &str) -> bool {
    let lower = suffix.to_ascii_lowercase();
    let quantised = lower.strip_prefix('i').unwrap_or(&lower).strip_prefix('q').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    let bits =
        lower.strip_suffix("bit").is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    let date = suffix.len() == 8 && suffix.chars().all(|c| c.is_ascii_digit());
    quantised || bits || date
}

/// The settings in which an agent names models for special work; its own hide the defaults'.
const OTHER_MODELS: [&[&str]; 10] = [
    &["subagents", "model"],
    &["heartbeat", "model"],
    &["compaction", "model"],
    &["compaction", "memoryFlush", "model"],
    &["utilityModel"],
    &["decisionModel"],
    &["imageModel"],
    &["pdfModel"],
    &["imageGenerationModel"],
    &["videoGenerationModel"],
];

/// Returns the models that an agent uses: primary, fallbacks, then those for special work, each once.
pub(super) fn of_agent(
    entry: Option<&Look<'_>>,
    defaults: Option<&Look<'_>>,
    names: &ModelNames,
    notes: &mut Notes<'_>,
) -> Vec<ModelUse> {
    let own = entry.and_then(|entry| entry.at("model"));
    let shared = defaults.and_then(|defaults| defaults.at("model"));
    let primary = own.as_ref().and_then(primary).or_else(|| shared.as_ref().and_then(primary));
    let fallbacks =
        own.as_ref().and_then(fallbacks).or_else(|| shared.as_ref().and_then(fallbacks)).unwrap_or_default();

    let mut found = Vec::new();
    for look in own.iter().chain(&shared) {
        if !look.value.is_string() && !look.value.is_object() {
            look.complain("a model or {primary, fallbacks}", notes);
        }
    }
    let mut add = |written: &Look<'_>, fallback: bool, notes: &mut Notes<'_>| {
        let Some(text) = written.text(notes) else { return };
        match names.resolve(text) {
            Some((provider, model)) => {
                let used = ModelUse { provider, model, fallback };
                if !found
                    .iter()
                    .any(|known: &ModelUse| known.provider == used.provider && known.model == used.model)
                {
                    found.push(used);
                }
            }
            None => notes.warn(&written.steps, "names no model"),
        }
    };
    if let Some(primary) = primary {
        add(&primary, false, notes);
    }
    for fallback in fallbacks {
        add(&fallback, true, notes);
    }
    for way in OTHER_MODELS {
        let Some(special) = entry
            .and_then(|entry| entry.within(way))
            .or_else(|| defaults.and_then(|defaults| defaults.within(way)))
        else {
            continue;
        };
        for written in
            self::primary(&special).into_iter().chain(self::fallbacks(&special).unwrap_or_default())
        {
            add(&written, true, notes);
        }
    }
    found
}

/// Returns the primary model of a setting that is text or `{primary, fallbacks}`.
fn primary<'v>(look: &Look<'v>) -> Option<Look<'v>> {
    let primary = if look.value.is_object() { look.at("primary")? } else { look.clone() };
    primary.value.as_str().is_some_and(|text| !text.trim().is_empty()).then_some(primary)
}

/// Returns the fallbacks that a setting decides: none when it has a primary and no list, nothing when it leaves them to the defaults.
fn fallbacks<'v>(look: &Look<'v>) -> Option<Vec<Look<'v>>> {
    match look.at("fallbacks") {
        Some(list) => {
            let array = list.value.as_array()?;
            let at = |(index, value)| Look { value, steps: list.steps.index(index) };
            Some(array.iter().enumerate().map(at).collect())
        }
        None => primary(look).map(|_| Vec::new()),
    }
}
