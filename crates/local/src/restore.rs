//! Putting values of the journal back: rollback of a finished run, and recovery of one that did not finish.

mod recover;
mod rollback;

pub use recover::Direction;
pub use rollback::RollbackStep;

use crate::Installation;
use crate::change::image::Image;
use keyshoal_core::{Fingerprint, Fingerprints, ProfileId, StepState, StoreId};
use keyshoal_engine::ports::PortError;
use keyshoal_openclaw::store::{Edit, Refusal, StoreContents};

/// What came of one value that was to be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The step of the run.
    pub step: usize,
    /// The store.
    pub store: StoreId,
    /// The profile.
    pub profile: ProfileId,
    /// What stands there now, as intended; `None`: nothing.
    pub value: Option<Fingerprint>,
    /// How it went.
    pub state: StepState,
    /// It differs from what agents inherit now and is marked as a deliberate override: a person asked for it.
    pub kept: bool,
}

/// One value to put back.
struct Target {
    step: usize,
    store: StoreId,
    profile: ProfileId,
    /// What must stand there now; `None`: nothing.
    expect: Option<Fingerprint>,
    /// What shall stand there; `None`: nothing.
    image: Option<Image>,
    /// Reset an authentication cooldown as well.
    reset_cooldown: bool,
}

fn value_of(contents: &StoreContents, profile: &ProfileId, prints: &dyn Fingerprints) -> Option<Fingerprint> {
    contents.profiles.get(profile)?.material(prints).fingerprint()
}

impl Installation {
    /// Puts one value back, comparing under the store's lock.
    fn put_back(&self, target: &Target) -> Restored {
        let value =
            target.image.as_ref().and_then(|image| self.book.enter_kept(image.entry(), self.prints()));
        let mut restored = Restored {
            step: target.step,
            store: target.store.clone(),
            profile: target.profile.clone(),
            value,
            state: StepState::NotAsked,
            kept: false,
        };
        let file = self.seen().and_then(|seen| seen.stores.get(&target.store).map(|held| held.file.clone()));
        let Some(file) = file else {
            restored.state = StepState::Conflict { found: "the store is not there any more".into() };
            return restored;
        };
        let mut conflict = None;
        let written = file.update(&self.rules(), &mut |contents| {
            let found = value_of(contents, &target.profile, self.prints());
            if found != target.expect {
                conflict = Some(found.map_or_else(|| "nothing".to_owned(), |print| print.short()));
                return Ok::<_, Refusal>(Vec::new());
            }
            conflict = None;
            Ok(edits(target, found.is_some()))
        });
        restored.state = match (written, conflict) {
            (Err(error), _) => StepState::Failed { reason: error.to_string() },
            (Ok(_), Some(found)) => {
                StepState::Conflict { found: format!("{} holds {found}", target.profile) }
            }
            (Ok(written), None) if value_of(&written.contents, &target.profile, self.prints()) == value => {
                StepState::Done
            }
            (Ok(_), None) => StepState::Failed { reason: "written, but not there when read back".into() },
        };
        restored
    }

    /// Notes that what stands in the base store again stands there because a person wanted it: it is no source that fell back.
    fn learn_restored(&self, all: &[Restored]) -> Result<(), keyshoal_ledger::LedgerError> {
        let base = all.iter().filter(|one| one.store == StoreId::Base && one.state == StepState::Done);
        for one in base {
            if let Some(value) = one.value {
                self.ledger.confirm_generation(&one.profile, value, crate::clock::now())?;
            }
        }
        Ok(())
    }

    /// Looks again and makes sure that the store list is fresh.
    fn look_again(&self) -> Result<(), PortError> {
        keyshoal_engine::ports::Observe::observe(self).map(drop)
    }
}

fn edits(target: &Target, exists: bool) -> Vec<Edit> {
    let profile = target.profile.clone();
    let mut edits = match &target.image {
        Some(image) => vec![image.edit(&profile, exists)],
        None if exists => vec![Edit::Remove { profile: profile.clone() }],
        None => Vec::new(),
    };
    if target.reset_cooldown && target.image.is_some() {
        edits.push(Edit::ResetAuthCooldown { profile, explicit: true });
    }
    edits
}
