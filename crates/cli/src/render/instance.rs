//! What a vault holds of an instance, by fingerprints.

use crate::ui::{Grid, Text, Tone};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, Delivery, ModelChoice, VaultCredential, VaultInstance, VersionState,
};
use keyshoal_core::{Fingerprint, InstanceId};
use std::collections::BTreeMap;

/// The fingerprints of a vault's values.
pub type Prints = BTreeMap<(CredentialUid, u32), Fingerprint>;

fn head(words: &[&str]) -> Grid {
    Grid::new(words.iter().map(|word| (*word).to_owned()).collect())
}

/// Returns one line for each instance, and one for those that were released.
pub fn instances(all: &[VaultInstance], released: &[InstanceId]) -> Vec<Text> {
    if all.is_empty() {
        return vec![Text::of(
            "the vault has no instance; keyshoal instance add   takes this machine's into it",
        )];
    }
    let mut grid = head(&["instance", "organisation", "agents", "credentials", "delivery", "where"]);
    for one in all {
        let held = one.credentials.iter().filter(|credential| credential.current().is_some()).count();
        grid.row(vec![
            Text::toned(Tone::Strong, one.name.clone()),
            Text::of(one.organisation.clone()),
            Text::of(one.agents.len().to_string()),
            Text::of(held.to_string()),
            Text::of(delivery(one.delivery)),
            Text::of(one.state_dir.clone().unwrap_or_else(|| "-".to_owned())),
        ]);
    }
    let mut lines = grid.lines(usize::MAX, 0);
    let names: Vec<&str> =
        all.iter().filter(|one| released.contains(&one.id)).map(|one| one.name.as_str()).collect();
    if !names.is_empty() {
        lines.push(Text::toned(Tone::Info, "– ").plain(format!(
            "{} released, and the vault's word does not count there: {} (keyshoal instance add   takes one back, where it is)",
            names.len(),
            names.join(", ")
        )));
    }
    lines
}

/// Returns everything of one instance.
pub fn whole(instance: &VaultInstance, prints: &Prints) -> Vec<Text> {
    let head = format!(
        " ({}), revision {}, delivery {}",
        instance.organisation,
        instance.revision,
        delivery(instance.delivery)
    );
    let mut lines = vec![Text::toned(Tone::Strong, instance.name.clone()).plain(head)];
    for part in [agents(instance), credentials(instance, prints), models(instance), bindings(instance)] {
        lines.push(Text::new());
        lines.extend(part);
    }
    lines
}

/// Returns one line for each agent.
pub fn agents(instance: &VaultInstance) -> Vec<Text> {
    let mut grid = head(&["agent", "", "models", "overrides", "workspace"]);
    for agent in &instance.agents {
        let mut about = Vec::new();
        if agent.default {
            about.push("default");
        }
        if !agent.enabled {
            about.push("disabled");
        }
        let own: Vec<&str> = instance
            .credentials
            .iter()
            .filter(|one| one.agent == Some(agent.uid) && one.current().is_some())
            .map(|one| one.profile.as_str())
            .collect();
        grid.row(vec![
            Text::toned(Tone::Strong, agent.id.as_str()),
            Text::toned(Tone::Dim, about.join(", ")),
            Text::of(choice(&agent.models)),
            Text::of(own.join(", ")),
            Text::of(agent.workspace.clone().unwrap_or_default()),
        ]);
    }
    grid.lines(usize::MAX, 0)
}

/// Returns one line for each credential.
pub fn credentials(instance: &VaultInstance, prints: &Prints) -> Vec<Text> {
    let mut grid = head(&["profile", "whose", "type", "current", "versions", "since"]);
    let mut any = false;
    for one in instance.credentials.iter().filter(|one| one.current().is_some() || one.pending().is_some()) {
        any = true;
        let current = one.current();
        let print = current.and_then(|version| prints.get(&(one.uid, version.number)));
        let pending = if one.pending().is_some() { ", one staged" } else { "" };
        grid.row(vec![
            Text::toned(Tone::Strong, one.profile.as_str()),
            Text::of(whose(instance, one.agent)),
            Text::of(one.kind.as_str()),
            Text::of(print.map_or_else(|| "-".to_owned(), ToString::to_string)),
            Text::of(format!("{}{pending}{}", one.versions.len(), retired(one))),
            Text::of(current.map_or_else(String::new, |version| day(version.since))),
        ]);
    }
    match any {
        true => grid.lines(usize::MAX, 0),
        false => vec![Text::of("no credential; keyshoal credential set PROVIDER   adds one")],
    }
}

