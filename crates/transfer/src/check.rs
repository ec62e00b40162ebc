//! What must hold of a payload, whoever made it: names, references between its parts, paths, sums.

mod taken;

use crate::error::ReadError;
use crate::manifest::{Manifest, Named, ValueRef};
use crate::payload::Payload;
use crate::{Limits, entry, paths};
use keyshoal_core::{AgentId, StoreId};
use keyshoal_openclaw::agent_id;
use std::collections::BTreeSet;
use std::fmt::Display;
pub use taken::Taken;

/// The longest name of anything.
const LONGEST: usize = 1024;
/// The longest of what people write: names, paths, reasons.
const LONGEST_TEXT: usize = 4 * LONGEST;

type Checked = Result<(), ReadError>;

fn refuse(place: impl Into<String>, problem: impl Into<String>) -> Checked {
    Err(ReadError::refused(place, problem))
}

/// Checks everything but what only comes with reading. For writers: what would be refused is not written.
pub fn payload(payload: &Payload, limits: &Limits) -> Checked {
    manifest(&payload.manifest, limits)?;
    if payload.values.len() as u64 != u64::from(payload.manifest.values) {
        return refuse("values", "are not as many as the manifest says");
    }
    let lengths = payload.values.iter().map(|value| value.reveal_secret().len() as u64);
    if lengths.clone().any(|length| length > limits.value) || lengths.sum::<u64>() > limits.values {
        return refuse("values", "are longer than they may be");
    }
    values(payload)?;
    let mut taken = Taken::new(&payload.manifest, limits);
    payload.files.iter().try_for_each(|file| taken.file(file))?;
    taken.all()
}

/// Checks that a manifest, as it is written, is within what may be held of it.
pub fn size(manifest: &[u8], limits: &Limits) -> Checked {
    let tokens = manifest.iter().filter(|byte| b",:[]{}".contains(byte)).count();
    if manifest.len() as u64 > limits.manifest || tokens > limits.tokens {
        return refuse(
            "the manifest",
            format!(
                "has {} bytes and {tokens} structural characters, and may have {} and {}",
                manifest.len(),
                limits.manifest,
                limits.tokens
            ),
        );
    }
    Ok(())
}

/// Checks a manifest by itself.
pub fn manifest(manifest: &Manifest, limits: &Limits) -> Checked {
    let lists = [
        ("agents", manifest.agents.len(), limits.agents),
        ("bindings", manifest.bindings.len(), limits.entries),
        ("channels", manifest.channels.len(), limits.entries),
        ("providers", manifest.providers.len(), limits.entries),
        ("profiles", manifest.profiles.len(), limits.entries),
        ("order", manifest.order.len(), limits.entries),
        ("included", manifest.included.len(), limits.entries),
        ("variables", manifest.variables.len(), limits.entries),
        ("entries", manifest.entries.len(), limits.entries),
        ("left_out", manifest.left_out.len(), limits.entries),
        ("stays", manifest.stays.len(), limits.entries),
    ];
    if let Some((list, length, most)) = lists.into_iter().find(|(_, length, most)| length > most) {
        return refuse(list, format!("has {length} entries, and may have {most}"));
    }
    if manifest.values as usize > limits.entries * 4 {
        return refuse("values", format!("are said to be {}", manifest.values));
    }
    agents(manifest)?;
    for (at, binding) in manifest.bindings.iter().enumerate() {
        canonical(&binding.agent, &format!("bindings[{at}].agent"))?;
    }
    for (list, named) in [
        ("channels", &manifest.channels),
        ("providers", &manifest.providers),
        ("variables", &manifest.variables),
        ("included", &manifest.included),
        ("entries", &manifest.entries),
    ] {
        names(list, named)?;
    }
    for one in &manifest.included {
        paths::check(&one.name)
            .map_err(|why| ReadError::refused(format!("included {:?}", short(&one.name)), why))?;
    }
    profiles(manifest)?;
    numbers(manifest)
}

fn agents(manifest: &Manifest) -> Checked {
    let mut seen = BTreeSet::new();
    if manifest.agents.is_empty() {
        return refuse("agents", "are none; every instance has at least main");
    }
    for (at, agent) in manifest.agents.iter().enumerate() {
        let place = format!("agents[{at}]");
        canonical(&agent.id, &place)?;
        if !seen.insert(&agent.id) {
            return refuse(place, format!("is agent {} again", agent.id));
        }
        let texts = [&agent.name, &agent.workspace, &agent.agent_dir, &agent.models.primary];
        if texts.into_iter().flatten().chain(&agent.models.fallbacks).any(|text| text.len() > LONGEST_TEXT) {
            return refuse(place, "has a name, model or workspace that is far too long");
        }
    }
    if !manifest.agents.iter().any(|agent| agent.enabled) {
        return refuse("agents", "are all disabled; OpenClaw needs one");
    }
    for (at, one) in manifest.entries.iter().enumerate() {
        if !manifest.agents.iter().any(|agent| !agent.enabled && agent.id.as_str() == one.name) {
            return refuse(format!("entries[{at}]"), "belongs to no agent that is disabled");
        }
    }
    match manifest.agents.iter().filter(|agent| agent.default).count() {
        0 | 1 => Ok(()),
        more => refuse("agents", format!("has {more} default agents")),
    }
}

