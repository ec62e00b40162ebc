//! What a person decides between plan and apply.

use keyshoal_core::plan::Proposal;
use keyshoal_core::{Fingerprint, Judgement, Plan, ProfileId, StoreId};

/// Decides. The terminal implements it by asking; tests by a script.
pub trait Decide {
    /// Decides about a plan and its questions. Called again when an answer made another plan.
    fn decide(&mut self, plan: &Plan, judgement: &Judgement) -> Decision;
}

/// Says whether to go on, and answers questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether to go on.
    pub proceed: Proceed,
    /// Answers to the plan's questions. What is not answered stays as it is.
    pub answers: Vec<Answer>,
}

impl Decision {
    /// Goes on with the plan as it is.
    pub fn yes() -> Self {
        Self { proceed: Proceed::Yes, answers: Vec::new() }
    }

    /// Goes on, with these answers.
    pub fn answer(answers: Vec<Answer>) -> Self {
        Self { proceed: Proceed::Yes, answers }
    }

    /// Does nothing.
    pub fn no() -> Self {
        Self { proceed: Proceed::No, answers: Vec::new() }
    }
}

/// Says whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proceed {
    /// Go on.
    Yes,
    /// A person said no.
    No,
    /// Nobody is there to ask.
    CannotAsk,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What to do with everybody's copy of this value of a profile.
    Value {
        /// Which profile.
        profile: ProfileId,
        /// Which value.
        fingerprint: Fingerprint,
        /// What to do with it.
        proposal: Proposal,
    },
    /// Whatever the plan has for this profile of this store is not done in this run.
    Skip {
        /// Which store.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
    },
    /// This store has the right value of a profile.
    Source {
        /// Which profile.
        profile: ProfileId,
        /// Which store.
        store: StoreId,
    },
    /// The source's present value is right although it was an earlier one.
    ConfirmSource {
        /// Which profile.
        profile: ProfileId,
    },
}

/// Decides for a run without a terminal and without `--yes`: nobody can be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unattended;

impl Decide for Unattended {
    fn decide(&mut self, _: &Plan, _: &Judgement) -> Decision {
        Decision { proceed: Proceed::CannotAsk, answers: Vec::new() }
    }
}
