//! What of damaged rows the installation confirms, and what it has in the place of the rest.

use super::parse::Standing;
use crate::Cause;
use crate::repair::rows::Draft;
use crate::repair::{Bench, Shown};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, VaultAgent, VaultCredential, VaultInstance, VersionState,
};
use std::collections::{BTreeMap, BTreeSet};

/// The instance as the installation confirms it.
pub(super) struct Confirmed {
    /// What stands there, corrected where the installation shows it. What it does not confirm is still in it.
    pub(super) instance: VaultInstance,
    /// The credentials that it confirms.
    known: BTreeSet<CredentialUid>,
    /// Credentials that need a new version, and what the installation calls them.
    renewed: Vec<(CredentialUid, CredentialUid)>,
    /// What the installation shows and the vault has nothing of.
    missing: Vec<VaultCredential>,
}

impl Confirmed {
    pub(super) fn of(standing: &Standing, shown: &Shown<'_>, draft: &Draft) -> Self {
        let mut instance = standing.instance.clone();
        let here = &shown.instance;
        instance.state_dir.clone_from(&here.state_dir);
        instance.config.clone_from(&here.config);
        instance.delivery = here.delivery;
        instance.models.clone_from(&here.models);
        instance.order.clone_from(&here.order);
        let uids = agents(&mut instance, here);
        instance.bindings.clone_from(&here.bindings);
        for binding in &mut instance.bindings {
            binding.agent = uids.get(&binding.agent).copied().unwrap_or(binding.agent);
        }
        // Those of disabled agents stand in no config, and nobody acts upon them.
        let off = |uid: AgentUid| instance.agents.iter().any(|one| one.uid == uid && !one.enabled);
        instance.bindings.extend(standing.instance.bindings.iter().filter(|one| off(one.agent)).cloned());
        let mut confirmed =
            Self { instance, known: BTreeSet::new(), renewed: Vec::new(), missing: Vec::new() };
        confirmed.credentials(shown, draft, &uids);
        confirmed
    }

    fn credentials(&mut self, shown: &Shown<'_>, draft: &Draft, uids: &BTreeMap<AgentUid, AgentUid>) {
        let wanted: Vec<VaultCredential> = shown
            .instance
            .credentials
            .iter()
            .map(|one| {
                let agent = one.agent.map(|uid| uids.get(&uid).copied().unwrap_or(uid));
                VaultCredential { agent, ..one.clone() }
            })
            .collect();
        let mut open: Vec<&VaultCredential> = wanted.iter().collect();
        for pass in [Pass::AsItStands, Pass::Current, Pass::AnyVersion, Pass::ByName] {
            open.retain(|one| {
                let Some(value) = shown.value(one) else { return false };
                let holds = |known: &VaultCredential, state: Option<VersionState>| {
                    known
                        .versions
                        .iter()
                        .rev()
                        .find(|version| {
                            let opened = draft.opened.get(&(known.uid, version.number));
                            state.is_none_or(|state| version.state == state)
                                && opened.is_some_and(|opened| (shown.same)(&one.profile, opened, value))
                        })
                        .map(|version| version.number)
                };
                let is_named = |known: &VaultCredential| {
                    (&known.profile, &known.provider, &known.kind, known.agent)
                        == (&one.profile, &one.provider, &one.kind, one.agent)
                };
                let found = self.instance.credentials.iter().position(|known| {
                    !self.known.contains(&known.uid)
                        && match pass {
                            Pass::AsItStands => {
                                is_named(known) && holds(known, Some(VersionState::Current)).is_some()
                            }
                            Pass::Current => holds(known, Some(VersionState::Current)).is_some(),
                            Pass::AnyVersion => holds(known, None).is_some(),
                            Pass::ByName => {
                                is_named(known)
                                    && known
                                        .versions
                                        .iter()
                                        .any(|version| version.state != VersionState::Retired)
                            }
                        }
                });
                let Some(at) = found else { return true };
                let current = holds(&self.instance.credentials[at], None);
                let known = &mut self.instance.credentials[at];
                self.known.insert(known.uid);
                known.profile.clone_from(&one.profile);
                known.provider.clone_from(&one.provider);
                known.kind.clone_from(&one.kind);
                known.agent = one.agent;
                match current {
                    Some(number) if pass == Pass::AnyVersion => {
                        for version in &mut known.versions {
                            if version.number == number {
                                version.state = VersionState::Current;
                            } else if version.state == VersionState::Current {
                                version.state = VersionState::Retired;
                            }
                        }
                    }
                    None => self.renewed.push((known.uid, one.uid)),
                    Some(_) => {}
                }
                false
            });
        }
        self.missing = open.into_iter().cloned().collect();
        // What nothing names cannot be written: it is no part of what may have been.
        self.instance.credentials.retain(|one| !one.profile.as_str().is_empty());
    }

