//! Looking: what is there, what is known, what should be, and what that means.

use crate::ports::{PortError, Ports};
use crate::progress::Progress;
use crate::source::{SourceError, desired_by};
use crate::{asks, facts, joining};
use keyshoal_core::record::LookRecord;
use keyshoal_core::{
    AgentId, Ask, ConfigEdit, ConfigHeld, Desired, Fact, Finding, Fingerprint, Judgement, Knowledge,
    Observation, Plan, Scope, Severity, Timestamp, VerdictKind, judge, judge::Remedy, judge::judge_config,
    judge::judge_held, plan::Why, planner,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Says how to look.
#[derive(Clone, Debug, Default)]
pub struct LookOptions {
    /// Take the right values from this agent (`--from`).
    pub from: Option<AgentId>,
    /// What to limit the look to.
    pub scope: Scope,
    /// Whether providers are asked.
    pub ask: AskPolicy,
    /// Ask about every value, not only about those that differ (`status --check`).
    pub ask_all: bool,
    /// Hold back what its provider has not accepted: nobody looks on (a watch that repairs).
    pub accepted_only: bool,
    /// Values that a person gives untested: what their providers once said of them counts for nothing, also where it is remembered.
    pub overruled: BTreeSet<Fingerprint>,
}

/// Says whether providers are asked. Remembered verdicts count in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AskPolicy {
    /// Nobody is asked; nothing leaves the machine.
    #[default]
    Offline,
    /// Only what was not answered with certainty a short while ago.
    Remembered,
    /// Everything that matters is asked now.
    Now,
}

/// Holds what a look found.
#[derive(Clone, Debug)]
pub struct Look {
    /// What is there.
    pub observed: Arc<Observation>,
    /// What is known, this look's own lessons included.
    pub knowledge: Knowledge,
    /// What should be.
    pub desired: Desired,
    /// What that means.
    pub judgement: Judgement,
    /// When it was judged.
    pub now: Timestamp,
    /// What would become of the config, where a vault makes it.
    pub config: Option<ConfigEdit>,
    /// What would be seen with that config, where it has another roster; or why it could not even be read.
    pub then: Result<Option<Arc<Observation>>, String>,
    /// What of the config is left as it is although the vault wants it otherwise.
    pub held: Vec<ConfigHeld>,
    /// Why the lessons could not be remembered, if so. They count for this look all the same.
    pub not_remembered: Option<String>,
    /// What was asked for this look; what is known beside it was remembered.
    pub asked: BTreeSet<Ask>,
}

impl Look {
    /// Plans what this look calls for.
    pub fn plan(&self) -> Plan {
        let plan =
            planner::plan_judged(&self.observed, &self.desired, &self.knowledge, self.now, &self.judgement);
        let config = self.config_in_scope().cloned();
        let joining = config.as_ref().map(|_| joining::joining(self)).unwrap_or_default();
        Plan { config, joining, ..plan }
    }

    /// Returns what needs attention, within what the look is limited to.
    pub fn attention(&self) -> impl Iterator<Item = &Finding> {
        self.attention_within(&self.desired.scope)
    }

    /// Returns what needs attention within this.
    pub fn attention_within(&self, scope: &Scope) -> impl Iterator<Item = &Finding> {
        let attention = self.judgement.findings.iter().filter(|one| one.severity == Severity::Attention);
        attention.filter(move |one| scope.covers(one))
    }

    /// What is limited to some agents or providers leaves the config of all alone.
    fn config_in_scope(&self) -> Option<&ConfigEdit> {
        self.config.as_ref().filter(|_| self.desired.scope == Scope::default())
    }

    /// Judges again, after knowledge or desire changed.
    pub(crate) fn judge_again(&mut self) {
        self.judgement = judge(&self.observed, &self.desired, &self.knowledge, self.now);
        if let Some(config) = self.config.as_ref().filter(|_| self.desired.scope == Scope::default()) {
            judge_config(config, &mut self.judgement);
        }
        if self.desired.scope == Scope::default() {
            self.held.iter().for_each(|held| judge_held(held, &mut self.judgement));
        }
    }

    /// Asks once more about every value that would be replaced for being refused, where that was only remembered: it may have been let in
    /// again, and then it is an override. Nobody is asked where nobody may be.
    pub fn make_sure<P: Ports + ?Sized>(
        &mut self,
        ports: &P,
        policy: AskPolicy,
        progress: &mut dyn FnMut(Progress),
    ) {
        let refused = self.judgement.copies.iter().filter(|(_, judged)| {
            matches!(judged.remedy, Remedy::Replace(Why::RejectedWhileSourceAccepted { .. }))
        });
        let wanted = asks::asks_of_copies(&self.observed, refused.map(|(place, _)| place));
        let said = self.ask(ports, policy, wanted, progress);
        if !said.is_empty() {
            self.now = ports.now();
            self.learn(ports, &said);
            self.judge_again();
        }
    }

