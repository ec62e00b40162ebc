//! What must hold of a payload, whoever made it: names, references between its parts, paths, sums.

use crate::error::ReadError;
use crate::manifest::{Manifest, Named, Part, ValueRef};
use crate::payload::{FileEntry, Payload};
use crate::{Limits, entry, paths};
use keyshoal_core::{AgentId, StoreId};
use keyshoal_openclaw::agent_id;
use std::collections::BTreeSet;
use std::fmt::Display;

/// The longest name of anything.
const LONGEST: usize = 1024;

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
        if texts.into_iter().flatten().chain(&agent.models.fallbacks).any(|text| text.len() > 4 * LONGEST) {
            return refuse(place, "has a name, model or workspace that is far too long");
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
        .chain(named("variables", &manifest.variables));
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
    for (list, named) in [("channel", &manifest.channels), ("provider", &manifest.providers)] {
        for one in named {
            let place = || format!("{list} {}", short(&one.name));
            let Some(value) = payload.value(one.value) else { return refuse(place(), "has no settings") };
            entry::strict(value.reveal_secret()).map_err(|why| ReadError::refused(place(), why))?;
        }
    }
    Ok(())
}

/// The files that were taken so far.
pub struct Taken<'a> {
    manifest: &'a Manifest,
    limits: &'a Limits,
    roster: BTreeSet<&'a AgentId>,
    paths: BTreeSet<(AgentId, Part, String)>,
    bytes: u64,
}

impl<'a> Taken<'a> {
    pub fn new(manifest: &'a Manifest, limits: &'a Limits) -> Self {
        let roster = manifest.agents.iter().map(|agent| &agent.id).collect();
        Self { manifest, limits, roster, paths: BTreeSet::new(), bytes: 0 }
    }

    /// Checks the header of a file.
    pub fn file(&mut self, file: &FileEntry) -> Checked {
        let place = format!("{} {:?} of {}", file.part.as_str(), short(&file.path), short(&file.agent));
        let Some(said) = self.manifest.files else {
            return refuse(place, "is there, and the manifest says that no files are");
        };
        if !self.roster.contains(&file.agent) {
            return refuse(place, "belongs to an agent that is not in the roster");
        }
        if !matches!(file.part, Part::Workspace | Part::Sessions) {
            return refuse(place, "is of a kind that never comes along");
        }
        paths::check(&file.path).map_err(|why| ReadError::refused(&place, why))?;
        if file.mode & !0o700 != 0 || file.mode & 0o400 == 0 {
            return refuse(place, format!("has mode {:o}, which is not its owner's alone", file.mode));
        }
        let key = |path: &str| (file.agent.clone(), file.part, path.to_owned());
        if !self.paths.insert(key(&file.path)) {
            return refuse(place, "is there twice");
        }
        let above = file.path.match_indices('/').map(|(at, _)| &file.path[..at]);
        if above.map(key).any(|above| self.paths.contains(&above)) || self.is_above(file) {
            return refuse(place, "is a file and a directory");
        }
        self.bytes = self
            .bytes
            .checked_add(file.size)
            .filter(|bytes| *bytes <= self.limits.files.min(said.bytes))
            .ok_or_else(|| ReadError::refused(&place, "is more than the manifest says, or than is let in"))?;
        if self.paths.len() > self.limits.entries || self.paths.len() as u64 > said.files {
            return refuse(place, "is one file more than the manifest says, or than are let in");
        }
        Ok(())
    }

    fn is_above(&self, file: &FileEntry) -> bool {
        let below = (file.agent.clone(), file.part, format!("{}/", file.path));
        self.paths.range(below.clone()..).next().is_some_and(|(agent, part, path)| {
            *agent == below.0 && *part == below.1 && path.starts_with(&below.2)
        })
    }

    /// Checks that all of them came.
    pub fn all(&self) -> Checked {
        let said = self.manifest.files.unwrap_or_default();
        if (self.paths.len() as u64, self.bytes) != (said.files, said.bytes) {
            return refuse(
                "files",
                format!(
                    "are {} ({} bytes), and the manifest says {} ({} bytes)",
                    self.paths.len(),
                    self.bytes,
                    said.files,
                    said.bytes
                ),
            );
        }
        Ok(())
    }
}

/// Shortens what stands in a message.
fn short(name: &(impl Display + ?Sized)) -> String {
    name.to_string().chars().filter(|one| !one.is_control()).take(80).collect()
}
