//! Putting values of the journal back: rollback of a finished run, and recovery of one that did not finish.

mod config;
mod files;
mod recover;
mod rollback;

pub use files::{FileBack, RestoredFile};
pub use recover::{Direction, Recovered};
pub use rollback::RollbackStep;

use crate::Installation;
use crate::change::image::Image;
use keyshoal_core::{Fingerprint, Fingerprints, ProfileId, StepState, StoreHealth, StoreId};
use keyshoal_engine::ports::PortError;
use keyshoal_openclaw::store::{Edit, ReadStore, Refusal, StoreContents, StoredSecret};

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
    /// How many writes of other programs came in while its store was written, and were merged into it.
    pub merged_writes: u32,
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
    /// What that was when the journal took it.
    was: Option<Fingerprint>,
}

/// Why nobody can say what a store holds now.
enum Unknown {
    /// No agent has it any more.
    Gone,
    /// It cannot be read: why.
    Unreadable(String),
}

impl Unknown {
    /// How a step of such a store went. What cannot be read may be mended; what is gone does not come back.
    fn state(self) -> StepState {
        match self {
            Self::Gone => StepState::Conflict { found: "the store is not there any more".into() },
            Self::Unreadable(reason) => StepState::Failed { reason },
        }
    }
}

fn value_of(contents: &StoreContents, profile: &ProfileId, prints: &dyn Fingerprints) -> Option<Fingerprint> {
    contents.profiles.get(profile)?.material(prints).fingerprint()
}

impl Installation {
    /// Reads a store as it stands now. What cannot be read is never taken for an empty store.
    fn held_now(&self, store: &StoreId) -> Result<ReadStore, Unknown> {
        let file = self.seen().and_then(|seen| seen.stores.get(store).map(|held| held.file.clone()));
        let file = file.ok_or(Unknown::Gone)?;
        let unreadable = |reason: &str| {
            Unknown::Unreadable(format!("{} cannot be read: {reason}; mend it first", file.path().display()))
        };
        let read = file.read().map_err(|error| unreadable(&error.to_string()))?;
        match &read.health {
            StoreHealth::Unreadable(reason) => Err(unreadable(reason)),
            StoreHealth::NewerSchema { .. } => Err(unreadable("it is newer than Keyshoal knows")),
            StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => Ok(read),
        }
    }

    /// Puts one value back, comparing under the store's lock.
    fn put_back(&self, target: &Target) -> Restored {
        let value =
            target.image.as_ref().and_then(|image| self.book.enter_kept(image.entry(), self.prints()));
        let restored = |state| Restored {
            step: target.step,
            store: target.store.clone(),
            profile: target.profile.clone(),
            value,
            state,
            merged_writes: 0,
            kept: false,
        };
        let refers = target.image.as_ref().is_some_and(|image| matches!(image.secret, StoredSecret::Ref(_)));
        if refers && value != target.was {
            return restored(StepState::Skipped {
                reason: "it is a reference, and what it led to is in the file of secrets no more: only a vault can bring that back".into(),
            });
        }
        let seen = self.seen();
        let held = seen.as_ref().and_then(|seen| Some((seen, seen.stores.get(&target.store)?)));
        let Some((seen, held)) = held else { return restored(Unknown::Gone.state()) };
        if let Some(reason) = seen.observed.not_writable(&target.store) {
            let path = held.file.path().display();
            let reason = format!("{path} must not be written: {reason}; nothing was written");
            return restored(StepState::Failed { reason });
        }
        let mut conflict = None;
        let written = held.file.update(&self.rules(), &mut |contents| {
            let found = value_of(contents, &target.profile, self.prints());
            if found != target.expect {
                conflict = Some(found.map_or_else(|| "nothing".to_owned(), |print| print.short()));
                return Ok::<_, Refusal>(Vec::new());
            }
            conflict = None;
            Ok(self.edits(target, value, contents))
        });
        let stands = |contents: &StoreContents| {
            let kind = |image: &Image| {
                contents.profiles.get(&target.profile).is_some_and(|stored| stored.kind == image.kind)
            };
            value_of(contents, &target.profile, self.prints()) == value
                && target.image.as_ref().is_none_or(kind)
        };
        let merged_writes = written.as_ref().map_or(0, |written| written.merged_late_writes);
        let state = match (written, conflict) {
            (Err(error), _) => StepState::Failed { reason: error.to_string() },
            (Ok(_), Some(found)) => {
                StepState::Conflict { found: format!("{} holds {found}", target.profile) }
            }
            (Ok(written), None) if stands(&written.contents) => StepState::Done,
            (Ok(_), None) => StepState::Failed { reason: "written, but not there when read back".into() },
        };
        Restored { merged_writes, ..restored(state) }
    }

    /// The edits of one value, and of the mark that the value which goes has earned.
    fn edits(&self, target: &Target, value: Option<Fingerprint>, contents: &StoreContents) -> Vec<Edit> {
        let profile = target.profile.clone();
        let now = contents.profiles.get(&profile);
        let mut edits = match (&target.image, now) {
            (Some(image), now) => vec![image.edit(&profile, now)],
            (None, Some(_)) => vec![Edit::Remove { profile: profile.clone() }],
            (None, None) => return Vec::new(),
        };
        if self.options.guards.reset_cooldowns && target.expect != value {
            // Where the store keeps a profile of its own, the owner's mark must not leak in.
            let own = target.image.is_some() && target.store != StoreId::Base;
            let explicit = own && self.marked_in_base().contains(&profile);
            edits.push(Edit::ResetAuthCooldown { profile, explicit });
        }
        edits
    }

    /// Agents that inherit what was put back have earned their marks with what it replaced.
    fn release_inheriting_restored(&self, all: &[Restored]) {
        let base = all.iter().filter(|one| one.store == StoreId::Base && one.state == StepState::Done);
        self.release_inheriting(&base.map(|one| one.profile.clone()).collect());
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
