//! `keyshoal vault`: the vault as a whole.

mod keeping;
mod purge;
mod rekey;
mod repair;
mod tidy;

use super::Context;
use crate::document::VaultDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::locations;
use crate::root::vault::{self, BackupKey, KeyOptions};
use crate::ui::{Text, Tone, Ui};
use keyshoal_vault::Vault;
use std::path::PathBuf;
pub use tidy::{Tidier, tidy};

/// Arguments of `vault`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal vault init                                 a key file beside the other keys
  keyshoal vault init --passphrase                    a passphrase, asked for by every command
  keyshoal vault init --key-command '[\"pass\",\"show\",\"keyshoal/vault\"]'
  keyshoal vault status
  keyshoal vault backup /mnt/backup/vault-monday.backup
  keyshoal vault verify /mnt/backup/vault-monday.backup
  keyshoal vault restore /mnt/backup/vault-monday.backup
  keyshoal vault repair --dry-run
  keyshoal vault rekey --key-file ~/.config/keyshoal/vault-2.key

Everything secret in a vault is sealed; the key is never in it. Keep a copy of the key apart from the backups: without it
nothing opens.")]
pub struct VaultArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: VaultAction,
}

/// What `vault` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum VaultAction {
    /// Make a vault
    #[command(after_help = "\
Examples:
  keyshoal vault init
  keyshoal vault init --key-file /run/media/me/key/vault.key
  keyshoal vault init --passphrase
  keyshoal vault init --passphrase --passphrase-fd 3 3< FILE
  keyshoal vault init --key-credential vault          keyshoal-vault, handed over by systemd
  keyshoal vault init --key-command '[\"aws\",\"kms\",\"decrypt\",\"…\"]'")]
    Init {
        /// Where its key comes from.
        #[command(flatten)]
        key: KeyOptions,
    },
    /// Show what it holds and which keys it has
    #[command(after_help = "Examples:\n  keyshoal vault status\n  keyshoal vault status --json")]
    Status,
    /// Write a sealed copy into a file that is not there yet
    #[command(after_help = "Examples:\n  keyshoal vault backup /mnt/backup/vault-monday.backup")]
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Make a vault of a backup, where there is none
    #[command(after_help = "\
Examples:
  keyshoal vault restore /mnt/backup/vault-monday.backup
  keyshoal vault restore vault.backup --vault ./here/vault.sqlite --key-file ./here/vault.key")]
    Restore {
        /// The backup
        file: PathBuf,
        /// Where its key is, if not where the backup says.
        #[command(flatten)]
        key: BackupKey,
    },
    /// Open everything in memory and say what does not open
    #[command(after_help = "\
Examples:
  keyshoal vault verify                               the vault itself
  keyshoal vault verify /mnt/backup/vault-monday.backup")]
    Verify {
        /// A backup, instead of the vault itself
        file: Option<PathBuf>,
        /// Where a backup's key is, if not where the backup says.
        #[command(flatten)]
        key: BackupKey,
    },
    /// Mend what is damaged, by what is proven, a backup, or what the installation holds; leave the rest as it is
    #[command(after_help = "\
Examples:
  keyshoal vault repair --dry-run                     what is damaged, and where it can be had again
  keyshoal vault repair                               the same, then it asks
  keyshoal vault repair --from /mnt/backup/vault-monday.backup

Nothing whose seal or tag does not fit is taken for true. What a tag still proves is put back as it was; what it does not is made
anew of what this installation's agents hold. The damaged file is kept beside the vault, as sealed as it is.")]
    Repair(repair::RepairArgs),
    /// Forget the values of versions that were retired long ago, and make the file smaller by them
    #[command(after_help = "\
Examples:
  keyshoal vault purge --dry-run                      what would be forgotten
  keyshoal vault purge --older-than 0 --yes           every retired value, now

The same goes by itself, after thirty days, whenever a rotation ends and before a backup is made. Backups that were made before keep what
they hold.")]
    Purge(purge::PurgeArgs),
    /// Give it another key while it is in use; goes on where it was interrupted
    #[command(after_help = "\
Examples:
  keyshoal vault rekey --key-file ~/.config/keyshoal/vault-2.key
  keyshoal vault rekey --passphrase
  keyshoal vault rekey                                go on with one that was interrupted

