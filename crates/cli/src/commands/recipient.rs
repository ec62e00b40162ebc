//! `keyshoal recipient`: the key by which others seal payloads for this machine.

use super::Context;
use crate::document::RecipientDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root;
use crate::ui::{Text, Tone, Ui};
use keyshoal_seal::{KeyFile, keys};

/// Arguments of `recipient`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal recipient new       on the new machine: make the key, print its public half
  keyshoal export --recipient keyshoal-recipient-1-…      on the old one")]
pub struct RecipientArgs {
    /// What to do
    #[command(subcommand)]
    pub action: RecipientAction,
}

/// What to do.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum RecipientAction {
    /// Make this machine's key where there is none, and print its public half
    New,
    /// Print the public half of this machine's key
    Show,
}

/// Makes or reads the key.
pub fn cmd_recipient(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RecipientArgs,
) -> Result<Outcome, CommandError> {
    let dir = root::keys_dir_or_default(context.world, context.globals)?;
    let failed = |error: keyshoal_seal::KeyError| CommandError::io(error.to_string());
    let file: KeyFile = match args.action {
        RecipientAction::New => keys::load_or_create(&dir, keys::RECIPIENT).map_err(failed)?,
        RecipientAction::Show => keys::load(&dir, keys::RECIPIENT).map_err(failed)?.ok_or_else(|| {
            CommandError::user(format!("this machine has no key in {}", dir.display()))
                .hint("make one: keyshoal recipient new")
        })?,
    };
    let recipient = file.recipient_key().recipient();
    ui.data(&[Text::toned(Tone::Strong, recipient.to_string())]);
    ui.say(&Text::of("Others seal a payload with it; only this machine opens that. It is no secret."));
    ui.document(&RecipientDocument::of(&recipient, file.path()))?;
    Ok(Outcome::Fine)
}
