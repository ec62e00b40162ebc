//! The config: roster, models, bindings, channels, providers, variables, and its own text.

use super::Gathering;
use crate::manifest::{AgentPart, BindingPart, OrderPart};
use crate::{entry, paths};
use keyshoal_core::Secret;
use keyshoal_core::vault::ModelChoice;
use keyshoal_openclaw::{agent_id, locate, workspaces};
use serde_json::Value;
use std::path::Path;

impl Gathering<'_> {
    pub(super) fn settings(&mut self) {
        let nothing = Value::Null;
        let value = self.raw.map_or(&nothing, |raw| &raw.value);
        self.payload.manifest.models = choice(value.pointer("/agents/defaults/model"));
        for agent in &self.config.agents {
            let written = workspaces::written_entry(value, &agent.id);
            self.payload.manifest.agents.push(AgentPart {
                id: agent.id.clone(),
                name: agent.name.clone(),
                default: agent.default,
                models: choice(written.and_then(|entry| entry.get("model"))),
                workspace: workspaces::of_agent(self.locations, self.env, self.config, self.raw, agent)
                    .written,
                agent_dir: written
                    .and_then(|entry| entry.get("agentDir"))
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                enabled: true,
            });
        }
        for (at, binding) in value.get("bindings").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            self.binding(at, binding);
        }
        let channels = value.get("channels").and_then(Value::as_object);
        for (name, settings) in channels.into_iter().flatten() {
            if let Some(settings) = self.checked(&format!("channel {name}"), settings) {
                let named = self.named(name, settings);
                self.payload.manifest.channels.push(named);
            }
        }
        let providers = value.pointer("/models/providers").and_then(Value::as_object);
        for (name, settings) in providers.into_iter().flatten() {
            if let Some(settings) = self.checked(&format!("provider {name}"), settings) {
                let named = self.named(name, settings);
                self.payload.manifest.providers.push(named);
            }
        }
        for (provider, profiles) in &self.config.order {
            let (provider, profiles) = (provider.clone(), once(profiles));
            self.payload.manifest.order.push(OrderPart { store: None, provider, profiles });
        }
        for (name, variable) in &self.config.dotenv {
            let named = self.named(name, variable.clone());
            self.payload.manifest.variables.push(named);
        }
        self.texts();
    }

    fn binding(&mut self, at: usize, binding: &Value) {
        let text = |key: &str| binding.get(key).and_then(Value::as_str);
        let Some(agent) = text("agentId") else {
            self.leave_out(format!("bindings[{at}]"), "it names no agent (OpenClaw refuses it)");
            return;
        };
        self.payload.manifest.bindings.push(BindingPart {
            agent: agent_id::normalize(agent),
            kind: text("type").map(str::to_owned),
            matching: binding.get("match").cloned().unwrap_or(Value::Null),
            comment: text("comment").map(str::to_owned),
        });
    }

    fn checked(&mut self, what: &str, settings: &Value) -> Option<Secret> {
        let settings = Secret::new(settings.to_string());
        match entry::strict(settings.reveal_secret()) {
            Ok(()) => Some(settings),
            Err(why) => {
                self.leave_out(what, why);
                None
            }
        }
    }

    /// Puts in the config's text, and those that it includes; all in one where any of them cannot come along under its name.
    fn texts(&mut self) {
        let Some(raw) = self.raw else { return };
        let path = locate::normalize(&self.locations.config_path);
        let name = |file: &Path| {
            let relative = path.parent().and_then(|dir| file.strip_prefix(dir).ok())?.to_str()?;
            paths::check(relative).is_ok().then(|| relative.to_owned())
        };
        let (named, outside): (Vec<_>, Vec<_>) =
            raw.included.iter().map(|(file, text)| (name(file), file, text)).partition(|one| one.0.is_some());
        for (_, file, _) in &outside {
            self.leave_out(
                format!("the included file {}", file.display()),
                "it stands outside of the config's directory; what it holds is in the config itself, which comes along in one piece",
            );
        }
        let all = outside.is_empty();
        let own = if all { raw.text.clone() } else { raw.in_one() };
        self.payload.manifest.config = Some(self.value(own));
        for (name, _, text) in named.into_iter().filter(|_| all) {
            let named = self.named(&name.unwrap_or_default(), text.clone());
            self.payload.manifest.included.push(named);
        }
    }
}

/// Returns the profiles, each at its first place.
pub(super) fn once(profiles: &[keyshoal_core::ProfileId]) -> Vec<keyshoal_core::ProfileId> {
    let mut seen = std::collections::BTreeSet::new();
    profiles.iter().filter(|profile| seen.insert(*profile)).cloned().collect()
}

/// Reads a model setting: a text, or `{primary, fallbacks}`.
fn choice(setting: Option<&Value>) -> ModelChoice {
    let text =
        |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match setting {
        Some(Value::Object(fields)) => ModelChoice {
            primary: fields.get("primary").and_then(text),
            fallbacks: fields
                .get("fallbacks")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(text)
                .collect(),
        },
        Some(other) => ModelChoice { primary: text(other), fallbacks: Vec::new() },
        None => ModelChoice::default(),
    }
}
