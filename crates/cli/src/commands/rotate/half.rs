//! Rotations that halted, or whose process ended, for whoever asks how things stand.

use super::book;
use crate::error::CommandError;
use crate::root::holdings::Held;
use crate::view::rotations::HalfDone;
use keyshoal_engine::rotate::Stage;

/// Returns those of an instance. One that is proven is done, but for its grace time.
pub fn half_done(held: &Held) -> Result<Vec<HalfDone>, CommandError> {
    let mut found = Vec::new();
    for open in held.vault.rotations(&held.instance.id)?.into_iter().filter(|one| one.finished.is_none()) {
        let stage = Stage::parse(&open.stage);
        let Some(credential) = held.instance.credentials.iter().find(|one| one.uid == open.credential) else {
            continue;
        };
        if stage == Some(Stage::Proven) {
            continue;
        }
        let agent = held.instance.agents.iter().find(|one| Some(one.uid) == credential.agent);
        let whose = agent.map(|agent| format!(" --agent {}", agent.id)).unwrap_or_default();
        let command = format!("keyshoal rotate {}{whose}", credential.profile);
        let with_others = with_others(&open);
        let fix = match stage {
            Some(Stage::RolledBack) => format!("{command} --resume   brings everybody back{with_others}"),
            _ => format!("{command} --resume   goes on, --rollback   gives it up{with_others}"),
        };
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

/// Says so where a rotation is one with those of other instances: it goes on, or back, with them.
pub fn with_others(open: &keyshoal_vault::Rotation) -> &'static str {
    match book::state_of(open).is_ok_and(|state| state.together.is_some()) {
        true => " (in all instances that rotate with this one)",
        false => "",
    }
}
