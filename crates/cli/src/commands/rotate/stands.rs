//! Where a rotation of the vault's stands.

use crate::error::CommandError;
use keyshoal_core::AgentId;
use keyshoal_core::vault::{VaultAgent, VaultCredential, VaultInstance, VersionState};
use keyshoal_engine::rotate::{Stage, State};
use keyshoal_vault::Rotation;

/// Reads what a rotation in the vault remembers.
pub fn state_of(open: &Rotation) -> Result<State, CommandError> {
    serde_json::from_str(&open.state)
        .map_err(|_| CommandError::internal(format!("what rotation {} remembers cannot be read", open.id)))
}

/// Reads where a rotation in the vault stands.
pub fn stage_of(open: &Rotation) -> Result<Stage, CommandError> {
    Stage::parse(&open.stage).ok_or_else(|| {
        CommandError::user(format!(
            "rotation {} stands at {}, which this version does not know",
            open.id, open.stage
        ))
        .hint("use the newest keyshoal")
    })
}

/// Tells whether nothing is left of it but that the version that is not current is retired.
pub fn only_waits(open: &Rotation) -> Result<bool, CommandError> {
    let state = state_of(open)?;
    Ok(Stage::parse(&open.stage).is_some_and(|stage| state.only_waits(stage)))
}

/// Tells whether a person has gone back, and the newer version is still at hand.
pub fn keeps_newer(open: &Rotation) -> bool {
    let state = state_of(open).unwrap_or_default();
    Stage::parse(&open.stage).is_some_and(|stage| state.keeps_newer(stage))
}

/// Reads both. Where another value was set since a person went back, the newer version is not at hand any more, and what was set since has
/// come through.
pub fn of(open: &Rotation, credential: &VaultCredential) -> Result<(Stage, State), CommandError> {
    let (stage, state) = (stage_of(open)?, state_of(open)?);
    let own = |since| state.proven.is_some_and(|proven| since <= proven);
    let newer = credential.versions.iter().find(|one| one.state == VersionState::Previous);
    match state.keeps_newer(stage) && !newer.is_some_and(|one| own(one.since)) {
        true => Ok((Stage::Proven, State { keeps: false, halted: None, ..state })),
        false => Ok((stage, state)),
    }
}

/// Takes those out of the waves whom the rotation is about no more: an agent that has been renamed, disabled or removed since, or has a value
/// of its own. One that has another id now gets it with everybody.
pub fn drop_who_left(
    state: &mut State,
    instance: &VaultInstance,
    credential: &VaultCredential,
    standing: &dyn Fn(&AgentId) -> bool,
) {
    let has_own = |agent: &VaultAgent| {
        let mut own = instance.credentials.iter().filter(|one| one.agent == Some(agent.uid));
        own.any(|one| one.profile == credential.profile && one.current().is_some())
    };
    let stays = |id: &AgentId| match instance.agents.iter().find(|agent| agent.id == *id) {
        Some(agent) => agent.enabled && !has_own(agent),
        None => standing(id),
    };
    let (mut waves, mut done) = (Vec::new(), 0);
    for (at, mut wave) in std::mem::take(&mut state.waves).into_iter().enumerate() {
        wave.agents.retain(|id| stays(id));
        if !wave.agents.is_empty() {
            done += usize::from(at < state.done);
            waves.push(wave);
        }
    }
    (state.waves, state.done) = (waves, done);
}
