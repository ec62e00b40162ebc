//! Rotations that halted, or whose process ended, for whoever asks how things stand.

use super::{at_work, stands, ways};
use crate::commands::flow::credentials_of;
use crate::error::CommandError;
use crate::root::holdings::Held;
use crate::view::rotations::HalfDone;
use keyshoal_core::vault::VaultCredential;
use keyshoal_vault::Rotation;

/// Returns those of an instance. One that is proven, or that a person took back everywhere, is done, but for its grace time.
pub fn half_done(held: &Held) -> Result<Vec<HalfDone>, CommandError> {
    let mut found = Vec::new();
    for open in held.vault.open_rotations(&held.instance.id)? {
        // One of a credential that was taken back has nothing to go on with.
        if let Some(credential) = credentials_of(&held.instance).find(|one| one.uid == open.credential) {
            found.extend(half(held, credential, open)?);
        }
    }
    Ok(found)
}

/// Refuses what would change a credential by itself while a rotation of it is half done.
pub fn refuse_half_done(held: &Held, credential: &VaultCredential) -> Result<(), CommandError> {
    let open = held.vault.open_rotations(&held.instance.id)?.into_iter();
    for open in open.filter(|open| open.credential == credential.uid) {
        if let Some(half) = half(held, credential, open)? {
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

fn half(held: &Held, credential: &VaultCredential, open: Rotation) -> Result<Option<HalfDone>, CommandError> {
    if stands::only_waits(&open)? {
        return Ok(None);
    }
    let agent = held.instance.agents.iter().find(|one| Some(one.uid) == credential.agent);
    let at_work = held.vault.who_is_at_work(credential.uid)?;
    let fix = match at_work {
        Some(_) => at_work::WAIT.to_owned(),
        None => ways::out_of(&ways::command_of(&held.instance, credential), &open),
    };
    Ok(Some(HalfDone {
        profile: credential.profile.clone(),
        agent: agent.map(|agent| agent.id.clone()),
        stage: open.stage,
        since: open.updated,
        at_work: at_work.map(|who| format!("another keyshoal{who}")),
        fix,
    }))
}
