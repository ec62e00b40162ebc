//! Which instances rotate, and by which rotation.

use crate::commands::credential::entry;
use crate::commands::flow;
use crate::commands::rotate::RotateArgs;
use crate::commands::rotate::book::Part;
use crate::commands::rotate::stands;
use crate::error::CommandError;
use crate::ui::{Text, Ui};
use keyshoal_core::Secret;
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_openclaw::store::{StoredProfile, StoredSecret};
use keyshoal_vault::Vault;
use std::collections::BTreeSet;

/// All instances of the vault that have the credential.
const ALL: &str = "all";

/// Tells whether all are meant.
pub fn is_all(args: &RotateArgs) -> bool {
    args.instances.iter().any(|name| name == ALL)
}

/// Finds instances by their names.
pub fn named(vault: &Vault, names: &[String]) -> Result<Vec<VaultInstance>, CommandError> {
    let all = vault.instances()?;
    if names.iter().any(|name| name == ALL) {
        return Ok(all);
    }
    let mut found: Vec<VaultInstance> = Vec::new();
    for name in names {
        let is =
            |one: &&VaultInstance| one.name == *name || format!("{}/{}", one.organisation, one.name) == *name;
        match all.iter().filter(is).collect::<Vec<_>>().as_slice() {
            [] => {
                return Err(CommandError::user(format!("the vault has no instance {name:?}"))
                    .hint("keyshoal instance list   shows what there is"));
            }
            [one] if found.iter().any(|other| other.id == one.id) => {}
            [one] => found.push((*one).clone()),
            _ => {
                return Err(CommandError::user(format!(
                    "several organisations have an instance {name:?}: name it ORGANISATION/NAME"
                )));
            }
        }
    }
    Ok(found)
}

/// Returns the instances whose agents share the credential, with it. What is named must have it; of all, those count that have it, and
/// have no login there.
pub fn meant(
    ui: &mut Ui,
    named: Vec<VaultInstance>,
    args: &RotateArgs,
) -> Result<Vec<(VaultInstance, VaultCredential)>, CommandError> {
    let name = args.name.as_deref().unwrap_or_default();
    let mut meant = Vec::new();
    let mut logins = Vec::new();
    for instance in named {
        let found = flow::credential_of(&instance, name, None)
            .map_err(|error| CommandError::user(format!("{}: {}", instance.name, error.message)))?
            .cloned();
        match found {
            Some(credential) => {
                let (profile, provider) = (&credential.profile, &credential.provider);
                match entry::require_key(profile, provider, &credential.kind) {
                    Ok(()) => meant.push((instance, credential)),
                    Err(error) => logins.push((instance.name, error)),
                }
            }
            None if is_all(args) => {}
            None => {
                return Err(CommandError::user(format!(
                    "the agents of {} share no credential {name}",
                    instance.name
                )));
            }
        }
    }
    match logins.pop() {
        Some((_, error)) if meant.is_empty() || !is_all(args) => return Err(error),
        last => logins.extend(last),
    }
    for (name, error) in logins {
        ui.say(&Text::of(format!("{name}: {}; left out", error.message)));
    }
    match meant.is_empty() {
        true => Err(CommandError::user(format!("no instance of the vault has a credential {name}"))),
        false => Ok(meant),
    }
}

/// Returns what a rotation is part of: what several instances share, or itself where it is one instance's alone.
pub fn whole_of(open: &keyshoal_vault::Rotation) -> Result<String, CommandError> {
    Ok(stands::state_of(open)?.together.map_or_else(|| open.id.clone(), |together| together.id))
}

/// Returns the rotation that is under way in these, be it over several instances or in one of them alone.
pub fn the_one(
    open: &[(String, keyshoal_vault::Rotation)],
    args: &RotateArgs,
) -> Result<String, CommandError> {
    let name = args.name.as_deref().unwrap_or_default();
    let mut ids = BTreeSet::new();
    for (_, open) in open {
        ids.insert(whole_of(open)?);
    }
    match ids.len() {
        1 => Ok(ids.pop_first().unwrap_or_default()),
        0 => Err(CommandError::user(format!("no rotation of {name} is under way in these instances"))),
        _ => Err(CommandError::user(format!("several rotations of {name} are under way"))
            .hint("name one instance of the one that is meant: --instances NAME")),
    }
}

/// Leaves those out that have this value already, and says so.
pub fn without(
    ui: &mut Ui,
    vault: &Vault,
    meant: Vec<(VaultInstance, VaultCredential)>,
    secret: &Secret,
) -> Result<Vec<(VaultInstance, VaultCredential)>, CommandError> {
    let mut rest = Vec::new();
    for (instance, credential) in meant {
        let before = flow::entry_of(vault, &instance.id, credential.uid)?;
        let value = entry::with_secret(before.as_ref(), &credential.provider, &credential.kind, secret)?;
        match entry::is_same(&credential.profile, before.as_ref(), &value) {
            true => {
                ui.say(&Text::of(format!("{}: this is the current value already; left out", instance.name)))
            }
            false => rest.push((instance, credential)),
        }
    }
    Ok(rest)
}

/// Refuses where they hold different values now: who says `all` may not know that they do.
pub fn require_one_value<'f>(
    vault: &Vault,
    parts: impl Iterator<Item = Part<'f>>,
) -> Result<(), CommandError> {
    let mut groups: Vec<(StoredSecret, Vec<&str>)> = Vec::new();
    for Part { instance, credential, .. } in parts {
        let entry = flow::entry_of(vault, &instance.id, credential.uid)?;
        let stored = entry.as_ref().and_then(|entry| StoredProfile::parse(&credential.profile, entry).ok());
        let secret = stored.map_or(StoredSecret::Absent, |stored| stored.secret);
        match groups.iter_mut().find(|(known, _)| *known == secret) {
            Some((_, names)) => names.push(&instance.name),
            None => groups.push((secret, vec![&instance.name])),
        }
    }
    if groups.len() < 2 {
        return Ok(());
    }
    let groups: Vec<String> = groups.iter().map(|(_, names)| names.join(", ")).collect();
    Err(CommandError::user(format!(
        "these instances hold different values now, and would hold one: {}",
        groups.join(" | ")
    ))
    .hint("name those that shall have the new one: --instances NAME,NAME…"))
}
