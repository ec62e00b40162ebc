//! The bindings of agents that a vault has disabled.

use super::Hearing;
use crate::manifest::{BindingPart, Manifest};

impl Hearing<'_, '_> {
    /// Puts the bindings of disabled agents where the vault has them: of two that hold, the first one decides.
    pub(super) fn bindings(&mut self) {
        let Manifest { agents, bindings, .. } = &mut self.payload.manifest;
        let mut place = 0;
        for binding in &self.word.instance.bindings {
            let Some(agent) = self.word.instance.agents.iter().find(|agent| agent.uid == binding.agent)
            else {
                continue;
            };
            let is_it = |one: &BindingPart| {
                one.is_route() && one.agent == agent.id && one.matching == binding.matching
            };
            if let Some(at) = bindings.iter().skip(place).position(is_it) {
                place += at + 1;
            } else if agents.iter().any(|one| one.id == agent.id && !one.enabled) {
                let part = BindingPart {
                    agent: agent.id.clone(),
                    kind: None,
                    matching: binding.matching.clone(),
                    comment: binding.comment.clone(),
                };
                bindings.insert(place, part);
                place += 1;
            }
        }
    }
}
