//! What is over in a vault goes by itself, where a command comes by that may write there.

use crate::commands::rotate;
use crate::root::holdings::Held;
use crate::ui::{Text, Ui};
use jiff::SignedDuration;
use keyshoal_core::{InstanceId, Timestamp};
use keyshoal_vault::{Author, KEPT_DAYS, Vault};
use std::sync::Arc;

/// Who stays comes by so often.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Retires values whose grace time is over, and forgets those that were retired long ago. That this does not succeed is said, and hinders
/// nothing.
pub fn tidy(ui: &mut Ui, vault: &Vault, instance: &InstanceId, author: &Author) {
    match rotate::retire(vault, instance, author, keyshoal_local::clock::now()) {
        Ok(retired) => {
            for profile in retired {
                ui.say(&Text::of(format!(
                    "{profile}: the value before is retired, its grace time is over (credential restore brings it back, for {KEPT_DAYS} days)"
                )));
            }
        }
        Err(error) => ui.warn(&format!("a value whose grace time is over is still kept: {}", error.message)),
    }
    forget(ui, vault, author);
}

/// Only forgets.
pub fn forget(ui: &mut Ui, vault: &Vault, author: &Author) {
    if let Err(error) = vault.forget_expired(author, keyshoal_local::clock::now(), KEPT_DAYS) {
        ui.warn(&format!("values that were retired long ago are still kept: {error}"));
    }
}

/// Does the same again and again, for who stays.
pub struct Tidier {
    vault: Arc<Vault>,
    instance: InstanceId,
    author: Author,
    last: Option<Timestamp>,
}

impl Tidier {
    /// Tidies this vault.
    pub fn new(held: &Held, author: Author) -> Self {
        Self { vault: Arc::clone(&held.vault), instance: held.instance.id.clone(), author, last: None }
    }

    /// Comes by.
    pub fn come_by(&mut self, ui: &mut Ui, now: Timestamp) {
        if self.last.is_none_or(|last| now.duration_since(last) >= EVERY) {
            self.last = Some(now);
            tidy(ui, &self.vault, &self.instance, &self.author);
        }
    }
}
