//! The way back of a rotation of one installation, and whether a person wants it.

use super::RotateArgs;
use super::alone::{Alone, one, shown};
use super::book::{self, Part, VaultBook};
use crate::document::RotateDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Answer, Text, Ui};
use keyshoal_core::vault::VersionState;
use keyshoal_engine::rotate::{RotateOptions, Rotation, roll_back};
use keyshoal_local::Installation;

/// Gives a rotation up, or goes back to the version before.
pub fn back(
    ui: &mut Ui,
    alone: &Alone<'_>,
    open: Option<keyshoal_vault::Rotation>,
) -> Result<Outcome, CommandError> {
    let Alone { flow, credential, args, options, .. } = alone;
    if args.flow.dry_run {
        ui.data(&[Text::of(format!(
            "would bring {} back to the version before, everywhere",
            credential.profile
        ))]);
        ui.document(&RotateDocument::planned(&credential.profile, &[]))?;
        return Ok(Outcome::Attention);
    }
    let (vault, part) = (&flow.held.vault, Part::of(flow, credential));
    let (mut book, mut rotation) = one(match open {
        Some(open) => VaultBook::resume(vault, flow.author(), vec![(part, open)])?,
        None if credential.versions.iter().any(|one| one.state == VersionState::Previous) => {
            VaultBook::reopen(vault, flow.author(), part)?
        }
        None => {
            return Err(CommandError::user(format!(
                "{} has no version to go back to: the one before is retired, or there was none",
                credential.profile
            ))
            .hint(format!(
                "keyshoal credential show {}   lists the versions; a value that you have goes back to all by a rotation of its own",
                credential.profile
            )));
        }
    })?;
    if !agreed_to_old(ui, args, &flow.installation, &rotation)? {
        return Ok(Outcome::Attention);
    }
    let options = RotateOptions { offline: true, ..(*options).clone() };
    let (report, ended) = alone.doing(ui, &mut book, &mut rotation, |book, rotation, tell| {
        roll_back(&flow.installation, book, rotation, &options, tell)
    })?;
    shown(ui, &rotation, &report, &ended)
}

/// Tells whether a person wants a value back that is dead, as far as is remembered.
pub fn agreed_to_old(
    ui: &mut Ui,
    args: &RotateArgs,
    installation: &Installation,
    rotation: &Rotation,
) -> Result<bool, CommandError> {
    let Some(why) = book::death_of_old(installation, rotation)? else { return Ok(true) };
    ui.warn(&format!("the agents would fail with the value before: {why}"));
    if args.flow.yes || ui.ask(&[Text::of("go back to it all the same?")], false)? == Some(Answer::Yes) {
        return Ok(true);
    }
    ui.say(&Text::of("nothing was changed"));
    Ok(false)
}