/// Says how many of its versions are retired: no rotation goes back to them.
fn retired(credential: &VaultCredential) -> String {
    match credential.versions.iter().filter(|version| version.state == VersionState::Retired).count() {
        0 => String::new(),
        retired => format!(", {retired} retired"),
    }
}

/// Returns one line for each version of a credential.
pub fn versions(credential: &VaultCredential, prints: &Prints) -> Vec<Text> {
    let mut grid = head(&["version", "state", "value", "since", "by", "why"]);
    for version in &credential.versions {
        let print = prints.get(&(credential.uid, version.number));
        let tone = if version.state == VersionState::Current { Tone::Good } else { Tone::Dim };
        grid.row(vec![
            Text::of(version.number.to_string()),
            Text::toned(tone, state(version.state)),
            Text::of(print.map_or_else(|| "forgotten".to_owned(), ToString::to_string)),
            Text::of(day(version.since)),
            Text::of(version.by.clone()),
            Text::of(version.why.clone().unwrap_or_default()),
        ]);
    }
    let head = format!(" ({}, {})", credential.provider, credential.kind);
    let mut lines = vec![Text::toned(Tone::Strong, credential.profile.as_str()).plain(head)];
    lines.extend(grid.lines(usize::MAX, 0));
    lines
}

/// Returns the models of all, and of each agent that has its own.
pub fn models(instance: &VaultInstance) -> Vec<Text> {
    let mut grid = head(&["agent", "models"]);
    let all = choice(&instance.models);
    let all = if all.is_empty() { "what OpenClaw uses".to_owned() } else { all };
    grid.row(vec![Text::toned(Tone::Dim, "all"), Text::of(all)]);
    for agent in instance.agents.iter().filter(|agent| agent.models != ModelChoice::default()) {
        grid.row(vec![Text::toned(Tone::Strong, agent.id.as_str()), Text::of(choice(&agent.models))]);
    }
    grid.lines(usize::MAX, 0)
}

/// Returns one line for each binding.
pub fn bindings(instance: &VaultInstance) -> Vec<Text> {
    if instance.bindings.is_empty() {
        return vec![Text::of("no bindings: every message goes to the default agent")];
    }
    let mut grid = head(&["#", "agent", "match", "comment"]);
    for (at, binding) in instance.bindings.iter().enumerate() {
        grid.row(vec![
            Text::of((at + 1).to_string()),
            Text::toned(Tone::Strong, whose(instance, Some(binding.agent))),
            Text::of(binding.matching.to_string()),
            Text::toned(Tone::Dim, binding.comment.clone().unwrap_or_default()),
        ]);
    }
    grid.lines(usize::MAX, 0)
}

fn whose(instance: &VaultInstance, agent: Option<AgentUid>) -> String {
    let Some(uid) = agent else { return "all".to_owned() };
    let found = instance.agents.iter().find(|agent| agent.uid == uid);
    found.map_or_else(|| "an agent that is gone".to_owned(), |agent| agent.id.to_string())
}

fn choice(models: &ModelChoice) -> String {
    models.primary.iter().chain(&models.fallbacks).map(String::as_str).collect::<Vec<_>>().join(", then ")
}

fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Inline => "inline",
        Delivery::Refs => "refs",
    }
}

/// Returns the word for where a version stands.
pub fn state(state: VersionState) -> &'static str {
    match state {
        VersionState::Pending => "pending",
        VersionState::Current => "current",
        VersionState::Previous => "previous",
        VersionState::Retired => "retired",
    }
}

fn day(time: keyshoal_core::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}
