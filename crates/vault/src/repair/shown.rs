//! What an installation shows of its instance, as a vault would take it in.

use crate::apply::Work;
use crate::{Author, Cause, Change, NewInstance};
use keyshoal_core::vault::{CredentialUid, Delivery, VaultCredential, VaultInstance};
use keyshoal_core::{InstanceId, ProfileId, Secret, Timestamp};
use std::collections::BTreeMap;

/// Tells whether two entries of a profile hold the same credential, however they are written.
type Same<'a> = dyn Fn(&ProfileId, &Secret, &Secret) -> bool + 'a;

/// What an installation shows of its instance.
pub struct Shown<'a> {
    pub(crate) id: InstanceId,
    pub(crate) instance: VaultInstance,
    pub(crate) values: BTreeMap<CredentialUid, Secret>,
    pub(crate) documents: BTreeMap<String, Secret>,
    pub(crate) same: &'a Same<'a>,
}

impl<'a> Shown<'a> {
    /// Makes it of what would be taken in of the installation, and of how its credentials reach it.
    pub fn new(
        new: &NewInstance,
        delivery: Delivery,
        changes: Vec<Change>,
        who: &Author,
        now: Timestamp,
        same: &'a Same<'a>,
    ) -> Result<Self, Cause> {
        let empty = VaultInstance { delivery, ..crate::vault::empty(new) };
        let mut work = Work::new(empty, who, now);
        changes.into_iter().try_for_each(|change| work.apply(change))?;
        let documents = work.documents.into_iter().filter_map(|(name, text)| Some((name, text?)));
        Ok(Self {
            id: new.id.clone(),
            values: work.fresh.into_iter().map(|fresh| (fresh.credential, fresh.value)).collect(),
            documents: documents.collect(),
            instance: work.instance,
            same,
        })
    }

    /// Returns the value that agents hold of a credential.
    pub(crate) fn value(&self, of: &VaultCredential) -> Option<&Secret> {
        self.values.get(&of.uid)
    }

    /// Finds what the installation shows of a credential of the vault, whose agents are `known`.
    pub(crate) fn credential(&self, of: &VaultCredential, known: &VaultInstance) -> Option<&VaultCredential> {
        let owner = of.agent.and_then(|uid| known.agents.iter().find(|agent| agent.uid == uid));
        let here = owner.and_then(|owner| self.instance.agents.iter().find(|agent| agent.id == owner.id));
        let same_owner = |one: &&VaultCredential| match (of.agent, one.agent) {
            (None, None) => true,
            (Some(_), Some(uid)) => here.is_some_and(|agent| agent.uid == uid),
            _ => false,
        };
        self.instance
            .credentials
            .iter()
            .filter(|one| one.profile == of.profile && one.provider == of.provider)
            .find(same_owner)
    }
}