/// Ids are normalised by who writes, so that no two are one for OpenClaw.
fn canonical(id: &AgentId, place: &str) -> Checked {
    if agent_id::normalize(id.as_str()) == *id {
        return Ok(());
    }
    refuse(
        place,
        format!("{:?} is no agent id as OpenClaw has it (a-z, 0-9, _ and -; at most 64)", short(id.as_str())),
    )
}

fn names(list: &str, named: &[Named]) -> Checked {
    let mut seen = BTreeSet::new();
    for (at, one) in named.iter().enumerate() {
        if one.name.trim().is_empty() || one.name.len() > LONGEST * 4 {
            return refuse(format!("{list}[{at}]"), "has no name, or far too long a one");
        }
        if !seen.insert(&one.name) {
            return refuse(format!("{list}[{at}]"), format!("is {:?} again", short(&one.name)));
        }
    }
    Ok(())
}

fn profiles(manifest: &Manifest) -> Checked {
    let roster: BTreeSet<&AgentId> = manifest.agents.iter().map(|agent| &agent.id).collect();
    let known = |store: &StoreId| match store {
        StoreId::Base => true,
        StoreId::Agent(id) => roster.contains(id),
    };
    let mut seen = BTreeSet::new();
    for (at, one) in manifest.profiles.iter().enumerate() {
        let place = format!("profiles[{at}]");
        if !known(&one.store) {
            return refuse(place, format!("belongs to {}, which is not in the roster", short(&one.store)));
        }
        if !seen.insert((&one.store, &one.profile)) {
            return refuse(place, format!("is {} of {} again", short(&one.profile), one.store));
        }
        if let Some(origin) = one.meant.as_ref().and_then(|meant| meant.origin.as_ref())
            && [&origin.by].into_iter().chain(&origin.why).any(|text| text.len() > LONGEST_TEXT)
        {
            return refuse(place, "says far too much of where it comes from");
        }
    }
    let mut seen = BTreeSet::new();
    for (at, one) in manifest.order.iter().enumerate() {
        let place = format!("order[{at}]");
        if one.store.as_ref().is_some_and(|store| !known(store)) {
            return refuse(place, "belongs to a store that is not there");
        }
        let once: BTreeSet<_> = one.profiles.iter().collect();
        if once.len() != one.profiles.len() || !seen.insert((&one.store, &one.provider)) {
            return refuse(place, format!("says something of {} twice", short(&one.provider)));
        }
    }
    Ok(())
}

/// Returns every reference to a value, with what it is.
fn references(manifest: &Manifest) -> impl Iterator<Item = (&'static str, ValueRef)> {
    let named = |list: &'static str, all: &'_ [Named]| {
        all.iter().map(move |one| (list, one.value)).collect::<Vec<_>>()
    };
    let profiles = manifest.profiles.iter().map(|one| ("profiles", one.entry));
    let lists = named("channels", &manifest.channels)
        .into_iter()
        .chain(named("providers", &manifest.providers))
        .chain(named("included", &manifest.included))
        .chain(named("variables", &manifest.variables))
        .chain(named("entries", &manifest.entries));
    let config = manifest.config.map(|value| ("config", value));
    profiles.collect::<Vec<_>>().into_iter().chain(lists).chain(config)
}

fn numbers(manifest: &Manifest) -> Checked {
    let mut seen = BTreeSet::new();
    for (list, number) in references(manifest) {
        if number.0 >= manifest.values {
            return refuse(list, format!("names value {}, and there are {}", number.0, manifest.values));
        }
        if !seen.insert(number) {
            return refuse(list, format!("names value {}, as something else does", number.0));
        }
    }
    if seen.len() != manifest.values as usize {
        return refuse("values", "are there that nothing names");
    }
    Ok(())
}

/// Checks the values against what they are named as.
pub fn values(payload: &Payload) -> Checked {
    let manifest = &payload.manifest;
    for one in &manifest.profiles {
        let place = || format!("profile {} of {}", short(&one.profile), one.store);
        let Some(value) = payload.value(one.entry) else { return refuse(place(), "has no entry") };
        entry::check(&one.profile, value).map_err(|why| ReadError::refused(place(), why))?;
    }
    let lists = [
        ("channel", &manifest.channels),
        ("provider", &manifest.providers),
        ("the config's entry of", &manifest.entries),
    ];
    for (list, named) in lists {
        for one in named {
            let place = || format!("{list} {}", short(&one.name));
            let Some(value) = payload.value(one.value) else { return refuse(place(), "has no settings") };
            entry::strict(value.reveal_secret()).map_err(|why| ReadError::refused(place(), why))?;
        }
    }
    Ok(())
}

/// Shortens what is said of where a value comes from to what is taken.
pub fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}

/// Shortens what stands in a message.
fn short(name: &(impl Display + ?Sized)) -> String {
    name.to_string().chars().filter(|one| !one.is_control()).take(80).collect()
}
