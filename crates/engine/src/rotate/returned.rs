//! Who is back on the version before, and how that one stands.

use super::Rotation;
use super::proof::{Failure, held};
use crate::look::Look;
use crate::sync::SyncReport;
use keyshoal_core::judge::Sight;
use keyshoal_core::{AgentId, SourceValue, VerdictKind};
use std::collections::BTreeMap;

/// Returns what the vault wants for an agent.
fn wanted<'l>(look: &'l Look, rotation: &Rotation, id: &AgentId) -> Option<&'l SourceValue> {
    let own = look.desired.wish.as_ref().and_then(|wish| wish.own_value(id, &rotation.profile));
    own.or_else(|| look.desired.values.get(&rotation.profile))
}

/// Returns the agents that still hold the version that was taken back, where the vault does not want it for them. A value before that its
/// provider rejects is brought back by nobody but a person, so that is said.
pub(super) fn still_new(report: &SyncReport, rotation: &Rotation) -> Vec<Failure> {
    let Look { observed, desired, knowledge, now, .. } = &report.after;
    let sight = Sight::new(observed, desired, knowledge, *now);
    let mut all = Vec::new();
    for agent in &observed.agents {
        let (_, value) = held(observed, &agent.store, &rotation.profile);
        let wanted = wanted(&report.after, rotation, &agent.id);
        if value != Some(rotation.new) || wanted.is_some_and(|one| one.fingerprint == rotation.new) {
            continue;
        }
        let why = match wanted.filter(|one| sight.verdict_of(&agent.id, one).is_dead()) {
            Some(before) => format!(
                "it still holds {}: its provider rejects the value before ({}), which is brought back only if you say so (--rollback)",
                rotation.new, before.fingerprint
            ),
            None => format!("it still holds {}", rotation.new),
        };
        all.push(Failure { agent: agent.id.clone(), why, certain: true });
    }
    all
}

/// Returns the agents that have the version before although their provider is known to reject it, with what it says.
pub(super) fn on_dead(report: &SyncReport, rotation: &Rotation) -> BTreeMap<AgentId, VerdictKind> {
    let Look { observed, desired, knowledge, now, .. } = &report.after;
    let sight = Sight::new(observed, desired, knowledge, *now);
    let before = |id: &AgentId| {
        wanted(&report.after, rotation, id).filter(|one| Some(one.fingerprint) == rotation.old)
    };
    let mut all = BTreeMap::new();
    for agent in &observed.agents {
        let (_, value) = held(observed, &agent.store, &rotation.profile);
        if let Some(before) = before(&agent.id).filter(|before| value == Some(before.fingerprint)) {
            let said = sight.verdict_of(&agent.id, before);
            all.extend(said.is_dead().then(|| (agent.id.clone(), said)));
        }
    }
    all
}
