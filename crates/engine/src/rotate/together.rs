//! One new value for several instances: instance by instance in waves, each in its own waves, with one gate and one way back for all.
//!
//! Nothing here assumes that all of them are on this machine. One that cannot be reached is left as it stands and never counts as proven;
//! whoever reaches it goes on there. What concerns all is written down in one step: that all go back, and that all are finished.

mod waits;

use super::values::ASKED;
use super::{
    Book, Ended, Event, Going, Pointer, RotateError, RotateOptions, RotateReport, Rotation, Stage, insists,
    turn_back,
};
use crate::ports::{PortError, Ports};
use crate::set::SetError;
use crate::trial::{Trial, asked_at, require_accepted, try_value};
use keyshoal_core::{Endpoint, Timestamp};
use std::collections::BTreeSet;
pub use waits::go_forward_together;

/// One of the instances.
pub struct Member<'a, P: ?Sized> {
    /// What people call it.
    pub name: String,
    /// Its installation, or why it cannot be reached from here.
    pub ports: Result<&'a P, String>,
    /// Where its rotation stands.
    pub rotation: Rotation,
    /// What was done there.
    pub report: RotateReport,
    /// How it ended there for now; `None` where nothing was done.
    pub ended: Option<Ended>,
}

/// Where the rotations of several instances are written down.
pub trait Books {
    /// Writes a step of each of these members down, all or none.
    fn step(&mut self, steps: &[(usize, &Rotation, Pointer)]) -> Result<(), PortError>;
}

/// The book of one of them.
struct One<'b> {
    books: &'b mut dyn Books,
    at: usize,
}

impl Book for One<'_> {
    fn step(&mut self, rotation: &Rotation, pointer: Pointer) -> Result<(), PortError> {
        self.books.step(&[(self.at, rotation, pointer)])
    }
}

