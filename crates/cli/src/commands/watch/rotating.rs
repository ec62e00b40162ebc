//! Rotations of the vault that are half done, as a watch is told of them.

use crate::commands::rotate::half_done;
use crate::error::CommandError;
use crate::root::holdings::Held;
use crate::view::rotations::HalfDone;
use keyshoal_core::InstanceId;
use keyshoal_engine::watch::HalfRotated;
use keyshoal_vault::Vault;
use std::sync::Arc;

/// Looks them up in the vault, again and again.
pub struct Rotating {
    vault: Arc<Vault>,
    instance: InstanceId,
    last: Vec<HalfDone>,
}

impl Rotating {
    /// Makes it for an installation that has a vault.
    pub fn of(held: &Held) -> Self {
        Self { vault: Arc::clone(&held.vault), instance: held.instance.id.clone(), last: Vec::new() }
    }

    /// Returns those that are half done now. Where the vault cannot be read for once, those of before: a look says that it cannot.
    pub fn now(&mut self) -> &[HalfDone] {
        if let Ok(now) = self.read() {
            self.last = now;
        }
        &self.last
    }

    /// Tells whether another process works on one of them now. Between two of its steps the vault is ahead of the stores.
    pub fn is_worked_on(&self) -> bool {
        self.read().is_ok_and(|all| all.iter().any(|one| one.at_work.is_some()))
    }

    fn read(&self) -> Result<Vec<HalfDone>, CommandError> {
        let instance = self.vault.instance(&self.instance)?;
        half_done(&Held { vault: Arc::clone(&self.vault), instance })
    }
}

/// Returns one as the engine tells of it.
pub fn told(one: &HalfDone) -> HalfRotated {
    HalfRotated {
        profile: one.profile.clone(),
        agent: one.agent.clone(),
        stage: one.stands(),
        at_work: one.at_work.clone(),
        fix: one.fix.clone(),
    }
}
