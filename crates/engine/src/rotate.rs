//! Rotating one credential of a vault: stage → test → publish in waves → prove → finish.
//!
//! Every step is written down before it is done, in a [`Book`] that is the vault's, so that whoever finds a rotation goes on where it
//! stands: each step finds out by looking what of it is done. When more agents than allowed are not shown to work with the new value, the
//! rotation halts and goes back by itself: the version pointer is turned back, and every agent gets what the vault then wants.

mod proof;
mod waves;

use crate::look::{AskPolicy, LookError, LookOptions, look};
use crate::ports::{PortError, Ports};
use crate::progress::Progress;
use crate::set::SetError;
use crate::sync::{SyncError, SyncOptions, SyncReport, sync};
use crate::trial::{Trial, require_accepted, try_value};
use keyshoal_core::{
    ActivationMode, AgentId, CredentialKind, Endpoint, Fingerprint, ProfileId, ProviderId, Scope, Timestamp,
    Verdict,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use proof::{Failure, failures};
pub use waves::{Sizes, Wave, plan_waves};

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The new version is in the vault, and no agent has it.
    Staged,
    /// Its provider accepts it.
    Tested,
    /// Some agents have it, wave by wave.
    Publishing,
    /// It is the current version: all agents get it.
    Published,
    /// Every agent was shown to work with it. The one before can be returned to until the grace time is over.
    Proven,
    /// The one before is retired.
    Finished,
    /// It was given up, and the one before is current.
    RolledBack,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Staged,
        Self::Tested,
        Self::Publishing,
        Self::Published,
        Self::Proven,
        Self::Finished,
        Self::RolledBack,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Tested => "tested",
            Self::Publishing => "publishing",
            Self::Published => "published",
            Self::Proven => "proven",
            Self::Finished => "finished",
            Self::RolledBack => "rolled_back",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == word)
    }

    /// Tells whether nothing more is to be done.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::RolledBack)
    }
}

/// What a rotation remembers beside its stage. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The agents that get the new version before it is current. The vault's word to the installation holds these apart.
    pub agents: BTreeSet<AgentId>,
    /// The waves that were planned.
    pub waves: Vec<Wave>,
    /// How many of them are done and proven.
    pub done: usize,
    /// When every agent was shown to work.
    pub proven: Option<Timestamp>,
    /// Why it halted, if it did.
    pub halted: Option<String>,
}

/// One rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The profile.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Whose override it is; `None` when all agents share it.
    pub agent: Option<AgentId>,
    /// The new value. The port that asks and writes must know its secret.
    pub new: Fingerprint,
    /// The value before it.
    pub old: Option<Fingerprint>,
    /// Where it stands.
    pub stage: Stage,
    /// What it remembers.
    pub state: State,
}

/// What becomes of the version pointer with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// It stays.
    Stays,
    /// The pending version becomes current, the current one previous.
    Publish,
    /// The pending version is retired: it never became current.
    Unstage,
    /// The previous version becomes current again.
    RollBack,
    /// The previous version is retired.
    RetirePrevious,
}

/// Where rotations are written down: the vault. A step and what it does to the version pointer are written as one, and what the port says
/// the vault wants follows it at once.
pub trait Book {
    /// Writes a step down. Refused where somebody else has taken the rotation on meanwhile.
    fn step(&mut self, rotation: &Rotation, pointer: Pointer) -> Result<(), PortError>;
}

/// Says how to rotate.
#[derive(Clone, Debug, Default)]
pub struct RotateOptions {
    /// How large the waves are.
    pub sizes: Sizes,
    /// How many agents may fail before it halts.
    pub error_budget: usize,
    /// Ask nobody: nothing is tested, and nothing proven.
    pub offline: bool,
    /// Put a prompt to every agent through the gateway as well.
    pub through_gateway: bool,
    /// How long the version before can be returned to, in seconds.
    pub grace: i64,
    /// What may be done to the gateway.
    pub activate: ActivationMode,
}

/// How it ended for now.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The version before is retired.
    Finished,
    /// Every agent works with the new version; the one before is kept until then.
    Grace {
        /// Until when.
        until: Timestamp,
    },
    /// All agents have it, and nobody was asked whether they work with it.
    Unproven,
    /// It was given up, and every agent has the version before again.
    RolledBack {
        /// Why.
        why: String,
        /// Whether the way back itself left something that needs attention.
        clean: bool,
    },
    /// A run left something that needs attention; the rotation stands where it stood.
    Halted {
        /// Why.
        why: String,
    },
}

/// What a rotation did.
#[derive(Clone, Debug, Default)]
pub struct RotateReport {
    /// What providers said of the new value before anybody had it.
    pub tested: Vec<(Endpoint, Verdict)>,
    /// The runs, one for each wave, and the one for all.
    pub runs: Vec<SyncReport>,
    /// Who was not shown to work.
    pub failures: Vec<Failure>,
}

