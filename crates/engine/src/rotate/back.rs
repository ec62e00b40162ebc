//! The way back: the version pointer is turned back, and every agent gets what the vault wants then.

use super::proof::unfinished;
use super::returned::{on_dead, still_new};
use super::strange::strange;
use super::{Ended, Event, Going, Pointer, RotateError, RotateOptions, Rotation, Stage};
use crate::look::Look;
use crate::ports::Ports;
use crate::progress::Progress;
use crate::trial::{Trial, try_value};
use keyshoal_core::{AgentId, Finding, ProfileId, Scope};
use std::collections::BTreeSet;

/// Has a rotation go back, and returns what becomes of the version pointer. It is over once every agent is known to be back; where no agent
/// was given anything, at once. A newer version that was current and that nobody found to fail is kept where that is wanted.
pub(super) fn turn_back(rotation: &mut Rotation, why: &str, keep: bool) -> Pointer {
    let pointer = match rotation.stage {
        Stage::Staged | Stage::Tested | Stage::Publishing => Pointer::Unstage,
        Stage::Published | Stage::Proven if keep => Pointer::Exchange,
        Stage::Published | Stage::Proven => Pointer::RollBack,
        Stage::Finished | Stage::RolledBack => Pointer::Stays,
    };
    rotation.state.going_back = rotation.stage > Stage::Tested;
    rotation.state.keeps = pointer == Pointer::Exchange;
    (rotation.state.proven, rotation.state.until) = (None, None);
    rotation.state.halted = Some(why.to_owned());
    rotation.state.agents.clear();
    rotation.stage = Stage::RolledBack;
    pointer
}

/// Has a rotation whose newer version is still at hand go forward to that again: it is the one that is current, and to be proven.
pub(super) fn turn_forward(rotation: &mut Rotation) -> Pointer {
    let state = &mut rotation.state;
    (state.keeps, state.halted, state.proven, state.until) = (false, None, None, None);
    state.failed = 0;
    state.failing.clear();
    state.untold.clear();
    rotation.stage = Stage::Published;
    Pointer::Exchange
}

/// Notes that a person wants the agents back of a rotation that went back by itself, and where somebody is not back yet: the value before is
/// then brought to them whatever its provider says of it. Tells whether that is news.
pub(super) fn insists(rotation: &mut Rotation, why: &str) -> bool {
    let news = why == super::ASKED && rotation.state.going_back && !rotation.is_asked_back();
    if news {
        rotation.state.halted = Some(why.to_owned());
    }
    news
}

/// Returns what needs attention of a profile, or of what one agent has alone of it.
pub fn found(look: &Look, profile: &ProfileId, agent: Option<&AgentId>) -> Vec<Finding> {
    let scope = Scope { agents: agent.into_iter().cloned().collect(), ..Scope::default() };
    let all = look.attention_within(&scope);
    all.filter(|one| one.profile.as_ref() == Some(profile)).cloned().collect()
}

/// Says how a rotation has ended whose agents are back.
pub(super) fn is_back(rotation: &Rotation) -> Ended {
    let why = rotation.state.halted.clone().unwrap_or_else(|| "it was given up".to_owned());
    let until = rotation.state.until.filter(|_| rotation.state.keeps);
    Ended::RolledBack { why, asked: rotation.is_asked_back(), clean: !rotation.state.going_back, until }
}

impl<P: Ports + ?Sized> Going<'_, '_, P> {
    /// Turns the version pointer back, and brings every agent to what the vault wants then.
    pub(super) fn back(&mut self, rotation: &mut Rotation, why: &str) -> Result<Ended, RotateError> {
        if rotation.stage.is_over() {
            // It is on the way, or there: the newer version is brought back by nobody who says this once more.
            if insists(rotation, why) {
                self.step(rotation, Stage::RolledBack, Pointer::Stays)?;
            }
            return self.come_back(rotation);
        }
        self.turn(rotation, |rotation| turn_back(rotation, why, why == super::ASKED))?;
        self.come_back(rotation)
    }

