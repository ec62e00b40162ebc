//! An import that broke off: what it had made is taken back before another begins, unless somebody has changed it since.

use super::{changed, place};
use crate::commands::Context;
use crate::commands::import::ImportArgs;
use crate::error::CommandError;
use crate::root::{Target, vault};
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::InstanceId;
use keyshoal_core::vault::VaultInstance;
use keyshoal_vault::{Author, Vault, VaultError};
use std::path::Path;

/// Takes an instance out of the vault.
pub fn forget(vault: &Vault, id: &InstanceId, author: &Author) -> Result<(), VaultError> {
    let found = vault.instance(id)?;
    vault.remove_instance(id, found.revision, author, keyshoal_local::clock::now())
}

/// Returns what the vault has of an import.
fn in_vault(target: &Target, vault: Option<&Vault>) -> Result<Option<VaultInstance>, VaultError> {
    let (Some(vault), Some(entry)) = (vault, target.entry()) else { return Ok(None) };
    Ok(vault.instances()?.into_iter().find(|one| one.id == entry.instance))
}

/// What an import left that broke off in the directory where this one goes. No other import is at work there meanwhile.
pub struct Broken {
    target: Target,
    /// What the vault has of it.
    instance: Option<VaultInstance>,
}

impl Broken {
    /// Finds it. Refused where others have changed something of it since: that would be lost.
    pub fn find(
        context: &Context<'_>,
        args: &ImportArgs,
        vault: Option<&Vault>,
    ) -> Result<Option<Self>, CommandError> {
        let dir = place::wanted(&context.world.environment, context.globals.state_dir.as_deref())?;
        let Some(target) = Target::broken(&dir)? else { return Ok(None) };
        let instance = in_vault(&target, vault)?;
        let broken = Self { target, instance };
        // A vault that did not open is no obstacle to a preview, which has said so.
        let unknown = vault.is_none() && args.dry_run && vault::has_vault(context.world, context.globals)?;
        if !unknown {
            broken.require_unchanged(context, vault)?;
        }
        Ok(Some(broken))
    }

    /// Returns the state directory.
    pub fn dir(&self) -> &Path {
        self.target.dir()
    }

    /// Tells whether an instance of the vault is this one.
    pub fn is_of(&self, instance: &VaultInstance) -> bool {
        self.instance.as_ref().is_some_and(|own| own.id == instance.id)
    }

    /// Returns what the vault calls it, where it has it.
    pub fn name(&self) -> Option<&str> {
        self.instance.as_ref().map(|instance| instance.name.as_str())
    }

    /// Says what is removed before anything is made.
    pub fn said(&self) -> Text {
        let in_vault = self.name().map(|name| format!(", and {name} in the vault")).unwrap_or_default();
        Text::toned(Tone::Doubt, "! ").plain(format!(
            "an import into {} broke off: this one begins by removing what that had made there{in_vault}",
            self.dir().display()
        ))
    }

    /// Removes it, from the vault first.
    pub fn remove(
        mut self,
        ui: &mut Ui,
        context: &Context<'_>,
        vault: Option<&Vault>,
    ) -> Result<(), CommandError> {
        // From here on nothing else is at work there: what has come while it was shown counts as well.
        let reserved = changed::reserve(context, &self.target, self.instance.as_ref())?;
        self.instance = in_vault(&self.target, vault)?;
        self.require_unchanged(context, vault)?;
        self.target.goes()?;
        if let (Some(vault), Some(instance)) = (vault, &self.instance) {
            let author = vault::author(context.world, Some("an import that broke off"));
            let now = keyshoal_local::clock::now();
            vault.remove_instance(&instance.id, instance.revision, &author, now)?;
        }
        let dir = self.dir().display().to_string();
        let left = self.target.undo();
        drop(reserved);
        if !left.is_empty() {
            return Err(CommandError::io(format!(
                "what an import left cannot be removed: {}",
                left.join("; ")
            )));
        }
        ui.say(&Text::of(format!("what an import that broke off had made in {dir} was removed")));
        Ok(())
    }

    fn require_unchanged(&self, context: &Context<'_>, vault: Option<&Vault>) -> Result<(), CommandError> {
        let refused = |what: &str| {
            let mut error = CommandError::user(format!(
                "an import into {} broke off, and nothing of it is removed: {what}",
                self.dir().display()
            ));
            error.hints = self.ways();
            error
        };
        if let Some(strange) = self.target.strange()? {
            return Err(refused(&format!("something has been at work there since ({strange})")));
        }
        let cannot_tell = |error: CommandError| {
            let mut made =
                refused(&format!("what was changed there since cannot be told: {}", error.message));
            if !error.hints.is_empty() {
                made.hints = error.hints;
            }
            made
        };
        let found = changed::since(context, &self.target, self.instance.as_ref(), vault);
        match found.map_err(cannot_tell)? {
            all if all.is_empty() => Ok(()),
            all => Err(refused(&format!("this was changed since: {}", all.join("; ")))),
        }
    }

    /// Says how what is there is kept, and how to begin anew all the same.
    fn ways(&self) -> Vec<String> {
        let mark = self.target.path();
        let keep = match (&self.instance, self.target.is_left_to_sync()) {
            (Some(_), true) => {
                "keep it: keyshoal sync   brings what is missing, and ends the import once nothing else needs attention".to_owned()
            }
            // Loopback, the token and logins are what only an import brings.
            (Some(_), false) => format!(
                "keep it: see to gateway.bind and gateway.auth in its config, which the import may not have set, and sign in where a login is missing; then remove {}, and keyshoal sync",
                mark.display()
            ),
            (None, _) => format!("keep it: remove {}, then keyshoal instance add", mark.display()),
        };
        let first = self.name().map(|name| format!("keyshoal instance remove {name}, then "));
        let anew = format!(
            "begin anew, and lose it: {}move {} aside, and import again",
            first.unwrap_or_default(),
            self.dir().display()
        );
        vec![keep, anew]
    }
}