/// Says why a rotation could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The new value was not accepted.
    #[error(transparent)]
    Value(#[from] SetError),
    /// Looking failed.
    #[error(transparent)]
    Look(#[from] LookError),
    /// A run failed.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Something outside of the engine failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What happens during a rotation, for people.
pub enum Event<'a> {
    /// A step was written down.
    Step(&'a Rotation),
    /// A wave begins.
    Wave {
        /// Which, from 1.
        number: usize,
        /// Of how many; the last one is everybody.
        of: usize,
        /// Who gets it; empty for everybody.
        agents: &'a BTreeSet<AgentId>,
    },
    /// The engine works.
    Progress(Progress),
}

/// Goes on from where the rotation stands, as far as it goes.
pub fn rotate<P: Ports + ?Sized>(
    ports: &P,
    book: &mut dyn Book,
    rotation: &mut Rotation,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(RotateReport, Ended), RotateError> {
    let mut going = Going { ports, book, options, tell, report: RotateReport::default() };
    let ended = going.on(rotation)?;
    Ok((going.report, ended))
}

/// Gives a rotation up, wherever it stands, and brings every agent back.
pub fn roll_back<P: Ports + ?Sized>(
    ports: &P,
    book: &mut dyn Book,
    rotation: &mut Rotation,
    options: &RotateOptions,
    why: &str,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(RotateReport, Ended), RotateError> {
    let mut going = Going { ports, book, options, tell, report: RotateReport::default() };
    let ended = going.back(rotation, why)?;
    Ok((going.report, ended))
}

struct Going<'a, 'b, P: ?Sized> {
    ports: &'a P,
    book: &'b mut dyn Book,
    options: &'a RotateOptions,
    tell: &'b mut dyn FnMut(Event<'_>),
    report: RotateReport,
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
                Stage::Publishing => self.step(rotation, Stage::Published, Pointer::Publish)?,
                Stage::Published => {
                    if let Some(ended) = self.everybody(rotation)? {
                        return Ok(ended);
                    }
                }
                Stage::Proven => {
                    let since = rotation.state.proven.unwrap_or_else(|| self.ports.now());
                    let until = keyshoal_core::time::after(since, self.options.grace);
                    if self.ports.now() < until {
                        return Ok(Ended::Grace { until });
                    }
                    self.step(rotation, Stage::Finished, Pointer::RetirePrevious)?;
                }
                Stage::Finished => return Ok(Ended::Finished),
                Stage::RolledBack => {
                    let why = rotation.state.halted.clone().unwrap_or_else(|| "it was given up".to_owned());
                    return Ok(Ended::RolledBack { why, clean: true });
                }
            }
        }
    }

    fn step(&mut self, rotation: &mut Rotation, stage: Stage, pointer: Pointer) -> Result<(), RotateError> {
        let before = rotation.stage;
        rotation.stage = stage;
        if let Err(error) = self.book.step(rotation, pointer) {
            rotation.stage = before;
            return Err(error.into());
        }
        (self.tell)(Event::Step(rotation));
        Ok(())
    }

    /// Asks the provider before any agent has the value.
    fn test(&mut self, rotation: &mut Rotation) -> Result<(), RotateError> {
        if !self.options.offline {
            let observed = self.ports.observe()?;
            let trial = Trial {
                provider: rotation.provider.clone(),
                kind: rotation.kind.clone(),
                fingerprint: rotation.new,
                agent: rotation.agent.clone(),
            };
            (self.tell)(Event::Progress(Progress::Asking { questions: 1 }));
            let said = try_value(self.ports, &observed, &trial)?;
            self.report.tested.clone_from(&said);
            if let Err(refused) = require_accepted(&said, true) {
                if matches!(refused, SetError::Rejected(_)) {
                    rotation.state.halted = Some(refused.to_string());
                    self.step(rotation, Stage::RolledBack, Pointer::Unstage)?;
                }
                return Err(refused.into());
            }
        }
        self.step(rotation, Stage::Tested, Pointer::Stays)
    }

    fn plan(&mut self, rotation: &mut Rotation) -> Result<(), RotateError> {
        let look = look(self.ports, &LookOptions::default(), &mut |step| (self.tell)(Event::Progress(step)))?;
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
        rotation.state.proven = Some(self.ports.now());
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
        let unseen = proof::not_activated(&report);
        self.report.runs.push(report);
        if let Some(why) = unseen {
            // The stores are right; the gateway has to be told before anybody can be asked.
            return Ok(Some(Ended::Halted { why }));
        }
        let mut failures = left;
        if !self.options.offline {
            let look =
                look(self.ports, &LookOptions::default(), &mut |step| (self.tell)(Event::Progress(step)))?;
            let gateway = self.options.through_gateway;
            failures.extend(proof::failures(self.ports, look, rotation, agents, gateway, &mut |step| {
                (self.tell)(Event::Progress(step));
            }));
        }
        let budget = self.options.error_budget;
        let certain = failures.iter().filter(|failure| failure.certain).count();
        let (many, why) = (failures.len(), proof::words(&failures));
        self.report.failures.extend(failures);
        if certain > budget {
            return self.back(rotation, &why).map(Some);
        }
        // Nobody knows: a provider that is down proves nothing against a key, and nothing for it.
        Ok((many > budget).then_some(Ended::Halted { why }))
    }

    /// Turns the version pointer back, and brings every agent to what the vault wants then.
    fn back(&mut self, rotation: &mut Rotation, why: &str) -> Result<Ended, RotateError> {
        let pointer = match rotation.stage {
            Stage::Staged | Stage::Tested | Stage::Publishing => Pointer::Unstage,
            Stage::Published | Stage::Proven => Pointer::RollBack,
            Stage::Finished | Stage::RolledBack => Pointer::Stays,
        };
        rotation.state.halted = Some(why.to_owned());
        rotation.state.agents.clear();
        self.step(rotation, Stage::RolledBack, pointer)?;
        let report = self.sync(rotation, &BTreeSet::new())?;
        let clean = proof::unfinished(&report).is_none();
        self.report.runs.push(report);
        Ok(Ended::RolledBack { why: why.to_owned(), clean })
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
        let tell = &mut self.tell;
        let progress = &mut |step| tell(Event::Progress(step));
        Ok(sync(self.ports, &options, &mut crate::decide::Unattended, progress)?)
    }
}
