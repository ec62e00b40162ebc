//! What only a vault has of an installation that was gathered: it goes into the payload, and what the vault wants goes before what stores hold.

mod bindings;

use crate::manifest::{AgentPart, LeftOut, Meant, Named, ProfilePart, ValueRef};
use crate::payload::Payload;
use crate::{check, entry};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, Origin, REFERENCES, VaultAgent, VaultCredential, VaultInstance, VersionState,
};
use keyshoal_core::{AgentId, CredentialKind, ProfileId, Secret, StoreId};
use keyshoal_openclaw::artifacts::RefsFile;
use keyshoal_openclaw::config;
use keyshoal_openclaw::store::StoredSecret;
use std::collections::BTreeSet;

/// What a vault says of an installation.
#[derive(Debug)]
pub struct Word<'a> {
    /// The instance.
    pub instance: &'a VaultInstance,
    /// Every value, by credential and number.
    pub values: Vec<(CredentialUid, u32, Secret)>,
    /// What the config held of agents when they left the roster.
    pub entries: Vec<(AgentId, Secret)>,
    /// What a person has marked as deliberate, and the vault does not have.
    pub kept: BTreeSet<(AgentId, ProfileId)>,
}

/// Puts the vault's word into a payload that was gathered of its installation.
pub fn hear(payload: &mut Payload, word: &Word<'_>) {
    payload.resolve(&word.file());
    let mut hearing = Hearing { payload, word };
    hearing.agents();
    hearing.bindings();
    hearing.kept();
    for credential in &word.instance.credentials {
        hearing.credential(credential);
    }
    hearing.earlier();
    hearing.payload.manifest.delivery = word.instance.delivery;
}

impl Word<'_> {
    /// Returns the private file as the vault would write it.
    fn file(&self) -> RefsFile {
        let mut file = RefsFile::new(REFERENCES).unwrap_or_default();
        for one in &self.instance.credentials {
            let value = one.current().and_then(|version| self.value_of(one.uid, version.number));
            let stored = value.and_then(|value| entry::check(&one.profile, value).ok());
            if let Some(StoredSecret::Inline(secret)) = stored.map(|stored| stored.secret) {
                let owner = one.agent.map(|uid| uid.0.to_string());
                file.put(&one.profile, owner.as_deref(), secret);
            }
        }
        file
    }

    fn value_of(&self, credential: CredentialUid, number: u32) -> Option<&Secret> {
        let found = self.values.iter().find(|(uid, of, _)| (*uid, *of) == (credential, number));
        found.map(|(_, _, value)| value)
    }
}

struct Hearing<'p, 'w> {
    payload: &'p mut Payload,
    word: &'w Word<'w>,
}

impl Hearing<'_, '_> {
    /// Puts disabled agents between those of the roster, with what the config held of them.
    fn agents(&mut self) {
        let instance = self.word.instance;
        for (at, agent) in instance.agents.iter().enumerate() {
            let place = self.place(&agent.id);
            if let Some(place) = place.filter(|_| !agent.enabled) {
                self.disabled(agent, place);
            }
            if place.is_some() {
                continue;
            }
            if agent.enabled {
                self.leave_out(
                    format!("agent {}", agent.id),
                    "the vault has it and the config does not, yet: keyshoal sync brings it there, then export again",
                );
                continue;
            }
            let before = instance.agents[..at].iter().rev().find_map(|other| self.place(&other.id));
            let part = AgentPart {
                id: agent.id.clone(),
                name: agent.name.clone(),
                default: agent.default && !self.payload.manifest.agents.iter().any(|one| one.default),
                models: agent.models.clone(),
                workspace: agent.workspace.clone(),
                agent_dir: None,
                enabled: false,
            };
            self.payload.manifest.agents.insert(before.map_or(0, |place| place + 1), part);
            self.entry(agent);
        }
    }

    /// Has an agent that the config still has be disabled, as the vault says.
    fn disabled(&mut self, agent: &VaultAgent, place: usize) {
        let agents = &mut self.payload.manifest.agents;
        agents[place].enabled = false;
        let default = self.word.instance.agents.iter().find(|one| one.default);
        if let Some(to) = agents.iter().position(|part| default.is_some_and(|one| one.id == part.id))
            && std::mem::take(&mut agents[place].default)
        {
            agents[to].default = true;
        }
        self.entry(agent);
    }

    /// Puts in what the config held of a disabled agent, as plain JSON: a payload is read more strictly than a config.
    fn entry(&mut self, agent: &VaultAgent) {
        let Some((id, text)) = self.word.entries.iter().find(|(id, _)| *id == agent.id) else { return };
        // Such a file would not be where the payload goes.
        let plain = entry::plain(text).and_then(|plain| match config::includes(&plain) {
            false => Ok(plain),
            true => Err("it includes a file that cannot be read".to_owned()),
        });
        match plain {
            Ok(plain) => {
                let value = self.value(plain);
                self.payload.manifest.entries.push(Named { name: id.to_string(), value });
            }
            Err(why) => self.leave_out(format!("what the config held of {id}"), why),
        }
    }

    fn place(&self, id: &AgentId) -> Option<usize> {
        self.payload.manifest.agents.iter().position(|agent| agent.id == *id)
    }

