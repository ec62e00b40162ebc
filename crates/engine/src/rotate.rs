//! Rotating one credential of a vault: stage → test → publish in waves → prove → finish.
//!
//! Every step is written down before it is done, in a [`Book`] that is the vault's, so that whoever finds a rotation goes on where it
//! stands: each step finds out by looking what of it is done. When more agents than allowed are not shown to work with the new value, the
//! rotation halts and goes back by itself: the version pointer is turned back, and every agent gets what the vault then wants.

mod back;
mod budget;
mod ended;
mod grace;
mod prompts;
mod proof;
mod report;
mod returned;
mod strange;
mod tested;
mod together;
mod values;
mod waves;

use crate::look::{AskPolicy, Look, LookOptions, look_of};
use crate::ports::{PortError, Ports};
use crate::sync::{SyncOptions, SyncReport, is_fresh, sync_seen};
use keyshoal_core::{AgentId, Observation, Scope};
use std::collections::BTreeSet;
use std::sync::Arc;
use values::ASKED;

pub use back::found;
use back::{insists, is_back, turn_back, turn_forward};
pub use ended::Ended;
pub use proof::Failure;
pub use report::RotateReport;
pub use strange::{Strange, strange};
pub use together::{Books, Member, go_forward_together, roll_back_together, rotate_together};
pub use values::{Book, Event, Pointer, RotateError, RotateOptions, Rotation, Stage, State, Together};
pub use waves::{Sizes, Wave, plan_waves, wave_of_each, why_no_canary};

