//! What others have changed of an import that broke off: what it had made is removed only where that is nothing.

use crate::arguments::Globals;
use crate::commands::Context;
use crate::error::CommandError;
use crate::render::age;
use crate::root::holdings::{self, DELIVERED, Need};
use crate::root::{self, OpenFor, Target};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{Fingerprint, HeldWhy, Material, StoreHealth};
use keyshoal_engine::ports::{Change as _, Observe as _, Remember as _};
use keyshoal_local::Installation;
use keyshoal_openclaw::files;
use keyshoal_vault::Vault;
use std::collections::BTreeSet;

/// Looks at so many of the newest entries of the vault's history, and of the newest runs.
const NEWEST: u32 = 500;
/// Of what was changed, so much is named.
const NAMED: usize = 6;
/// What an import calls its runs.
const IMPORT: &str = "import";

/// Returns what was changed since by others than the import, as sentences: in the vault, by a run, by a mark, in a store, in the config.
pub fn since(
    context: &Context<'_>,
    target: &Target,
    instance: Option<&VaultInstance>,
    vault: Option<&Vault>,
) -> Result<Vec<String>, CommandError> {
    let mut found = in_vault(target, vault)?;
    if is_half_removed(target, instance) {
        return Ok(Vec::new());
    }
    if is_begun(target) {
        let installation = open(context, target, true)?;
        require_same(&installation, target)?;
        found.extend(by_runs(&installation)?);
        if let (Some(vault), Some(instance)) = (vault, instance) {
            installation.hold(&holdings::holdings(vault, instance, None)?)?;
        }
        found.extend(in_stores(&installation, target)?);
        if target.is_left_to_sync() {
            found.extend(in_config(&installation)?);
        }
    }
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    if more > 0 {
        found.push(format!("{more} more"));
    }
    Ok(found)
}

/// Tells whether it was being removed when that broke off: what is missing then was taken by nobody else.
fn is_half_removed(target: &Target, instance: Option<&VaultInstance>) -> bool {
    target.is_going() && instance.is_none()
}

/// Keeps every other run out, where there is a memory of runs.
pub fn reserve(
    context: &Context<'_>,
    target: &Target,
    instance: Option<&VaultInstance>,
) -> Result<Option<Installation>, CommandError> {
    if is_half_removed(target, instance) || !files::exists(&target.dir().join(".keyshoal")) {
        return Ok(None);
    }
    let installation = open(context, target, false)?;
    installation.reserve(IMPORT)?;
    Ok(Some(installation))
}

/// Tells whether there is anything that a run or OpenClaw could have written into: before that, even the config may be cut short.
fn is_begun(target: &Target) -> bool {
    [".keyshoal", "agents", "state"].iter().any(|name| files::exists(&target.dir().join(name)))
}

fn open(context: &Context<'_>, target: &Target, read_only: bool) -> Result<Installation, CommandError> {
    let globals =
        Globals { state_dir: Some(target.dir().to_owned()), config: None, ..context.globals.clone() };
    let wanted = OpenFor { offline: true, read_only, vault: Need::Not, ..OpenFor::default() };
    root::open(context.world, &globals, wanted)
}

fn aside(target: &Target) -> String {
    format!("move {} aside, and import again", target.dir().display())
}

/// Refuses a copy, of which the vault's instance is another's.
fn require_same(installation: &Installation, target: &Target) -> Result<(), CommandError> {
    let aside = aside(target);
    if !installation.identity().is_certain() {
        return Err(CommandError::user("its directory was copied or moved")
            .hint("keyshoal sync --adopt moved   where it is the same instance; --adopt new   where it is one of its own")
            .hint(aside));
    }
    let own = installation.instance_id();
    match target.entry() {
        Some(entry) if own.is_some_and(|own| own != entry.instance) => {
            let mark = target.path();
            let keep = format!("keep it: remove {}, then keyshoal instance add", mark.display());
            Err(CommandError::user("it is an instance of its own by now").hint(keep).hint(aside))
        }
        _ => Ok(()),
    }
}

/// Whatever the vault's history has of the instance with another reason than the import's.
fn in_vault(target: &Target, vault: Option<&Vault>) -> Result<Vec<String>, CommandError> {
    let Some(entry) = target.entry() else { return Ok(Vec::new()) };
    let Some(vault) = vault.filter(|vault| vault.id() == entry.vault) else {
        return Err(CommandError::user(format!(
            "it went into the vault {}, which is not the one at hand",
            entry.vault
        ))
        .hint("--vault FILE   names the one that it went into")
        .hint(format!("where that is lost: {}", aside(target))));
    };
    // That the config was as the vault wants it is a note of Keyshoal's own.
    let note = format!("document {DELIVERED} put");
    let events = vault.events(Some(&entry.instance), NEWEST)?.into_iter().rev();
    let others = events.filter(|one| one.why.as_ref() != Some(&entry.why) && one.what != note);
    Ok(others.map(|one| format!("{} ({}, {})", one.what, one.by, age::moment(one.at))).collect())
}

/// Whatever was written, or was to be, by another command, and what a person has marked.
fn by_runs(installation: &Installation) -> Result<Vec<String>, CommandError> {
    let runs = installation.history(NEWEST as usize)?.into_iter().rev();
    let others = runs.filter(|run| run.command != IMPORT);
    let mut found: Vec<String> = others
        .map(|run| {
            let short: String = run.id.as_str().chars().take(13).collect();
            format!("a run of `{}` ({short}, {})", run.command, age::moment(run.begun))
        })
        .collect();
    let kept = installation.knowledge()?.kept.into_iter().filter(|(_, mark)| mark.by == KeptBy::Person);
    found.extend(kept.map(|((agent, profile), _)| format!("{profile} of {agent} was kept")));
    Ok(found)
}

/// Whatever a store holds that would be lost with it: a key that somebody pasted, a login that was renewed.
fn in_stores(installation: &Installation, target: &Target) -> Result<Vec<String>, CommandError> {
    let observed = installation.observe()?;
    let held: BTreeSet<Fingerprint> = installation.held_prints().into_values().collect();
    let ours = |material: &Material| match material {
        Material::Absent => true,
        Material::Fenced => false,
        Material::Inline(print) | Material::Ref { fingerprint: print, .. } => {
            held.contains(print) || target.has_login(*print)
        }
    };
    let mut found = Vec::new();
    for (id, store) in &observed.stores {
        match &store.health {
            StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => {}
            StoreHealth::Unreadable(why) => {
                return Err(CommandError::io(format!("{}: {why}", store.path)));
            }
            StoreHealth::NewerSchema { .. } => {
                return Err(CommandError::io(format!("{} is of a newer release than is known", store.path)));
            }
        }
        let strange = store.profiles.iter().filter(|(_, profile)| !ours(&profile.material));
        found.extend(strange.map(|(profile, view)| {
            let print = view.material.fingerprint().map(|print| format!(" {print}")).unwrap_or_default();
            format!("{profile}{print} in the store {id}, which the vault does not have")
        }));
    }
    Ok(found)
}

/// Whatever somebody has changed in the config of what the vault decides there.
fn in_config(installation: &Installation) -> Result<Vec<String>, CommandError> {
    installation.config_edit()?;
    let held = installation.config_held();
    let by_hand =
        held.iter().filter(|one| matches!(one.why, HeldWhy::Changed { .. } | HeldWhy::Unknown { .. }));
    let changes = by_hand.flat_map(|one| &one.changes);
    Ok(changes.map(|change| format!("{} in the config", change.path)).collect())
}
