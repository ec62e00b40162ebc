//! Rotations that halted, or whose process ended, for whoever asks how things stand.

use super::{at_work, stands, ways};
use crate::commands::flow::credentials_of;
use crate::error::CommandError;
use crate::root::holdings::Held;
use crate::view::rotations::{Elsewhere, HalfDone};
use keyshoal_core::vault::VaultCredential;
use keyshoal_vault::Rotation;

/// Returns those of an instance. One that is proven, or that a person took back everywhere, is done, but for its grace time; where it is one
/// with those of other instances, that counts of them as well.
pub fn half_done(held: &Held) -> Result<Vec<HalfDone>, CommandError> {
    found(held, true)
}

/// Returns those that are half done in the instance itself: not every agent of it is known to have what it is to have.
pub fn half_done_here(held: &Held) -> Result<Vec<HalfDone>, CommandError> {
    found(held, false)
}

fn found(held: &Held, elsewhere_too: bool) -> Result<Vec<HalfDone>, CommandError> {
    let mut found = Vec::new();
    for open in held.vault.open_rotations(&held.instance.id)? {
        // One of a credential that was taken back has nothing to go on with.
        let credential = credentials_of(&held.instance).find(|one| one.uid == open.credential);
        let Some(credential) = credential else { continue };
        let elsewhere = if elsewhere_too { elsewhere(held, &open)? } else { Vec::new() };
        found.extend(half(held, credential, open, elsewhere)?);
    }
    Ok(found)
}

/// Returns the other instances that rotate with this one and where it is half done.
fn elsewhere(held: &Held, open: &Rotation) -> Result<Vec<Elsewhere>, CommandError> {
    let Some(whole) = stands::state_of(open)?.together else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for instance in held.vault.instances()?.into_iter().filter(|one| one.id != held.instance.id) {
        for row in held.vault.open_rotations(&instance.id)? {
            let is_of = stands::state_of(&row)?.together.is_some_and(|part| part.id == whole.id);
            let has_it = credentials_of(&instance).any(|one| one.uid == row.credential);
            if is_of && has_it && !stands::only_waits(&row)? {
                all.push(Elsewhere { instance: instance.name.clone(), stage: row.stage });
            }
        }
    }
    Ok(all)
}

/// Refuses what would change a credential by itself while a rotation of it is half done.
pub fn refuse_half_done(held: &Held, credential: &VaultCredential) -> Result<(), CommandError> {
    let open = held.vault.open_rotations(&held.instance.id)?.into_iter();
    for open in open.filter(|open| open.credential == credential.uid) {
        if let Some(half) = half(held, credential, open, Vec::new())? {
            return Err(CommandError::user(format!(
                "a rotation of {} is half done (it stands at {}), so no other value is taken: nothing was changed",
                half.profile,
                half.stage.replace('_', " ")
            ))
            .hint(half.fix));
        }
    }
    Ok(())
}

fn half(
    held: &Held,
    credential: &VaultCredential,
    open: Rotation,
    elsewhere: Vec<Elsewhere>,
) -> Result<Option<HalfDone>, CommandError> {
    let waits = stands::only_waits(&open)?;
    if waits && elsewhere.is_empty() {
        return Ok(None);
    }
    let agent = held.instance.agents.iter().find(|one| Some(one.uid) == credential.agent);
    let at_work = held.vault.who_is_at_work(credential.uid)?;
    let fix = match at_work {
        Some(_) => at_work::WAIT.to_owned(),
        None => {
            let command = ways::command_of(&held.instance, credential);
            match waits {
                true => ways::out_of_others(&command, &open),
                false => ways::out_of(&command, &open),
            }
        }
    };
    Ok(Some(HalfDone {
        profile: credential.profile.clone(),
        agent: agent.map(|agent| agent.id.clone()),
        stage: open.stage,
        elsewhere,
        since: open.updated,
        at_work: at_work.map(|who| format!("another keyshoal{who}")),
        fix,
    }))
}