    /// Turns the version pointer one way or the other. Where the book refuses that, the rotation stays as it is.
    fn turn(
        &mut self,
        rotation: &mut Rotation,
        how: impl FnOnce(&mut Rotation) -> Pointer,
    ) -> Result<(), RotateError> {
        let before = rotation.clone();
        let pointer = how(rotation);
        if let Err(error) = self.book.step(rotation, pointer) {
            *rotation = before;
            return Err(error.into());
        }
        (self.tell)(Event::Step(rotation));
        Ok(())
    }

    /// Brings every agent to what the vault wants, now that the pointer is turned back. Where nothing is to be brought, it looks how they stand.
    pub(super) fn come_back(&mut self, rotation: &mut Rotation) -> Result<Ended, RotateError> {
        if !rotation.state.going_back {
            self.see(rotation);
            return self.wait(rotation);
        }
        self.ask_before(rotation)?;
        let report = self.sync(rotation, &BTreeSet::new())?;
        self.report.dead = on_dead(&report, rotation);
        self.report.strange = strange(&report.after, &rotation.profile, rotation.agent.as_ref());
        let behind = still_new(&report, rotation);
        let clean = unfinished(&report).is_none() && behind.is_empty();
        self.report.fail(behind);
        self.report.runs.push(report);
        if clean {
            let state = &mut rotation.state;
            state.going_back = false;
            if state.keeps {
                let now = self.ports.now();
                let until = state.ends(self.options, now);
                state.ends_at(until, now);
            }
            self.step(rotation, Stage::RolledBack, Pointer::Stays)?;
        }
        self.wait(rotation)
    }

    /// Looks what of the profile needs attention in the stores: that something is over in the vault says nothing of them. Whether they can be
    /// read is no condition.
    pub(super) fn see(&mut self, rotation: &Rotation) {
        match self.look() {
            Ok(look) => self.report.found = found(&look, &rotation.profile, rotation.agent.as_ref()),
            Err(error) => self.report.unseen = Some(error.to_string()),
        }
    }

    /// Asks about the version before, where nobody has said that it is wanted whatever its provider says: a value that is dead is not brought
    /// back, and whoever is on it is named. Whether anybody answers is no condition of the way back.
    fn ask_before(&mut self, rotation: &Rotation) -> Result<(), RotateError> {
        if let Some(old) = rotation.old
            && !self.options.offline
            && !rotation.is_asked_back()
        {
            let observed = self.observed()?;
            (self.tell)(Event::Progress(Progress::Asking { questions: 1 }));
            try_value(self.ports, &observed, &Trial { fingerprint: old, ..Trial::of(rotation) })?;
        }
        Ok(())
    }

    /// Brings the newer version to every agent again.
    pub(super) fn forward(&mut self, rotation: &mut Rotation) -> Result<Ended, RotateError> {
        self.turn(rotation, turn_forward)?;
        self.on(rotation)
    }

    /// Retires the newer version once its time is over. Of several instances, that is decided for all.
    fn wait(&mut self, rotation: &mut Rotation) -> Result<Ended, RotateError> {
        let Some(until) = rotation.state.waits_until(rotation.stage, self.options) else {
            return Ok(is_back(rotation));
        };
        if rotation.state.together.is_some() {
            return Ok(is_back(rotation));
        }
        if self.ports.now() < until {
            let proven = rotation.state.proven.unwrap_or(until);
            if rotation.state.ends_at(until, proven) {
                self.step(rotation, Stage::RolledBack, Pointer::Stays)?;
            }
            return Ok(is_back(rotation));
        }
        rotation.state.keeps = false;
        self.step(rotation, Stage::RolledBack, Pointer::RetirePrevious)?;
        Ok(is_back(rotation))
    }
}

impl super::State {
    /// Says until when the newer version stays at hand, where a person has gone back and nothing else is left.
    pub(super) fn waits_until(
        &self,
        stage: Stage,
        options: &RotateOptions,
    ) -> Option<keyshoal_core::Timestamp> {
        let proven = self.proven.filter(|_| self.keeps_newer(stage))?;
        Some(self.ends(options, proven))
    }
}
