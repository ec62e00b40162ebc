//! Where a rotation of the vault's stands.

use crate::error::CommandError;
use keyshoal_core::vault::{VaultCredential, VersionState};
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
