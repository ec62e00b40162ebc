//! What a rotation over several instances refuses before it begins.

use super::House;
use crate::commands::Context;
use crate::commands::rotate::RotateArgs;
use crate::error::CommandError;

/// Refuses what can be right for one gateway only: a token is shown to its own gateway, and to no other.
pub fn refuse_what_is_of_one(context: &Context<'_>, args: &RotateArgs) -> Result<(), CommandError> {
    let name = match (&context.globals.gateway_token_file, &args.flow.activate.restart_command) {
        (Some(_), _) => "--gateway-token-file",
        (None, Some(_)) => "--restart-command",
        (None, None) => return Ok(()),
    };
    Err(CommandError::usage(format!(
        "{name} is for one gateway, and this rotation is over several instances"
    ))
    .hint("leave it out: each gateway's token is found in its own config, and a reload needs no restart"))
}

/// Refuses to begin where nothing of it could be done from here.
pub fn require_somebody(houses: &[House<'_>]) -> Result<(), CommandError> {
    if houses.iter().any(|house| house.flow.is_ok()) {
        return Ok(());
    }
    let why = houses.iter().filter_map(|house| Some(format!("{}: {}", house.instance.name, house.away()?)));
    Err(CommandError::user(format!(
        "none of the instances can be reached from here: {}",
        why.collect::<Vec<_>>().join("; ")
    )))
}

/// Returns which instance comes first: the one that was named, else the first.
pub fn canary(houses: &[House<'_>], args: &RotateArgs) -> Result<usize, CommandError> {
    let name = match args.canary.as_slice() {
        [] => return Ok(0),
        [name] => name,
        _ => return Err(CommandError::usage("with --instances, --canary names one instance")),
    };
    let at = houses.iter().position(|house| house.instance.name == *name).ok_or_else(|| {
        CommandError::user(format!("{name:?} is none of the instances that rotate"))
            .hint("with --instances, --canary names the instance that comes first")
    })?;
    match houses[at].away() {
        None => Ok(at),
        Some(why) => Err(CommandError::user(format!("{name} cannot come first: {why}"))),
    }
}
