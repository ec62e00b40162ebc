//! Rotations that halted, or whose process ended, for whoever asks how things stand.

use super::ways;
use crate::commands::flow::credentials_of;
use crate::error::CommandError;
use crate::root::holdings::Held;
use crate::view::rotations::HalfDone;
use keyshoal_engine::rotate::Stage;

/// Returns those of an instance. One that is proven is done, but for its grace time.
pub fn half_done(held: &Held) -> Result<Vec<HalfDone>, CommandError> {
    let mut found = Vec::new();
    for open in held.vault.rotations(&held.instance.id)?.into_iter().filter(|one| one.finished.is_none()) {
        // One of a credential that was taken back has nothing to go on with.
        let Some(credential) = credentials_of(&held.instance).find(|one| one.uid == open.credential) else {
            continue;
        };
        if Stage::parse(&open.stage) == Some(Stage::Proven) {
            continue;
        }
        let agent = held.instance.agents.iter().find(|one| Some(one.uid) == credential.agent);
        let fix = ways::out_of(&ways::command_of(&held.instance, credential), &open);
        found.push(HalfDone {
            profile: credential.profile.clone(),
            agent: agent.map(|agent| agent.id.clone()),
            stage: open.stage,
            since: open.updated,
            fix,
        });
    }
    Ok(found)
}
