//! Stores that cannot be read: nothing is known of what agents send from there, so nothing there is called right.

use super::tell::bare;
use super::words::Words;
use crate::{AgentId, AgentView, Finding, FindingKind, Observation, StoreHealth, StoreId, StoreView};

/// Says that an agent's store cannot be used at all.
pub(super) fn of_agent(agent: &AgentView, own: &StoreView) -> Option<Finding> {
    told(Some(&agent.id), &agent.store, own, "its store")
}

/// Says that what an agent inherits cannot be read, so that nothing tells what it sends.
pub(super) fn inherited(observed: &Observation, agent: &AgentView) -> Option<Finding> {
    if agent.store == StoreId::Base {
        return None;
    }
    let why = observed.base_unreadable()?;
    let text = format!("nothing tells what it sends: the store that it inherits from cannot be read ({why})");
    let words = Words::new(FindingKind::Unreadable, text);
    Some(bare(Some(&agent.id), &agent.store, words.fix("mend or restore that store; nothing is written")))
}

/// Says that a base store which is no agent's own cannot be used.
pub(super) fn of_base(base: &StoreView) -> Option<Finding> {
    told(None, &StoreId::Base, base, "the store that agents inherit from")
}

fn told(agent: Option<&AgentId>, id: &StoreId, store: &StoreView, which: &str) -> Option<Finding> {
    let (text, fix) = match &store.health {
        StoreHealth::Unreadable(reason) => (
            format!("{which}, {}, cannot be read: {reason}", store.path),
            "put a backup of that file back, or move it aside so that OpenClaw makes a new one, and keyshoal sync; until then nothing is written there",
        ),
        StoreHealth::NewerSchema { found, known } => (
            format!("{which}, {}, has schema {found}, newer than the newest known one, {known}", store.path),
            "update keyshoal; nothing is written there",
        ),
        StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => return None,
    };
    Some(bare(agent, id, Words::new(FindingKind::Unreadable, text).fix(fix)))
}
