//! The way back: the version pointer is turned back, and every agent gets what the vault wants then.

use super::proof::{still_new, unfinished};
use super::{Ended, Event, Going, Pointer, RotateError, Rotation, Stage};
use crate::ports::Ports;
use std::collections::BTreeSet;

/// Has a rotation go back, and returns what becomes of the version pointer. It is over once every agent is known to be back; where no agent
/// was given anything, at once.
pub(super) fn turn_back(rotation: &mut Rotation, why: &str) -> Pointer {
    let pointer = match rotation.stage {
        Stage::Staged | Stage::Tested | Stage::Publishing => Pointer::Unstage,
        Stage::Published | Stage::Proven => Pointer::RollBack,
        Stage::Finished | Stage::RolledBack => Pointer::Stays,
    };
    rotation.state.going_back = rotation.stage > Stage::Tested;
    rotation.state.halted = Some(why.to_owned());
    rotation.state.agents.clear();
    rotation.stage = Stage::RolledBack;
    pointer
}

impl<P: Ports + ?Sized> Going<'_, '_, P> {
    /// Turns the version pointer back, and brings every agent to what the vault wants then.
    pub(super) fn back(&mut self, rotation: &mut Rotation, why: &str) -> Result<Ended, RotateError> {
        let before = rotation.clone();
        let pointer = turn_back(rotation, why);
        if let Err(error) = self.book.step(rotation, pointer) {
            *rotation = before;
            return Err(error.into());
        }
        (self.tell)(Event::Step(rotation));
        self.come_back(rotation)
    }

    /// Brings every agent to what the vault wants, now that the pointer is turned back.
    pub(super) fn come_back(&mut self, rotation: &mut Rotation) -> Result<Ended, RotateError> {
        let why = rotation.state.halted.clone().unwrap_or_else(|| "it was given up".to_owned());
        if !rotation.state.going_back {
            return Ok(Ended::RolledBack { why, asked: rotation.is_asked_back(), clean: true });
        }
        let report = self.sync(rotation, &BTreeSet::new())?;
        let behind = still_new(&report, rotation);
        let clean = unfinished(&report).is_none() && behind.is_empty();
        self.report.failures.extend(behind);
        self.report.runs.push(report);
        if clean {
            rotation.state.going_back = false;
            self.step(rotation, Stage::RolledBack, Pointer::Stays)?;
        }
        Ok(Ended::RolledBack { why, asked: rotation.is_asked_back(), clean })
    }
}
