//! Which models an agent uses, and so which providers it needs.

use super::model::ModelUse;
use super::notes::{Look, Notes};
use super::special::Layers;
use keyshoal_core::{AgentId, ProviderId};
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns a provider's name as the program compares it: trimmed and in lower case.
pub fn provider_id(written: &str) -> ProviderId {
    ProviderId::new(written.trim().to_lowercase())
}

/// What a model may be called without naming its provider.
#[derive(Clone, Debug)]
pub(crate) struct ModelNames {
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
    pub(super) fn resolve(&self, written: &str) -> Option<(ProviderId, String)> {
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

/// Returns the models that an agent uses: primary, fallbacks, then those for special work, each once.
pub(super) fn of_agent(
    id: &AgentId,
    layers: &Layers<'_, '_>,
    names: &ModelNames,
    notes: &mut Notes<'_>,
) -> Vec<ModelUse> {
    let own = layers.entry.and_then(|entry| entry.at("model"));
    let shared = layers.defaults.and_then(|defaults| defaults.at("model"));
    let primary = own.as_ref().and_then(primary).or_else(|| shared.as_ref().and_then(primary));
    let fallbacks =
        own.as_ref().and_then(fallbacks).or_else(|| shared.as_ref().and_then(fallbacks)).unwrap_or_default();

    for look in own.iter().chain(&shared) {
        if !look.value.is_string() && !look.value.is_object() {
            look.complain("a model or {primary, fallbacks}", notes);
        }
    }
    let mut uses = Uses { names, found: Vec::new() };
    if let Some(primary) = primary {
        uses.named(&primary, Use { fallback: false, purpose: None, chat: true }, notes);
    }
    for fallback in fallbacks {
        uses.named(&fallback, Use { fallback: true, purpose: None, chat: true }, notes);
    }
    for (setting, value) in layers.settings() {
        let special = Use { fallback: true, purpose: Some(setting.purpose), chat: setting.chat };
        for written in self::primary(&value).into_iter().chain(self::fallbacks(&value).unwrap_or_default()) {
            uses.named(&written, special, notes);
        }
    }
    for written in layers.hooks(id, notes) {
        uses.named(&written, Use { fallback: true, purpose: Some("hooks"), chat: true }, notes);
    }
    let media = layers.media(notes).into_iter().map(|one| ("media", one));
    for (purpose, (provider, model)) in media.chain(layers.memory().into_iter().map(|one| ("memory", one))) {
        uses.add(provider, model, Use { fallback: true, purpose: Some(purpose), chat: false });
    }
    uses.found
}

/// What a model is used for.
#[derive(Clone, Copy)]
struct Use {
    fallback: bool,
    purpose: Option<&'static str>,
    chat: bool,
}

/// The models that one agent uses, as they are found.
struct Uses<'a> {
    names: &'a ModelNames,
    found: Vec<ModelUse>,
}

impl Uses<'_> {
    /// Adds a model as it is written. A hook's or a heartbeat's may be empty, which means the agent's own.
    fn named(&mut self, written: &Look<'_>, used: Use, notes: &mut Notes<'_>) {
        let Some(text) = written.text(notes) else { return };
        match self.names.resolve(text) {
            Some((provider, model)) => self.add(provider, model, used),
            None if text.trim().is_empty() && used.purpose.is_some() => {}
            None => notes.warn(&written.steps, "names no model"),
        }
    }

    fn add(&mut self, provider: ProviderId, model: String, used: Use) {
        if !self.found.iter().any(|known| known.provider == provider && known.model == model) {
            let Use { fallback, purpose, chat } = used;
            self.found.push(ModelUse { provider, model, fallback, purpose, chat });
        }
    }
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
