//! `keyshoal vault purge`: the values of versions that were retired long ago are forgotten.

use crate::commands::Context;
use crate::document::VaultDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::vault;
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_vault::KEPT_DAYS;

/// Arguments of `vault purge`.
#[derive(Clone, Debug, clap::Args)]
pub struct PurgeArgs {
    /// Those that have been retired for longer than this
    #[arg(long, value_name = "DAYS", default_value_t = KEPT_DAYS)]
    pub older_than: u16,
    /// Show what would be forgotten, forget nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
}

/// Shows what is to be forgotten, asks, and forgets it.
pub(super) fn purge(ui: &mut Ui, context: &Context<'_>, args: &PurgeArgs) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let now = keyshoal_local::clock::now();
    let expired = vault.expired(now, args.older_than)?;
    ui.data(&render::vault::expired(&expired, args.older_than, now));
    let document = VaultDocument::of("purge", vault.path());
    if args.dry_run {
        ui.document(&document.purged(&expired, false))?;
        return Ok(Outcome::attention_if(!expired.is_empty()));
    }
    if !expired.is_empty() && !args.yes {
        let question = "forget these values? They cannot be had again but from a backup";
        let answer = ui.ask(&[Text::of(question)], true)?;
        if answer != Some(Answer::Yes) {
            ui.say(&Text::of(match answer {
                Some(_) => "nothing was forgotten",
                None => "nothing was forgotten: nobody is there to ask. Agree with --yes",
            }));
            ui.document(&document.purged(&expired, false))?;
            return Ok(Outcome::attention_if(answer.is_none()));
        }
    }
    vault.forget_expired(&vault::author(context.world, Some("purge")), now, args.older_than)?;
    vault.compact()?;
    if !expired.is_empty() {
        ui.say(&Text::toned(Tone::Good, "✓ forgotten").plain("; nothing of it is in the file any more"));
    }
    ui.document(&document.purged(&expired, true))?;
    Ok(Outcome::Fine)
}
