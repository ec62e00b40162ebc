//! Writing into the vault what was agreed to, before anything is written elsewhere.

use super::Flow;
use crate::commands::consent::Consent;
use crate::error::CommandError;
use keyshoal_core::vault::{AgentUid, VaultInstance};
use keyshoal_core::{AgentId, Judgement, Plan, ProfileId};
use keyshoal_engine::{Decide, Decision, Proceed};
use keyshoal_vault::Change;
use std::collections::BTreeSet;

/// The places of single agents that get a value.
pub(super) type Given = BTreeSet<(AgentId, ProfileId)>;

/// Returns to whom changes give a value of its own.
pub(super) fn given(becomes: &VaultInstance, changes: &[Change]) -> Given {
    let place = |agent: AgentUid, profile: &ProfileId| {
        let agent = becomes.agents.iter().find(|one| one.uid == agent)?;
        Some((agent.id.clone(), profile.clone()))
    };
    let of = |change: &Change| match change {
        Change::PutCredential(new) => place(new.agent?, &new.profile),
        Change::Publish(credential) => {
            let credential = becomes.credentials.iter().find(|one| one.uid == *credential)?;
            place(credential.agent?, &credential.profile)
        }
        _ => None,
    };
    changes.iter().filter_map(of).collect()
}

/// Asks the person, and writes into the vault what was agreed to, before anything is written elsewhere.
pub(super) struct Committing<'f, 'u, 'a> {
    pub(super) consent: Consent<'u>,
    pub(super) flow: &'f Flow<'a>,
    pub(super) changes: Option<Vec<Change>>,
    pub(super) given: &'f Given,
    pub(super) failed: Option<CommandError>,
}

impl Decide for Committing<'_, '_, '_> {
    fn decide(&mut self, plan: &Plan, judgement: &Judgement) -> Decision {
        let decision = self.consent.decide(plan, judgement);
        if decision.proceed == Proceed::Yes
            && let Some(changes) = self.changes.take()
            && let Err(error) = self.flow.commit(changes, self.given)
        {
            self.failed = Some(error);
            return Decision::no();
        }
        decision
    }
}
