//! What a rotation is, as values: where it stands, what it remembers, how it ends.

use super::waves::{Sizes, Wave};
use crate::look::LookError;
use crate::ports::PortError;
use crate::progress::Progress;
use crate::set::SetError;
use crate::sync::SyncError;
use keyshoal_core::{
    ActivationMode, AgentId, CredentialKind, Endpoint, Fingerprint, Observation, ProfileId, ProviderId,
    Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// Its provider was not asked before agents got it: a person said so.
    pub untested: bool,
    /// The waves that were planned.
    pub waves: Vec<Wave>,
    /// How many of them are done and proven.
    pub done: usize,
    /// When every agent was shown to work, or was back where a person went back.
    pub proven: Option<Timestamp>,
    /// For how many seconds the other version was to stay at hand, as it was said when it began.
    pub grace: Option<i64>,
    /// Until when it stays at hand, as it was said last.
    pub until: Option<Timestamp>,
    /// Why it halted, if it did.
    pub halted: Option<String>,
    /// How many agents were not shown to work when all had it.
    pub failed: usize,
    /// The agents that were shown to fail with it in the waves until now. They count against the budget once.
    pub failing: BTreeSet<AgentId>,
    /// The agents of the waves until now of which nobody could tell whether they work with it. They count once as well.
    pub untold: BTreeSet<AgentId>,
    /// The version pointer is turned back, and not every agent is known to be back.
    pub going_back: bool,
    /// A person went back: the newer version stays at hand until its time is over.
    pub keeps: bool,
    /// What it is part of, where several instances rotate together.
    pub together: Option<Together>,
}

/// A rotation of several instances, as each of them remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// The same in all of them.
    pub id: String,
    /// In which wave of instances this one is, from 0.
    pub wave: usize,
}

impl State {
    /// Tells whether nothing more is to be done at this stage.
    pub fn is_over(&self, stage: Stage) -> bool {
        stage.is_over() && !self.going_back && !self.keeps
    }

    /// Tells whether a person has gone back, every agent is back, and the newer version is still at hand.
    pub fn keeps_newer(&self, stage: Stage) -> bool {
        stage == Stage::RolledBack && self.keeps && !self.going_back
    }

    /// Tells whether nothing is left but that the version that is not current is retired: it has come through, or went back.
    pub fn only_waits(&self, stage: Stage) -> bool {
        stage == Stage::Proven || self.keeps_newer(stage)
    }

    /// Says how many agents were not shown to work until now.
    pub(super) fn spent(&self) -> usize {
        self.failed.max(self.failing.len() + self.untold.len())
    }

    /// Tells whether a person has taken it back.
    pub fn is_asked_back(&self) -> bool {
        self.halted.as_deref() == Some(ASKED)
    }
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
    /// The previous version becomes current again; the current one is retired: it failed.
    RollBack,
    /// The previous version becomes current, and the current one previous.
    Exchange,
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
    /// How long the version before can be returned to, in seconds; `None`: as was said when the rotation began.
    pub grace: Option<i64>,
    /// What providers have just said of the new value, where they were asked already: they are not asked again before agents get it.
    pub tested: Option<Vec<(Endpoint, Verdict)>>,
    /// What may be done to the gateway.
    pub activate: ActivationMode,
    /// What was seen a moment ago, where somebody has looked.
    pub seen: Option<Arc<Observation>>,
    /// It is one of several: that it goes back, and that it is finished, is decided for all of them.
    pub together: bool,
}

/// Why a rotation went back that a person took back.
pub(super) const ASKED: &str = "a person said so";

impl Rotation {
    /// Tells whether a person took it back.
    pub fn is_asked_back(&self) -> bool {
        self.state.is_asked_back()
    }
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
    /// One of several instances begins.
    Instance {
        /// Its name.
        name: &'a str,
        /// In which wave of instances, from 1.
        wave: usize,
        /// Of how many.
        of: usize,
    },
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
