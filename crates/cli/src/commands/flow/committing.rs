//! Writing into the vault what was agreed to, before anything is written elsewhere.

use super::Flow;
use crate::commands::consent::Consent;
use crate::error::CommandError;
use crate::root::holdings::RENAMES;
use keyshoal_core::vault::{AgentUid, VaultInstance};
use keyshoal_core::{AgentId, Fact, Judgement, Plan, ProfileId, Secret};
use keyshoal_engine::ports::{Change as _, Remember as _};
use keyshoal_engine::{Decide, Decision, Proceed};
use keyshoal_vault::{Change, ENTRIES};
use std::collections::BTreeSet;

/// The places of single agents that get a value, or from which one is taken back.
pub(super) type Given = BTreeSet<(AgentId, ProfileId)>;

/// Returns to whom changes give a value of its own, or from whom they take it back: that goes before what was kept there.
pub(super) fn given(becomes: &VaultInstance, changes: &[Change]) -> Given {
    let place = |agent: AgentUid, profile: &ProfileId| {
        let agent = becomes.agents.iter().find(|one| one.uid == agent)?;
        Some((agent.id.clone(), profile.clone()))
    };
    let of = |change: &Change| match change {
        Change::PutCredential(new) => place(new.agent?, &new.profile),
        Change::Publish(credential) | Change::DropCredential(credential) => {
            let credential = becomes.credentials.iter().find(|one| one.uid == *credential)?;
            place(credential.agent?, &credential.profile)
        }
        _ => None,
    };
    changes.iter().filter_map(of).collect()
}

impl Flow<'_> {
    /// Reads the instance again. Which agents had other ids in the config is forgotten once it has the present ones.
    pub(super) fn read_again(&mut self, config_is_right: bool) -> Result<(), CommandError> {
        if config_is_right {
            // What the vault misses of the config it takes the next time.
            let (vault, id) = (&self.held.vault, &self.held.instance.id);
            let _ = super::following::follow(&self.installation, vault, id, &self.author);
        }
        self.held.instance = self.held.vault.instance(&self.held.instance.id)?;
        if config_is_right && self.document(RENAMES)?.is_some() {
            // Where somebody else has changed the vault just now, it goes the next time.
            let _ = self.note(vec![Change::RemoveDocument(RENAMES.to_owned())]);
            self.held.instance = self.held.vault.instance(&self.held.instance.id)?;
        }
        Ok(())
    }

    /// Makes changes in the vault that change nothing of the installation.
    pub fn note(&self, changes: Vec<Change>) -> Result<(), CommandError> {
        let now = keyshoal_local::clock::now();
        let instance = self.instance();
        self.held.vault.change(&instance.id, instance.revision, changes, &self.author, now)?;
        Ok(())
    }

    /// Opens a document of the vault's.
    pub fn document(&self, name: &str) -> Result<Option<Secret>, CommandError> {
        let all = self.held.vault.documents(&self.instance().id)?;
        Ok(all.into_iter().find(|(known, _)| known == name).map(|(_, text)| text))
    }

    /// Writes changes into the vault. What the config is about to take out of the roster is kept with them. From here on until the stores
    /// have it, no other run comes in between: what the vault is ahead of them is this command's to bring.
    pub(super) fn commit(
        &self,
        command: &str,
        mut changes: Vec<Change>,
        given: &Given,
    ) -> Result<(), CommandError> {
        for left in self.installation.leaving_entries() {
            changes.push(Change::PutDocument { name: format!("{ENTRIES}{}", left.id), value: left.entry });
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.installation.reserve(command)?;
        let instance = self.instance();
        let now = keyshoal_local::clock::now();
        self.held.vault.change(&instance.id, instance.revision, changes, &self.author, now)?;
        // From now on the vault says that it is the agent's own, and what it is.
        let kept = self.installation.knowledge()?.kept;
        let undone = given.iter().filter(|place| kept.contains_key(*place));
        let undone: Vec<Fact> = undone
            .map(|(agent, profile)| Fact::KeptUndone { agent: agent.clone(), profile: profile.clone() })
            .collect();
        if !undone.is_empty() {
            self.installation.learn(&undone)?;
        }
        Ok(())
    }
}

/// Asks the person, and writes into the vault what was agreed to, before anything is written elsewhere.
pub(super) struct Committing<'f, 'u, 'a> {
    pub(super) consent: Consent<'u>,
    pub(super) flow: &'f Flow<'a>,
    pub(super) changes: Option<Vec<Change>>,
    pub(super) command: &'f str,
    pub(super) given: &'f Given,
    pub(super) failed: Option<CommandError>,
}

impl Decide for Committing<'_, '_, '_> {
    fn decide(&mut self, plan: &Plan, judgement: &Judgement) -> Decision {
        let decision = self.consent.decide(plan, judgement);
        if decision.proceed == Proceed::Yes
            && let Some(changes) = self.changes.take()
            && let Err(error) = self.flow.commit(self.command, changes, self.given)
        {
            self.failed = Some(error);
            return Decision::no();
        }
        decision
    }
}