The values stay as they are; what seals their keys is made anew. Backups that were made before open with the old key only.")]
    Rekey {
        /// Where the new key comes from.
        #[command(flatten)]
        key: KeyOptions,
        /// Read the new passphrase from this descriptor [default: a prompt]
        #[arg(long, value_name = "N")]
        new_passphrase_fd: Option<u32>,
    },
}

/// Does it.
pub fn cmd_vault(ui: &mut Ui, context: &Context<'_>, args: &VaultArgs) -> Result<Outcome, CommandError> {
    match &args.action {
        VaultAction::Init { key } => init(ui, context, key),
        VaultAction::Status => status(ui, context),
        VaultAction::Backup { file } => keeping::backup(ui, context, file),
        VaultAction::Restore { file, key } => keeping::restore(ui, context, file, &key.options()),
        VaultAction::Verify { file: None, key } if key.options().is_empty() => verify(ui, context),
        VaultAction::Verify { file: None, .. } => Err(CommandError::usage(
            "where the key comes from is said of a backup; the vault knows where its own is",
        )),
        VaultAction::Verify { file: Some(file), key } => keeping::verify(ui, context, file, &key.options()),
        VaultAction::Purge(args) => purge::purge(ui, context, args),
        VaultAction::Repair(args) => repair::repair(ui, context, args),
        VaultAction::Rekey { key, new_passphrase_fd } => rekey::rekey(ui, context, key, *new_passphrase_fd),
    }
}

fn init(ui: &mut Ui, context: &Context<'_>, options: &KeyOptions) -> Result<Outcome, CommandError> {
    let path = vault::vault_path(context.world, context.globals)?;
    if vault::has_vault(context.world, context.globals)? {
        // Before a key is made or asked for.
        return Err(CommandError::user(format!("{}: there is a vault already", path.display()))
            .hint("`keyshoal vault status` shows it; --vault names another place")
            .hint(format!(
                "where its key is lost for good, nothing opens it any more: mv {0} {0}.lost   makes room for a new one",
                path.display()
            )));
    }
    warn_of_roots(ui, context);
    let from = ("--passphrase-fd", context.globals.passphrase_fd);
    let first = vault::new_key(ui, context.world, context.globals, options, from)?;
    let now = keyshoal_local::clock::now();
    let made = Vault::create(&path, &first, &vault::author(context.world, None), now)?;
    ui.say(&Text::toned(Tone::Good, "✓ made ").plain(format!(
        "{}; its key: {}",
        path.display(),
        first.source
    )));
    ui.say(&Text::of("  keep a copy of the key apart from the backups: nothing else opens the vault"));
    ui.document(&VaultDocument::of("init", &path).status(&made.status()?))?;
    Ok(Outcome::Fine)
}

/// Says that it is root's own, where root makes one beside no installation: the installation's owner would not find it.
fn warn_of_roots(ui: &mut Ui, context: &Context<'_>) {
    if rustix::process::geteuid().is_root() && locations(context.world, context.globals).is_err() {
        ui.warn(
            "this vault is root's own, as no installation is to be found; for the one of another user name its state directory with --state-dir",
        );
    }
}

fn status(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let status = vault.status()?;
    ui.data(&render::vault::status(vault.path(), &status, keyshoal_local::clock::now()));
    ui.document(&VaultDocument::of("status", vault.path()).status(&status))?;
    Ok(Outcome::attention_if(status.rekey.is_some()))
}

fn verify(ui: &mut Ui, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let progress = ui.progress();
    progress.say("opening everything …");
    let found = vault.verify();
    drop(progress);
    let found = found?;
    ui.data(&render::vault::verified(&found));
    let ways_out: &[&str] = match (found.key_absent, found.problems.is_empty()) {
        (true, _) => &vault::KEY_ABSENT,
        (false, true) => &[],
        (false, false) => {
            &["keyshoal vault repair --dry-run   says of what is damaged where it can be had again"]
        }
    };
    ways_out.iter().for_each(|way| ui.say(&Text::of(format!("  {way}"))));
    ui.document(&VaultDocument::of("verify", vault.path()).verified(&found))?;
    Ok(Outcome::attention_if(!found.problems.is_empty()))
}