/// Goes on from where they stand, as far as it goes.
pub fn rotate_together<P: Ports + ?Sized>(
    members: &mut [Member<'_, P>],
    books: &mut dyn Books,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Ended, RotateError> {
    let mut all = All { members, books, options, tell };
    if all.any(|stage| stage == Stage::RolledBack) {
        let why = all.members.iter().find_map(|one| one.rotation.state.halted.clone());
        return all.come_back(why.unwrap_or_else(|| "it was given up".to_owned()));
    }
    if let Some(ended) = all.test()? {
        return Ok(ended);
    }
    let last = all.members.iter().map(Member::wave).max().unwrap_or(0);
    for wave in 0..=last {
        if let Some(ended) = all.wave(wave, last + 1)? {
            return Ok(ended);
        }
        if all.members.iter().any(|one| one.wave() == wave && one.is_unproven_elsewhere()) {
            // The waves after it wait for whoever reaches it.
            break;
        }
    }
    all.finish()
}

/// Gives it up in all of them, wherever each stands, and brings every agent back.
pub fn roll_back_together<P: Ports + ?Sized>(
    members: &mut [Member<'_, P>],
    books: &mut dyn Books,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Ended, RotateError> {
    All { members, books, options, tell }.back(ASKED)
}

impl<P: ?Sized> Member<'_, P> {
    fn wave(&self) -> usize {
        self.rotation.state.together.as_ref().map_or(0, |together| together.wave)
    }

    fn is_unproven_elsewhere(&self) -> bool {
        self.ports.is_err() && self.rotation.stage < Stage::Proven
    }
}

struct All<'a, 'm, P: ?Sized> {
    members: &'a mut [Member<'m, P>],
    books: &'a mut dyn Books,
    options: &'a RotateOptions,
    tell: &'a mut dyn FnMut(Event<'_>),
}

impl<P: Ports + ?Sized> All<'_, '_, P> {
    fn any(&self, is: impl Fn(Stage) -> bool) -> bool {
        self.members.iter().any(|one| is(one.rotation.stage))
    }

    /// Asks about the value before any agent of any instance has it: once wherever one of them would send it.
    fn test(&mut self) -> Result<Option<Ended>, RotateError> {
        let mut accepted: BTreeSet<Endpoint> = BTreeSet::new();
        for at in 0..self.members.len() {
            let Member { ports: Ok(ports), rotation, .. } = &self.members[at] else { continue };
            if rotation.stage != Stage::Staged {
                continue;
            }
            let ports = *ports;
            if !self.options.offline {
                let observed = ports.observe()?;
                let trial = Trial::of(rotation);
                if !asked_at(&observed, &trial).is_subset(&accepted) {
                    (self.tell)(Event::Progress(crate::progress::Progress::Asking { questions: 1 }));
                    let said = try_value(ports, &observed, &trial)?;
                    self.members[at].report.tested.clone_from(&said);
                    match require_accepted(&said, true) {
                        Ok(()) => {}
                        Err(refused @ SetError::Rejected(_)) => {
                            let given = self.any(|stage| stage > Stage::Tested);
                            let ended = self.back(&refused.to_string())?;
                            // Where agents of others had it, what became of them is the answer.
                            return if given { Ok(Some(ended)) } else { Err(refused.into()) };
                        }
                        Err(refused) => return Err(refused.into()),
                    }
                    let ok = said.into_iter().filter(|(_, verdict)| verdict.kind.is_accepted());
                    accepted.extend(ok.map(|(endpoint, _)| endpoint));
                }
            }
            self.members[at].rotation.stage = Stage::Tested;
            self.members[at].rotation.state.untested = self.options.offline;
            self.step(&[(at, Pointer::Stays)])?;
        }
        Ok(None)
    }

    /// Brings the instances of one wave to be proven. What halts one of them holds up the waves after it, not the others of its own.
    fn wave(&mut self, wave: usize, of: usize) -> Result<Option<Ended>, RotateError> {
        let mut halted = Vec::new();
        for at in 0..self.members.len() {
            let meant = self.members[at].wave() == wave && self.members[at].rotation.stage < Stage::Proven;
            let Member { name, ports: Ok(ports), .. } = &self.members[at] else { continue };
            if !meant {
                continue;
            }
            (self.tell)(Event::Instance { name, wave: wave + 1, of });
            let ports = *ports;
            let others = self.members.iter().enumerate().filter(|(other, _)| *other != at);
            let spent: usize = others.map(|(_, other)| other.rotation.state.spent()).sum();
            let budget = self.options.error_budget.saturating_sub(spent);
            let options =
                RotateOptions { error_budget: budget, together: true, seen: None, ..self.options.clone() };
            let mut book = One { books: self.books, at };
            let member = &mut self.members[at];
            let mut going = Going::new(ports, &mut book, &options, self.tell);
            let went = going.on(&mut member.rotation);
            member.report.take(going.report);
            let ended = went.unwrap_or_else(|error| Ended::Halted { why: error.to_string() });
            match &ended {
                Ended::Halted { why } => halted.push(format!("{}: {why}", member.name)),
                Ended::Failing { why } => {
                    let why = format!("{}: {why}", member.name);
                    return self.back(&why).map(Some);
                }
                _ => {}
            }
            member.ended = Some(ended);
        }
        Ok((!halted.is_empty()).then(|| Ended::Halted { why: halted.join("; ") }))
    }

    /// Retires the values before, once every instance is proven and the grace time is over: in all of them, or in none.
    fn finish(&mut self) -> Result<Ended, RotateError> {
        let there = self.members.iter().filter(|one| one.is_unproven_elsewhere());
        let elsewhere: Vec<String> = there.map(|one| one.name.clone()).collect();
        if !elsewhere.is_empty() {
            return Ok(Ended::Elsewhere { names: elsewhere });
        }
        if self.any(|stage| stage < Stage::Proven) {
            return Ok(Ended::Unproven);
        }
        let proven: Option<Timestamp> = self.members.iter().filter_map(|one| one.rotation.state.proven).max();
        let now = self.members.iter().find_map(|one| one.ports.as_ref().ok()).map(|ports| ports.now());
        if let (Some(proven), Some(now)) = (proven, now) {
            let ends = |one: &Member<'_, P>| {
                let state = &one.rotation.state;
                (!one.rotation.stage.is_over())
                    .then(|| state.ends(self.options, state.proven.unwrap_or(proven)))
            };
            let ends: Vec<Option<Timestamp>> = self.members.iter().map(ends).collect();
            if let Some(until) = ends.iter().copied().max().flatten().filter(|until| now < *until) {
                self.remember(&ends, proven)?;
                return Ok(Ended::Grace { until });
            }
        }
        let open: Vec<usize> =
            (0..self.members.len()).filter(|at| !self.members[*at].rotation.stage.is_over()).collect();
        open.iter().for_each(|at| self.members[*at].rotation.stage = Stage::Finished);
        self.step(&open.into_iter().map(|at| (at, Pointer::RetirePrevious)).collect::<Vec<_>>())?;
        Ok(Ended::Finished)
    }

    /// Has each remember its own end, where it remembers another one.
    fn remember(&mut self, ends: &[Option<Timestamp>], proven: Timestamp) -> Result<(), RotateError> {
        let mut steps = Vec::new();
        for (at, (member, until)) in self.members.iter_mut().zip(ends).enumerate() {
            let rotation = &mut member.rotation;
            if until.is_some_and(|until| rotation.state.ends_at(until, proven)) {
                steps.push((at, &*rotation, Pointer::Stays));
            }
        }
        match steps.is_empty() {
            true => Ok(()),
            false => Ok(self.books.step(&steps)?),
        }
    }

    /// Turns every version pointer back in one step, then brings every agent to what the vault wants.
    fn back(&mut self, why: &str) -> Result<Ended, RotateError> {
        if self.any(|stage| stage == Stage::Finished) {
            // All are: the values before are retired.
            return Ok(Ended::Finished);
        }
        // The newer version stays at hand for all of them or for none.
        let keep = why == ASKED && !self.any(|stage| stage < Stage::Published || stage.is_over());
        let mut steps = Vec::new();
        for (at, member) in self.members.iter_mut().enumerate() {
            if !member.rotation.stage.is_over() {
                steps.push((at, turn_back(&mut member.rotation, why, keep)));
            } else if insists(&mut member.rotation, why) {
                steps.push((at, Pointer::Stays));
            }
        }
        self.step(&steps)?;
        self.come_back(why.to_owned())
    }

    /// Brings back whoever is not back yet.
    fn come_back(&mut self, why: String) -> Result<Ended, RotateError> {
        let mut clean = true;
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            let Ok(ports) = member.ports else {
                clean &= !member.rotation.state.going_back;
                continue;
            };
            if !member.rotation.state.going_back {
                let mut book = One { books: self.books, at };
                let mut going = Going::new(ports, &mut book, self.options, self.tell);
                going.see(&member.rotation);
                member.report.take(going.report);
                continue;
            }
            (self.tell)(Event::Instance {
                name: &member.name,
                wave: member.wave() + 1,
                of: member.wave() + 1,
            });
            let mut book = One { books: self.books, at };
            let mut going = Going::new(ports, &mut book, self.options, self.tell);
            let went = going.come_back(&mut member.rotation);
            member.report.take(going.report);
            let ended = went.unwrap_or_else(|error| Ended::Halted { why: error.to_string() });
            clean &= matches!(ended, Ended::RolledBack { clean: true, .. });
            member.ended = Some(ended);
        }
        let until = if clean { self.wait()? } else { None };
        Ok(Ended::RolledBack { asked: why == ASKED, why, clean, until })
    }

    fn step(&mut self, steps: &[(usize, Pointer)]) -> Result<(), RotateError> {
        if steps.is_empty() {
            return Ok(());
        }
        let written: Vec<_> =
            steps.iter().map(|(at, pointer)| (*at, &self.members[*at].rotation, *pointer)).collect();
        self.books.step(&written)?;
        for (at, _) in steps {
            (self.tell)(Event::Step(&self.members[*at].rotation));
        }
        Ok(())
    }
}