    fn kept(&mut self) {
        for part in &mut self.payload.manifest.profiles {
            if let StoreId::Agent(id) = &part.store
                && self.word.kept.contains(&(id.clone(), part.profile.clone()))
            {
                part.meant = Some(Meant::default());
            }
        }
    }

    /// Puts in what the vault has for a profile.
    fn credential(&mut self, credential: &VaultCredential) {
        let Some(version) = credential.current() else { return };
        let profile = &credential.profile;
        let Some(store) = self.store(credential.agent) else { return };
        let what = format!("{profile} of {store}");
        if credential.pending().is_some() {
            self.leave_out(
                format!("the next value of {what}"),
                "its rotation is not over, and stays with the old machine's vault",
            );
        }
        let Some(value) = self.word.value_of(credential.uid, version.number).cloned() else { return };
        let at = self
            .payload
            .manifest
            .profiles
            .iter()
            .position(|one| one.store == store && one.profile == *profile);
        let meant = Meant {
            waits: at.is_none(),
            expires: version.expires,
            origin: Some(Origin {
                created: version.created,
                by: check::shortened(&version.by),
                why: version.why.as_deref().map(check::shortened),
            }),
        };
        let Some(at) = at else {
            if credential.kind == CredentialKind::OAuth {
                self.leave_out(what, "no store holds this login; sign in on the new machine");
            } else if let Err(why) = entry::check(profile, &value) {
                self.leave_out(what, why);
            } else {
                let (entry, profile) = (self.value(value), profile.clone());
                self.payload.manifest.profiles.push(ProfilePart {
                    store,
                    profile,
                    entry,
                    meant: Some(meant),
                });
            }
            return;
        };
        let part = &self.payload.manifest.profiles[at];
        let (number, kept) = (part.entry, part.meant.is_some());
        let there = self.secret(profile, number);
        // What is kept there goes before the vault, which says nothing of it.
        if kept {
            return;
        }
        let is_login = matches!(there, Some(StoredSecret::OAuth { .. }));
        match (credential.kind == CredentialKind::OAuth, is_login) {
            // A login in a store is newer than the vault's.
            (true, true) => {}
            (true, false) => {
                self.leave_out(
                    format!("the vault's login {what}"),
                    "the store holds something else in its place, which comes along; sign in on the new machine",
                );
                return;
            }
            (false, _) => {
                if there.is_some_and(|own| !self.has_had(credential, &own)) {
                    self.leave_out(
                        format!("what the store holds of {what}"),
                        "the vault has another value for it, which comes along (keyshoal diff   shows both)",
                    );
                }
                self.payload.put(number, value);
            }
        }
        self.payload.manifest.profiles[at].meant = Some(meant);
    }

    /// Has copies in agents' stores that hold an earlier value of what all share, or an override that was taken back, be copies of that.
    fn earlier(&mut self) {
        for at in 0..self.payload.manifest.profiles.len() {
            let part = &self.payload.manifest.profiles[at];
            if part.meant.is_some() || part.store == StoreId::Base {
                continue;
            }
            let (store, profile, number) = (part.store.clone(), part.profile.clone(), part.entry);
            let live = |one: &&VaultCredential| one.agent.is_none() && one.profile == profile;
            let Some(shared) =
                self.word.instance.credentials.iter().filter(live).find(|one| one.current().is_some())
            else {
                continue;
            };
            let is_over = |one: &VaultCredential| {
                one.profile == profile
                    && one.current().is_none()
                    && self.store(one.agent) == Some(store.clone())
            };
            let mut known =
                self.word.instance.credentials.iter().filter(|one| one.uid == shared.uid || is_over(one));
            let own = self.secret(&profile, number);
            let ours = own.is_some_and(|own| known.any(|one| self.has_had(one, &own)));
            let current = shared.versions.iter().find(|one| one.state == VersionState::Current);
            let value = current.and_then(|version| self.word.value_of(shared.uid, version.number)).cloned();
            if let (true, Some(value)) = (ours, value) {
                self.payload.put(number, value);
            }
        }
    }

    /// Returns the store in which a credential belongs; none where its agent does not come along.
    fn store(&self, agent: Option<AgentUid>) -> Option<StoreId> {
        let Some(uid) = agent else { return Some(StoreId::Base) };
        let agent = self.word.instance.agents.iter().find(|agent| agent.uid == uid)?;
        self.place(&agent.id).map(|_| StoreId::Agent(agent.id.clone()))
    }

    /// Tells whether a secret is one of a credential's versions.
    fn has_had(&self, credential: &VaultCredential, secret: &StoredSecret) -> bool {
        let of = self.word.values.iter().filter(|(uid, _, _)| *uid == credential.uid);
        let mut secrets =
            of.filter_map(|(_, _, value)| Some(entry::check(&credential.profile, value).ok()?.secret));
        !matches!(secret, StoredSecret::OAuth { .. }) && secrets.any(|one| one == *secret)
    }

    fn secret(&self, profile: &ProfileId, number: ValueRef) -> Option<StoredSecret> {
        Some(entry::check(profile, self.payload.value(number)?).ok()?.secret)
    }

    fn value(&mut self, value: Secret) -> ValueRef {
        self.payload.add(value)
    }

    fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.payload.manifest.left_out.push(LeftOut { what: what.into(), why: why.into() });
    }
}
