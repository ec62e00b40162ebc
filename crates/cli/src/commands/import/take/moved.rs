//! Logins that move here: into their stores, once, before anything else of the vault's is written there.

use super::Made;
use crate::error::CommandError;
use crate::root::Target;
use keyshoal_local::Installation;
use keyshoal_local::moved::Login;
use keyshoal_transfer::preview::Moving;

/// Writes them, and notes which of them no store here can have. The mark of the target has them before any store does.
pub fn move_in(
    installation: &Installation,
    moving: &Moving,
    target: &mut Target,
    made: &mut Made,
) -> Result<(), CommandError> {
    let logins: Vec<Login<'_>> = moving
        .logins
        .iter()
        .map(|one| Login { agent: one.agent.as_ref(), profile: &one.profile, entry: &one.entry })
        .collect();
    if !logins.is_empty() {
        target.will_hold(&installation.prints_of(&logins)?)?;
    }
    let done = installation.move_in(&logins)?;
    if !logins.is_empty() {
        target.leave_to_sync()?;
    }
    made.logins = done.iter().filter(|why| why.is_none()).count();
    let refused =
        moving.logins.iter().zip(done).filter_map(|(login, why)| Some(format!("{login}: {}", why?)));
    let left = moving.left.iter().cloned().chain(refused);
    made.notes.extend(left.map(|why| format!("no store here has the login {why}")));
    Ok(())
}