    /// Asks what was not asked yet, and returns what was said.
    fn ask<P: Ports + ?Sized>(
        &mut self,
        ports: &P,
        policy: AskPolicy,
        mut wanted: BTreeSet<Ask>,
        progress: &mut dyn FnMut(Progress),
    ) -> Vec<Fact> {
        wanted.retain(|ask| !self.asked.contains(ask));
        if policy == AskPolicy::Offline || wanted.is_empty() {
            return Vec::new();
        }
        progress(Progress::Asking { questions: wanted.len() });
        let answers = ports.ask(&wanted);
        self.asked.extend(wanted);
        let said = answers.into_iter().filter(|(_, verdict)| verdict.kind != VerdictKind::NotAsked);
        said.map(|(ask, verdict)| Fact::Verdict { ask, verdict }).collect()
    }

    /// Takes facts in, and has them remembered. A memory that cannot be written is reported, not fatal: looking must work.
    pub(crate) fn learn<P: Ports + ?Sized>(&mut self, ports: &P, facts: &[Fact]) {
        if facts.is_empty() {
            return;
        }
        self.knowledge.absorb(facts, self.now);
        if let Err(error) = ports.learn(facts) {
            self.not_remembered = Some(error.message);
        }
    }
}

/// Says why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Something outside of the engine failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// There is no source.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Looks at an instance, asks providers as allowed, remembers what was learned, and judges.
pub fn look<P: Ports + ?Sized>(
    ports: &P,
    options: &LookOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Look, LookError> {
    let mut look = look_undecided(ports, options, progress)?;
    let learned = look.judgement.learned.clone();
    look.learn(ports, &learned);
    Ok(look)
}

/// The same, without remembering overrides that were only just accepted: a person may decide otherwise in a moment.
pub(crate) fn look_undecided<P: Ports + ?Sized>(
    ports: &P,
    options: &LookOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Look, LookError> {
    progress(Progress::Looking);
    let observed = ports.observe()?;
    look_of(ports, observed, options, progress)
}

/// The same of an observation that was made already.
pub(crate) fn look_of<P: Ports + ?Sized>(
    ports: &P,
    observed: Arc<Observation>,
    options: &LookOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Look, LookError> {
    let mut desired = desired_by(ports, &observed, options.from.as_ref(), &options.scope)?;
    desired.accepted_only = options.accepted_only;
    look_at(ports, observed, desired, options, progress)
}

/// Judges an observation against a given desire.
pub(crate) fn look_at<P: Ports + ?Sized>(
    ports: &P,
    observed: Arc<Observation>,
    desired: Desired,
    options: &LookOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Look, LookError> {
    let mut knowledge = ports.knowledge()?;
    let now = ports.now();
    let overruled = options.overruled.iter().map(|fingerprint| Fact::Overruled { fingerprint: *fingerprint });
    knowledge.absorb(&overruled.collect::<Vec<_>>(), now);
    let lessons = facts::facts_of(&observed, &knowledge, desired.wish.as_ref());
    let judgement = Judgement::default();
    let config = if desired.wish.is_some() { ports.config_edit()? } else { None };
    let held = if desired.wish.is_some() { ports.config_held() } else { Vec::new() };
    let then = config.as_ref().map(|edit| ports.observe_after(edit)).transpose();
    let then = then.map(Option::flatten).map_err(|error| error.message);
    let (not_remembered, asked) = (None, BTreeSet::new());
    let mut look =
        Look { observed, knowledge, desired, judgement, now, config, then, held, not_remembered, asked };
    look.learn(ports, &lessons);
    // What is said of a copy decides whom the source's value is shown: hence twice.
    for _ in 0..2 {
        let wanted = worth_asking(&look, options);
        let said = look.ask(ports, options.ask, wanted, progress);
        if said.is_empty() {
            break;
        }
        // Asking takes time, and what was said is only true as of now.
        look.now = ports.now();
        look.learn(ports, &said);
    }
    look.now = ports.now();
    look.judge_again();
    if let Err(error) = ports.keep_look(&LookRecord::of(&look.observed, &look.judgement)) {
        look.not_remembered = Some(error.message);
    }
    Ok(look)
}

/// Returns what is worth a question as things stand in a look.
fn worth_asking(look: &Look, options: &LookOptions) -> BTreeSet<Ask> {
    if options.ask == AskPolicy::Offline {
        return BTreeSet::new();
    }
    let wanted = asks::asks_of(&look.observed, &look.desired, &look.knowledge, look.now, options.ask_all);
    match options.ask {
        AskPolicy::Remembered => {
            asks::not_remembered(wanted, &look.observed, &look.desired, &look.knowledge, look.now)
        }
        AskPolicy::Offline | AskPolicy::Now => wanted,
    }
}
