//! Being stopped (Ctrl-C) in the midst of a rotation: where it stands is said, and the ways out.
//!
//! The process ends at once, as it would without this: a rotation is safe wherever its process ends, and a provider that is waited for
//! would keep a person waiting, too.

use super::ways;
use crate::commands::signals;
use crate::error::CommandError;
use crate::exit;
use crate::ui::{self, Ui};
use keyshoal_core::InstanceId;
use keyshoal_core::vault::CredentialUid;
use keyshoal_vault::Vault;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::signal::unix::SignalKind;

/// Answers to signals from now on.
#[derive(Clone, Default)]
pub struct Stop(Arc<Mutex<Option<Known>>>);

/// What is worked on.
struct Known {
    vault: Arc<Vault>,
    instance: InstanceId,
    credential: CredentialUid,
}

impl Stop {
    /// Begins to listen, before anybody is asked for anything.
    pub fn listen(ui: &Ui) -> Result<Self, CommandError> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let flag = signals::flag_on(&kinds)?;
        let (stop, mut voice) = (Self::default(), ui.beside());
        let told = stop.clone();
        std::thread::spawn(move || {
            let signal = flag.wait();
            ui::restore_terminal();
            voice.leave_progress();
            let result = Err(CommandError { signal: Some(signal), ..told.error() });
            if let Err(error) = &result {
                voice.error(error);
            }
            let _ = voice.finish();
            std::process::exit(exit::of(&result).into());
        });
        Ok(stop)
    }

    /// Says from now on where the rotation of this credential stands.
    pub fn knows(&self, vault: &Arc<Vault>, instance: &InstanceId, credential: CredentialUid) {
        let known = Known { vault: Arc::clone(vault), instance: instance.clone(), credential };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    fn error(&self) -> CommandError {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.as_ref().map(Known::error) {
            Some(Ok(error)) => error,
            Some(Err(error)) => CommandError::user(format!("stopped; {}", error.message))
                .hint("keyshoal status   says how things stand"),
            None => CommandError::user("stopped; nothing was changed"),
        }
    }
}

impl Known {
    fn error(&self) -> Result<CommandError, CommandError> {
        let instance = self.vault.instance(&self.instance)?;
        let credential = instance.credentials.iter().find(|one| one.uid == self.credential);
        let command = credential.map(|one| ways::command_of(&instance, one)).unwrap_or_default();
        let all = self.vault.open_rotations(&self.instance)?;
        let open = all.iter().find(|one| one.credential == self.credential);
        Ok(match open {
            Some(open) => CommandError::user(format!("stopped; {}", ways::stands(&open.stage)))
                .hint(ways::out_of(&command, open)),
            None => CommandError::user("stopped; no rotation of it is under way"),
        })
    }
}
