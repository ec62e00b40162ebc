//! The ways out of a rotation that is not over, in one place.

use super::book::VaultBook;
use super::stands;
use crate::error::CommandError;
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_core::{AgentId, ProfileId};
use keyshoal_engine::rotate::Stage;

/// Returns the command that works on a rotation.
pub fn command(profile: &ProfileId, agent: Option<&AgentId>) -> String {
    let whose = agent.map(|agent| format!(" --agent {agent}")).unwrap_or_default();
    format!("keyshoal rotate {profile}{whose}")
}

/// Returns the command that works on the rotation that an instance has with others.
pub fn command_there(profile: &str, name: &str) -> String {
    let plain = |one: char| one.is_alphanumeric() || "-_./".contains(one);
    match name.chars().all(plain) {
        true => format!("keyshoal rotate {profile} --instances {name}"),
        // As a shell takes it for one word.
        false => format!("keyshoal rotate {profile} --instances '{}'", name.replace('\'', "'\\''")),
    }
}

/// Returns the command that works on the rotation of a credential.
pub fn command_of(instance: &VaultInstance, credential: &VaultCredential) -> String {
    let agent = instance.agents.iter().find(|agent| Some(agent.uid) == credential.agent);
    command(&credential.profile, agent.map(|agent| &agent.id))
}

/// Says how to go on and how to go back from where a rotation stands that is not over.
pub fn out(command: &str, stage: Option<Stage>) -> String {
    match stage {
        Some(Stage::Proven) => {
            format!("{command} --finish   retires the value before, --rollback   goes back to it")
        }
        Some(Stage::RolledBack) => format!(
            "{command} --resume   brings everybody back, --rollback   also where the provider rejects the value before"
        ),
        _ => format!("{command} --resume   goes on, --rollback   gives it up"),
    }
}

/// Says how to go on where a person went back, and the newer value is at hand.
pub fn out_newer(command: &str) -> String {
    format!("{command} --resume   goes forward to the newer value again, --finish   retires that one")
}

/// Says it of one that was found in the vault.
pub fn out_of(command: &str, open: &keyshoal_vault::Rotation) -> String {
    let out = match stands::keeps_newer(open) {
        true => out_newer(command),
        false => out(command, Stage::parse(&open.stage)),
    };
    format!("{out}{}", with_others(open))
}

/// Says it of one that has come through here, or is back, and is not in other instances that it is one with.
pub fn out_of_others(command: &str, open: &keyshoal_vault::Rotation) -> String {
    let back = Stage::parse(&open.stage).filter(|stage| *stage == Stage::RolledBack);
    format!("{}{}", out(command, back), with_others(open))
}

/// Says so where a rotation is one with those of other instances: it goes on, or back, with them.
pub fn with_others(open: &keyshoal_vault::Rotation) -> &'static str {
    match stands::state_of(open).is_ok_and(|state| state.together.is_some()) {
        true => " (in all instances that rotate with this one)",
        false => "",
    }
}

/// Says where a rotation stands.
pub fn stands(stage: &str) -> String {
    format!("the rotation stands at {}", stage.replace('_', " "))
}

/// Adds where a rotation stands that could not go on. Where another process has taken it on meanwhile, that is the whole truth.
pub fn add(error: CommandError, book: &VaultBook<'_>, command: &str, stage: Stage) -> CommandError {
    if let Some(found) = book.taken_on() {
        return taken_on(command, &found);
    }
    match stage.is_over() {
        true => error,
        false => error.hint(format!("{}: {}", stands(stage.as_str()), out(command, Some(stage)))),
    }
}

fn taken_on(command: &str, found: &keyshoal_vault::Rotation) -> CommandError {
    let what = command.trim_start_matches("keyshoal rotate ");
    let said = match (Stage::parse(&found.stage), found.finished) {
        (Some(Stage::RolledBack), _) => "has given it up",
        (_, Some(_)) => "has finished it",
        (_, None) => "has taken it on",
    };
    let made =
        CommandError::user(format!("{what}: another keyshoal {said} meanwhile, so this one stops here"));
    let made = match found.finished {
        Some(_) => made,
        None => made.hint(format!("{}: {}", stands(&found.stage), out_of(command, found))),
    };
    made.hint("keyshoal status   says what the agents hold now")
}
