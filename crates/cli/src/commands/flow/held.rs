//! What a change would have the vault want of the config where nothing of it can be edited.

use super::Flow;
use crate::error::CommandError;
use keyshoal_core::{ConfigHeld, HeldWhy};
use keyshoal_engine::ports::Observe as _;
use keyshoal_local::vaulted::Holdings;

impl Flow<'_> {
    /// Lets the installation hear what the vault would want. Refused where that would be more of what stands in files that the config
    /// includes: the vault would say one thing and OpenClaw do another, and a renamed agent would be nowhere.
    pub(super) fn hear(&self, hearing: &Holdings, meant: bool) -> Result<(), CommandError> {
        let before = if meant { self.left() } else { Vec::new() };
        self.installation.hold(hearing)?;
        let after = if meant { self.left() } else { Vec::new() };
        for held in after.iter().filter(|held| !before.contains(held)) {
            let HeldWhy::Included { place } = &held.why else { continue };
            let changes: Vec<String> =
                held.changes.iter().map(|one| format!("{} {}", one.path, one.what)).collect();
            return Err(CommandError::user(format!(
                "{place}: this stands in a file that the config includes, and Keyshoal edits nothing but the config itself; nothing was changed"
            ))
            .hint(format!("change it there by hand, then this again: {}", changes.join("; "))));
        }
        Ok(())
    }

    /// What is left so now. A config that cannot be read says so when it is looked at.
    fn left(&self) -> Vec<ConfigHeld> {
        match self.installation.config_edit() {
            Ok(_) => self.installation.config_held(),
            Err(_) => Vec::new(),
        }
    }
}