    /// Makes the draft what is confirmed: nothing that is not stays, and what is missing comes in.
    pub(super) fn take_in(
        &mut self,
        bench: &Bench<'_>,
        shown: &Shown<'_>,
        draft: &mut Draft,
    ) -> Result<(), Cause> {
        let mut instance = self.instance.clone();
        instance.credentials.retain(|one| self.known.contains(&one.uid));
        let organisation = draft.instance.organisation.clone();
        draft.instance = VaultInstance { organisation, ..instance };
        let mut all = std::mem::take(&mut draft.instance.credentials);
        for (uid, here) in &self.renewed {
            let (Some(one), Some(value)) =
                (all.iter_mut().find(|one| one.uid == *uid), shown.values.get(here))
            else {
                continue;
            };
            draft.add_version(bench, one, value.clone())?;
        }
        for one in &self.missing {
            let Some(value) = shown.values.get(&one.uid) else { continue };
            let mut new = VaultCredential { versions: Vec::new(), ..one.clone() };
            draft.add_version(bench, &mut new, value.clone())?;
            all.push(new);
        }
        draft.instance.credentials = all;
        Ok(())
    }

    /// Returns what agents were to hold, and nothing confirms.
    pub(super) fn unconfirmed<'s>(
        &'s self,
        stood: &'s VaultInstance,
    ) -> impl Iterator<Item = &'s VaultCredential> {
        let live = stood
            .credentials
            .iter()
            .filter(|one| one.current().is_some() && !one.profile.as_str().is_empty());
        live.filter(|one| !self.known.contains(&one.uid))
    }
}

/// By what a credential is found, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// It is called so, and its present value is the one that is held.
    AsItStands,
    /// Its present value is the one that is held.
    Current,
    /// One of its values is the one that is held.
    AnyVersion,
    /// It is called so.
    ByName,
}

/// Makes the agents those of the roster, each with the uid that it had. Returns the uids by those that the installation shows.
fn agents(instance: &mut VaultInstance, here: &VaultInstance) -> BTreeMap<AgentUid, AgentUid> {
    let stood = std::mem::take(&mut instance.agents);
    let in_roster = |one: &VaultAgent| here.agents.iter().any(|agent| agent.id == one.id);
    let mut used = BTreeSet::new();
    let mut uids = BTreeMap::new();
    for agent in &here.agents {
        let like = |one: &&VaultAgent| one.id == agent.id && !used.contains(&one.uid);
        let exact =
            stood.iter().find(|one| VaultAgent { uid: one.uid, ..agent.clone() } == **one && like(one));
        if let Some(one) = exact.or_else(|| stood.iter().find(like)) {
            used.insert(one.uid);
            uids.insert(agent.uid, one.uid);
        }
    }
    for (place, agent) in here.agents.iter().enumerate() {
        if uids.contains_key(&agent.uid) {
            continue;
        }
        // One whose id is none of the roster's, at the place of the one that is missing, is that one under a wrong id.
        let wrong = stood.get(place).filter(|one| one.enabled && !in_roster(one) && !used.contains(&one.uid));
        let wrong = wrong.or_else(|| {
            let mut others =
                stood.iter().filter(|one| one.enabled && !in_roster(one) && !used.contains(&one.uid));
            others.next().filter(|_| others.next().is_none())
        });
        let uid = wrong.map_or(agent.uid, |one| one.uid);
        used.insert(uid);
        uids.insert(agent.uid, uid);
    }
    let mut roster = here.agents.iter().map(|agent| VaultAgent { uid: uids[&agent.uid], ..agent.clone() });
    // Who is disabled is in no roster, and keeps its place among the others.
    for (place, one) in stood.iter().enumerate() {
        if !one.enabled && !in_roster(one) && !used.contains(&one.uid) {
            while instance.agents.len() < place {
                let Some(next) = roster.next() else { break };
                instance.agents.push(next);
            }
            instance.agents.push(VaultAgent { default: false, ..one.clone() });
        }
    }
    instance.agents.extend(roster);
    uids
}
