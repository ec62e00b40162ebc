//! Models for special work: sub-agents, heartbeats, images, memory, hooks and the like. Each needs its provider too.
//!
//! The settings are those of the config schemas of 2026.3.28 to 2026.9.6. Not covered: speech and search services, which have
//! keys of their own. Models of scheduled jobs are read from where those are stored ([`crate::jobs`]).

use super::models::provider_id;
use super::notes::{Look, Notes};
use crate::agent_id;
use keyshoal_core::{AgentId, ProviderId};

/// A setting of an agent, which hides the one of the defaults.
pub(super) struct Setting {
    /// What the model is for.
    pub(super) purpose: &'static str,
    /// Whether it answers chats.
    pub(super) chat: bool,
    way: &'static [&'static str],
}

const fn chat(purpose: &'static str, way: &'static [&'static str]) -> Setting {
    Setting { purpose, chat: true, way }
}

const fn other(purpose: &'static str, way: &'static [&'static str]) -> Setting {
    Setting { purpose, chat: false, way }
}

/// What an agent or the defaults may name.
const OF_AGENTS: [Setting; 18] = [
    chat("sub-agents", &["subagents", "model"]),
    chat("heartbeats", &["heartbeat", "model"]),
    chat("compaction", &["compaction", "model"]),
    chat("compaction", &["compaction", "memoryFlush", "model"]),
    chat("small tasks", &["utilityModel"]),
    chat("decisions", &["decisionModel"]),
    chat("images", &["imageModel"]),
    chat("PDF files", &["pdfModel"]),
    chat("reviewing commands", &["tools", "exec", "reviewer", "model"]),
    chat("refused requests", &["embeddedAgent", "cyberFailover", "model"]),
    chat("summaries to be spoken", &["tts", "summaryModel"]),
    other("voice", &["voiceModel"]),
    other("making images", &["imageGenerationModel"]),
    other("making images", &["mediaModels", "image"]),
    other("making videos", &["videoGenerationModel"]),
    other("making videos", &["mediaModels", "video"]),
    other("making music", &["musicGenerationModel"]),
    other("making music", &["mediaModels", "music"]),
];

/// What the whole config may name for every agent that names nothing of its own.
const OF_ALL: [(&str, &[&str]); 3] = [
    ("reviewing commands", &["tools", "exec", "reviewer", "model"]),
    ("summaries to be spoken", &["tts", "summaryModel"]),
    ("summaries to be spoken", &["messages", "tts", "summaryModel"]),
];

/// Where the names of one agent's models may stand.
pub(super) struct Layers<'a, 'v> {
    /// The whole config.
    pub(super) root: &'a Look<'v>,
    /// `agents.defaults`.
    pub(super) defaults: Option<&'a Look<'v>>,
    /// The agent's entry.
    pub(super) entry: Option<&'a Look<'v>>,
}

impl<'v> Layers<'_, 'v> {
    /// Returns the settings that count for the agent, with the value of each.
    pub(super) fn settings(&self) -> Vec<(Setting, Look<'v>)> {
        let mut found = Vec::new();
        for setting in OF_AGENTS {
            let of_all = OF_ALL.iter().filter(|(purpose, _)| *purpose == setting.purpose);
            let within = |look: Option<&Look<'v>>| look.and_then(|look| look.within(setting.way));
            let value = within(self.entry)
                .or_else(|| within(self.defaults))
                .or_else(|| of_all.into_iter().find_map(|(_, way)| self.root.within(way)));
            found.extend(value.map(|value| (setting, value)));
        }
        found
    }

    /// Returns the models that hooks run in this agent: those of the agent itself, and where a hook names none, of all.
    pub(super) fn hooks(&self, id: &AgentId, notes: &mut Notes<'_>) -> Vec<Look<'v>> {
        let Some(hooks) = self.root.at("hooks") else { return Vec::new() };
        if hooks.at("enabled").is_some_and(|enabled| enabled.value == false) {
            return Vec::new();
        }
        let mappings = hooks.at("mappings").map(|mappings| mappings.elements(notes)).unwrap_or_default();
        let of_agent = |mapping: &Look<'v>| match mapping.at("agentId").and_then(|id| id.value.as_str()) {
            Some(written) => agent_id::normalize(written) == *id,
            None => true,
        };
        let mapped = mappings.into_iter().filter(of_agent).filter_map(|mapping| mapping.at("model"));
        hooks.within(&["gmail", "model"]).into_iter().chain(mapped).collect()
    }

    /// Returns the models that look at pictures, listen and watch for every agent: provider and name.
    pub(super) fn media(&self, notes: &mut Notes<'_>) -> Vec<(ProviderId, String)> {
        let Some(media) = self.root.within(&["tools", "media"]) else { return Vec::new() };
        let kinds = ["audio", "image", "video"].into_iter().filter_map(|kind| media.at(kind));
        let on = |kind: &Look<'_>| kind.at("enabled").is_none_or(|enabled| enabled.value != false);
        let lists = kinds.filter(on).filter_map(|kind| kind.at("models")).chain(media.at("models"));
        let text = |look: &Look<'v>, key: &str| Some(look.at(key)?.value.as_str()?.trim().to_owned());
        let mut found = Vec::new();
        for entry in lists.flat_map(|list| list.elements(notes)) {
            let asks_a_provider = text(&entry, "type").is_none_or(|kind| kind == "provider");
            if let (true, Some(provider)) = (asks_a_provider, text(&entry, "provider")) {
                let model = text(&entry, "model").unwrap_or_else(|| "its own choice".to_owned());
                found.push((provider_id(&provider), model));
            }
        }
        found
    }

    /// Returns the providers that embed the agent's memory, as far as they are named and need a credential: provider and model.
    pub(super) fn memory(&self) -> Vec<(ProviderId, String)> {
        let layers: Vec<Look<'v>> = [
            self.entry
                .and_then(|entry| entry.at("memorySearch").or_else(|| entry.within(&["memory", "search"]))),
            self.defaults.and_then(|defaults| defaults.at("memorySearch")),
            self.root.within(&["memory", "search"]),
        ]
        .into_iter()
        .flatten()
        .collect();
        let first = |way: &[&str]| layers.iter().find_map(|layer| layer.within(way));
        let text = |way: &[&str]| first(way).and_then(|found| Some(found.value.as_str()?.trim().to_owned()));
        let has_own_key = first(&["remote", "apiKey"]).is_some();
        if has_own_key || first(&["enabled"]).is_some_and(|enabled| enabled.value == false) {
            return Vec::new();
        }
        let model = text(&["model"]).filter(|model| !model.is_empty());
        let primary = text(&["provider"]).and_then(|name| embeds(&name));
        let primary =
            primary.map(|provider| (provider, model.unwrap_or_else(|| "its own choice".to_owned())));
        let fallback = text(&["fallback"]).and_then(|name| embeds(&name));
        let fallback = fallback.map(|provider| (provider, "its own choice".to_owned()));
        primary.into_iter().chain(fallback).collect()
    }
}

/// Returns the provider of credentials for a way to embed; nothing for those that need none, or find them by themselves.
fn embeds(name: &str) -> Option<ProviderId> {
    match name.to_ascii_lowercase().as_str() {
        "gemini" => Some(ProviderId::new("google")),
        known @ ("openai" | "voyage" | "mistral" | "deepinfra" | "github-copilot") => {
            Some(ProviderId::new(known))
        }
        _ => None,
    }
}
