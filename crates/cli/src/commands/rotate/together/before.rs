//! Rotations before a new one: what only waits for its grace time gives way to it, in all of its instances or in none.

use crate::commands::flow;
use crate::commands::rotate::{book, stands};
use crate::error::CommandError;
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_engine::rotate::{Stage, State};
use keyshoal_vault::{Author, Rotation, RotationStep, Vault};

/// What of these instances is under way.
#[derive(Default)]
pub struct Before {
    /// What a new rotation takes the place of.
    pub waiting: Vec<Rotation>,
    /// What does not give way, with the name of its instance.
    pub in_the_way: Option<(String, Rotation)>,
}

/// Finds it. A rotation gives way where nothing of it is left but to wait, also in the instances that it is one with, and these are meant too.
pub fn before(vault: &Vault, meant: &[(VaultInstance, VaultCredential)]) -> Result<Before, CommandError> {
    let mut found = Before::default();
    let mut wholes = Vec::new();
    for (instance, credential) in meant {
        let Some(open) = book::open_rotation(vault, instance, credential)? else { continue };
        if !stands::only_waits(&open)? {
            found.in_the_way.get_or_insert((instance.name.clone(), open));
            continue;
        }
        wholes.extend(stands::state_of(&open)?.together.map(|whole| whole.id));
        found.waiting.push(open);
    }
    for instance in vault.instances()? {
        for open in vault.open_rotations(&instance.id)? {
            let whole = stands::state_of(&open)?.together.map(|whole| whole.id);
            let is_of = whole.is_some_and(|id| wholes.contains(&id));
            let has_it = flow::credentials_of(&instance).any(|one| one.uid == open.credential);
            if is_of && has_it && !found.waiting.contains(&open) {
                found.in_the_way.get_or_insert((instance.name.clone(), open));
            }
        }
    }
    Ok(found)
}

/// Closes what waits. The value that it kept at hand stays in the vault until the new one takes its place: `rotate --rollback` finds it.
pub fn close(vault: &Vault, author: &Author, waiting: Vec<Rotation>) -> Result<(), CommandError> {
    if waiting.is_empty() {
        return Ok(());
    }
    let mut steps = Vec::new();
    for open in waiting {
        let state = State { keeps: false, ..stands::state_of(&open)? };
        let stage = match stands::stage_of(&open)? {
            Stage::RolledBack => open.stage,
            _ => Stage::Finished.as_str().to_owned(),
        };
        let state = book::text(&state)?;
        let step =
            RotationStep { id: open.id, expected_revision: open.revision, stage, state, finished: true };
        steps.push((step, 0, Vec::new()));
    }
    Ok(vault.step_rotations(steps, author, keyshoal_local::clock::now())?)
}
