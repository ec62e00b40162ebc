//! How many agents may fail: each counts once, over all waves, and before it is given what its provider is known to reject.

use super::{Ended, Event, Going, RotateError, Rotation, State, proof};
use crate::ports::Ports;
use crate::progress::Progress;
use crate::trial::{Trial, try_value};
use keyshoal_core::AgentId;
use proof::Failure;
use std::collections::BTreeSet;

impl<P: Ports + ?Sized> Going<'_, '_, P> {
    /// Counts those of these agents (nobody: of all), to whom it was given now, that were not shown to work. More than allowed: all go back, or
    /// it halts. It halts as well where nobody could tell, and nobody works: that is no proof on which others could be given it.
    pub(super) fn count(
        &mut self,
        rotation: &mut Rotation,
        agents: &BTreeSet<AgentId>,
        given: &BTreeSet<AgentId>,
        failures: Vec<Failure>,
    ) -> Result<Option<Ended>, RotateError> {
        let budget = self.options.error_budget;
        let failures = proof::of_each(failures);
        let mut why = proof::words(&failures);
        let State { failing, untold, .. } = &mut rotation.state;
        for (all, certain) in [(&mut *failing, true), (&mut *untold, false)] {
            // Who was asked now is counted as it is now.
            all.retain(|agent| !agents.is_empty() && !agents.contains(agent));
            let now = failures.iter().filter(|failure| failure.certain == certain);
            all.extend(now.map(|failure| failure.agent.clone()));
        }
        let (certain, many) = (failing.len(), failing.len() + untold.len());
        if agents.is_empty() {
            rotation.state.failed = many;
        }
        let works = given.iter().any(|agent| failures.iter().all(|failure| failure.agent != *agent));
        let nobody = !works && failures.iter().any(|failure| !failure.certain);
        self.report.fail(failures);
        if certain > budget {
            return self.gives_up(rotation, &why).map(Some);
        }
        if nobody && many <= budget {
            why = format!("nobody of this wave is shown to work: {why}");
        }
        // Nobody knows: a provider that is down proves nothing against a key, and nothing for it.
        Ok((many > budget || nobody).then_some(Ended::Halted { why }))
    }

    /// Goes back before these agents (nobody: all) get the new version, where more than allowed are known to fail with it then, or all: what was
    /// accepted at first may be rejected by now. Its provider is asked once more before that.
    pub(super) fn stop(
        &mut self,
        rotation: &mut Rotation,
        agents: &BTreeSet<AgentId>,
    ) -> Result<Option<Ended>, RotateError> {
        if self.options.offline || !self.is_too_many(rotation, agents)? {
            return Ok(None);
        }
        let observed = self.observed()?;
        (self.tell)(Event::Progress(Progress::Asking { questions: 1 }));
        let said = try_value(self.ports, &observed, &Trial::of(rotation))?;
        if !self.is_too_many(rotation, agents)? {
            return Ok(None);
        }
        let dead = said.iter().find(|(_, verdict)| verdict.kind.is_dead());
        let clause = dead.map_or("it is rejected", |(_, verdict)| verdict.kind.clause());
        let more = match proof::words(&self.report.failures) {
            failing if failing.is_empty() => String::new(),
            failing => format!(": {failing}"),
        };
        let why = format!("{}: {clause}, so nobody else is given it{more}", rotation.new);
        self.gives_up(rotation, &why).map(Some)
    }

    fn is_too_many(&mut self, rotation: &Rotation, agents: &BTreeSet<AgentId>) -> Result<bool, RotateError> {
        let look = self.look()?;
        let (mut failing, _) = proof::refused(&look, rotation, agents);
        let (_, any_works) = proof::refused(&look, rotation, &BTreeSet::new());
        if failing.is_empty() {
            return Ok(false);
        }
        failing.extend(rotation.state.failing.iter().cloned());
        Ok(failing.len() > self.options.error_budget || !any_works)
    }

    /// Goes back. Where it is one of several instances, that is decided for all.
    fn gives_up(&mut self, rotation: &mut Rotation, why: &str) -> Result<Ended, RotateError> {
        match self.options.together {
            true => Ok(Ended::Failing { why: why.to_owned() }),
            false => self.back(rotation, why),
        }
    }
}