/// Goes on from where the rotation stands, as far as it goes.
pub fn rotate<P: Ports + ?Sized>(
    ports: &P,
    book: &mut dyn Book,
    rotation: &mut Rotation,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(RotateReport, Ended), RotateError> {
    let mut going = Going::new(ports, book, options, tell);
    let ended = going.on(rotation)?;
    Ok((going.report, ended))
}

/// Gives a rotation up because a person said so, wherever it stands, and brings every agent back.
pub fn roll_back<P: Ports + ?Sized>(
    ports: &P,
    book: &mut dyn Book,
    rotation: &mut Rotation,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(RotateReport, Ended), RotateError> {
    let mut going = Going::new(ports, book, options, tell);
    let ended = going.back(rotation, ASKED)?;
    Ok((going.report, ended))
}

/// Goes forward again to the newer version of a rotation that a person has taken back, while that one is at hand. Refused by the book where
/// it is not.
pub fn go_forward<P: Ports + ?Sized>(
    ports: &P,
    book: &mut dyn Book,
    rotation: &mut Rotation,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(RotateReport, Ended), RotateError> {
    let mut going = Going::new(ports, book, options, tell);
    let ended = going.forward(rotation)?;
    Ok((going.report, ended))
}

struct Going<'a, 'b, P: ?Sized> {
    ports: &'a P,
    book: &'b mut dyn Book,
    options: &'a RotateOptions,
    tell: &'b mut dyn FnMut(Event<'_>),
    report: RotateReport,
    /// What was seen last, after whatever was written last.
    seen: Option<Arc<Observation>>,
}

impl<'a, 'b, P: Ports + ?Sized> Going<'a, 'b, P> {
    fn new(
        ports: &'a P,
        book: &'b mut dyn Book,
        options: &'a RotateOptions,
        tell: &'b mut dyn FnMut(Event<'_>),
    ) -> Self {
        let seen = options.seen.clone();
        Going { ports, book, options, tell, report: RotateReport::default(), seen }
    }
}

impl<P: Ports + ?Sized> Going<'_, '_, P> {
    fn on(&mut self, rotation: &mut Rotation) -> Result<Ended, RotateError> {
        loop {
            match rotation.stage {
                Stage::Staged => self.test(rotation)?,
                Stage::Tested => self.plan(rotation)?,
                Stage::Publishing if rotation.state.done < rotation.state.waves.len() => {
                    if let Some(ended) = self.wave(rotation)? {
                        return Ok(ended);
                    }
                }
                Stage::Publishing => {
                    if let Some(ended) = self.stop(rotation, &BTreeSet::new())? {
                        return Ok(ended);
                    }
                    self.step(rotation, Stage::Published, Pointer::Publish)?;
                }
                Stage::Published => {
                    if let Some(ended) = self.everybody(rotation)? {
                        return Ok(ended);
                    }
                }
                Stage::Proven if self.options.together => return Ok(Ended::Proven),
                Stage::Proven => {
                    let now = self.ports.now();
                    let proven = rotation.state.proven.unwrap_or(now);
                    let until = rotation.state.ends(self.options, proven);
                    if now < until {
                        if rotation.state.ends_at(until, proven) {
                            self.step(rotation, Stage::Proven, Pointer::Stays)?;
                        }
                        return Ok(Ended::Grace { until });
                    }
                    self.step(rotation, Stage::Finished, Pointer::RetirePrevious)?;
                }
                Stage::Finished => return Ok(Ended::Finished),
                Stage::RolledBack => return self.come_back(rotation),
            }
        }
    }

    /// Returns what was seen a moment ago; looks where nothing was, or where it is too long ago.
    fn observed(&mut self) -> Result<Arc<Observation>, PortError> {
        let seen = match self.seen.take().filter(|seen| is_fresh(self.ports, seen)) {
            Some(seen) => seen,
            None => self.ports.observe()?,
        };
        Ok(self.seen.insert(seen).clone())
    }

    fn look(&mut self) -> Result<Look, RotateError> {
        let observed = self.observed()?;
        let look = look_of(self.ports, observed, &LookOptions::default(), &mut |step| {
            (self.tell)(Event::Progress(step))
        })?;
        Ok(look)
    }

    fn step(&mut self, rotation: &mut Rotation, stage: Stage, pointer: Pointer) -> Result<(), RotateError> {
        let before = rotation.stage;
        rotation.stage = stage;
        if let Err(error) = self.book.step(rotation, pointer) {
            rotation.stage = before;
            return Err(error.into());
        }
        // What only remembers something more at its stage is no news: the end says it.
        if stage == Stage::Publishing || before != stage {
            (self.tell)(Event::Step(rotation));
        }
        Ok(())
    }

    fn plan(&mut self, rotation: &mut Rotation) -> Result<(), RotateError> {
        let look = self.look()?;
        rotation.state.waves = match rotation.agent {
            // An override is one agent's alone.
            Some(_) => Vec::new(),
            None => plan_waves(&look, &rotation.profile, &self.options.sizes),
        };
        self.step(rotation, Stage::Publishing, Pointer::Stays)
    }

    /// Gives the new version to the agents of one wave, and proves that they work with it.
    fn wave(&mut self, rotation: &mut Rotation) -> Result<Option<Ended>, RotateError> {
        let number = rotation.state.done;
        let wave = rotation.state.waves[number].agents.clone();
        if let Some(ended) = self.stop(rotation, &wave)? {
            return Ok(Some(ended));
        }
        if !wave.is_subset(&rotation.state.agents) {
            rotation.state.agents.extend(wave.iter().cloned());
            self.step(rotation, Stage::Publishing, Pointer::Stays)?;
        }
        let of = rotation.state.waves.len() + 1;
        (self.tell)(Event::Wave { number: number + 1, of, agents: &wave });
        if let Some(ended) = self.bring(rotation, &wave)? {
            return Ok(Some(ended));
        }
        rotation.state.done += 1;
        self.step(rotation, Stage::Publishing, Pointer::Stays)?;
        Ok(None)
    }

    /// Gives it to everybody who does not have it yet.
    fn everybody(&mut self, rotation: &mut Rotation) -> Result<Option<Ended>, RotateError> {
        let of = rotation.state.waves.len() + 1;
        let all = BTreeSet::new();
        (self.tell)(Event::Wave { number: of, of, agents: &all });
        if let Some(ended) = self.bring(rotation, &all)? {
            return Ok(Some(ended));
        }
        if self.options.offline {
            return Ok(Some(Ended::Unproven));
        }
        let now = self.ports.now();
        rotation.state.proven = Some(now);
        rotation.state.until = Some(rotation.state.ends(self.options, now));
        self.step(rotation, Stage::Proven, Pointer::Stays)?;
        Ok(None)
    }

    /// Brings the installation to what the vault wants, of this profile and these agents (nobody: all of them), and has it proven.
    fn bring(
        &mut self,
        rotation: &mut Rotation,
        agents: &BTreeSet<AgentId>,
    ) -> Result<Option<Ended>, RotateError> {
        let report = self.sync(rotation, agents)?;
        let left = proof::left(&report, rotation, agents);
        let given = proof::given(&report.after, rotation, agents);
        let unseen = proof::not_activated(&report);
        // What was seen after the writes is what is to be proven. Where nothing was written, nothing was seen for it yet.
        self.seen = report.run.is_some().then(|| report.after.observed.clone());
        if agents.is_empty() {
            self.report.keeping = proof::keeping(&report, rotation);
            self.report.overridden = proof::overridden(&report, rotation);
            self.report.strange = strange(&report.after, &rotation.profile, rotation.agent.as_ref());
            self.report.strange.retain(|one| one.value != rotation.new);
        }
        self.report.runs.push(report);
        if let Some(why) = unseen {
            // The stores are right; the gateway has to be told before anybody can be asked.
            return Ok(Some(Ended::Halted { why }));
        }
        if let Some(agent) = rotation.agent.as_ref().filter(|_| given.is_empty()) {
            // It left the roster meanwhile: that no store lacks the value is no proof.
            let why = format!("{agent} is in no roster, so no store holds {} for it", rotation.new);
            return Ok(Some(Ended::Halted { why }));
        }
        let mut failures = left;
        if !self.options.offline {
            let look = self.look()?;
            let gateway = self.options.through_gateway;
            let (more, behind) = proof::failures(self.ports, look, rotation, agents, gateway, &mut |step| {
                (self.tell)(Event::Progress(step));
            });
            failures.extend(more);
            self.report.behind.extend(behind);
        }
        self.count(rotation, agents, &given, failures)
    }

    fn sync(&mut self, rotation: &Rotation, agents: &BTreeSet<AgentId>) -> Result<SyncReport, RotateError> {
        let scope = Scope {
            agents: agents.clone(),
            profiles: BTreeSet::from([rotation.profile.clone()]),
            ..Scope::default()
        };
        // What is to be known of the values was asked before, or is asked by the proof.
        let options = SyncOptions {
            look: LookOptions { scope, ask: AskPolicy::Offline, ..LookOptions::default() },
            assume_yes: true,
            activate: self.options.activate,
            command: "rotate".to_owned(),
            ..SyncOptions::default()
        };
        let observed = self.observed()?;
        let tell = &mut self.tell;
        Ok(sync_seen(self.ports, observed, &options, &mut |step| tell(Event::Progress(step)))?)
    }
}
