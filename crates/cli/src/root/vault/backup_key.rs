//! Where the key of a backup is: none is ever made for one.

use super::KeyOptions;
use super::keys::{Words, words};
use std::path::PathBuf;

/// Where a backup's key is, if not where the backup says. One of them.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where the key is")]
#[group(multiple = false)]
pub struct BackupKey {
    /// The key file; it has to be there [default: where the backup says]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The passphrase, from a prompt or a descriptor
    #[arg(long)]
    pub passphrase: bool,
    /// A systemd credential: NAME for keyshoal-NAME
    #[arg(long, value_name = "NAME")]
    pub key_credential: Option<String>,
    /// The program that prints the key, and its arguments: a list in JSON, run without a shell
    #[arg(long, value_name = "[\"PROGRAM\",…]", value_parser = words)]
    pub key_command: Option<Words>,
}

impl BackupKey {
    /// Returns the same as what names a vault's key.
    pub fn options(&self) -> KeyOptions {
        KeyOptions {
            key_file: self.key_file.clone(),
            passphrase: self.passphrase,
            key_credential: self.key_credential.clone(),
            key_command: self.key_command.clone(),
        }
    }
}
