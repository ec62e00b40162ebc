//! Writes what changes made of an instance: only the rows that differ.

use crate::apply::Work;
use crate::cells;
use crate::load::{DELIVERIES, Rows, STATES, word};
use crate::record::Kind;
use crate::session::{Session, Value, json, values};
use crate::values::Home;
use crate::{Cause, queries};
use keyshoal_core::vault::{VaultAgent, VaultCredential, VaultInstance};
use keyshoal_core::{InstanceId, Timestamp};
use keyshoal_seal::{IntegrityKey, KeyEncryptionKey};

/// What writing needs to know of the vault.
pub(crate) struct Pen<'a> {
    pub(crate) db: &'a dyn Session,
    pub(crate) vault: &'a str,
    pub(crate) tags: &'a IntegrityKey,
    pub(crate) key: &'a KeyEncryptionKey,
    pub(crate) now: Timestamp,
}

impl Pen<'_> {
    /// Writes an instance that was not there.
    pub(crate) fn begin(&self, instance: &VaultInstance) -> Result<(), Cause> {
        let of = instance;
        let revision = revision(of)?;
        let (delivery, models, order) =
            (word(&DELIVERIES, &of.delivery), json(&of.models)?, json(&of.order)?);
        let empty: &[u8] = &[];
        self.db.execute(queries::NEW_ORGANISATION, &values![of.organisation.as_str(), self.now])?;
        self.db.touch(
            queries::NEW_INSTANCE,
            &values![
                of.id.as_str(),
                of.organisation.as_str(),
                of.name.as_str(),
                of.state_dir.as_deref(),
                of.config.as_deref(),
                delivery,
                models,
                order,
                revision,
                self.now,
                empty
            ],
        )
    }

    /// Writes what differs from `before`, and the tag over everything.
    pub(crate) fn write(&self, before: &VaultInstance, work: &Work<'_>) -> Result<(), Cause> {
        let after = &work.instance;
        self.own_row(after)?;
        // Bindings name agents: they go first and come last.
        self.db.execute(queries::REMOVE_BINDINGS, &values![after.id.as_str()])?;
        self.agents(before, after)?;
        self.bindings(after)?;
        self.credentials(before, after, work)?;
        self.documents(after, work)?;
        self.tag(&after.id)
    }

    /// Makes the tag over everything of the instance anew.
    pub(crate) fn tag(&self, instance: &InstanceId) -> Result<(), Cause> {
        let rows = Rows::read(self.db, instance)?.ok_or_else(|| Cause::NoInstance(instance.clone()))?;
        self.db.touch(queries::SET_INSTANCE_TAG, &values![instance.as_str(), rows.tag(self.tags).as_slice()])
    }

    fn own_row(&self, of: &VaultInstance) -> Result<(), Cause> {
        let (delivery, models, order) =
            (word(&DELIVERIES, &of.delivery), json(&of.models)?, json(&of.order)?);
        self.db.touch(
            queries::SET_INSTANCE,
            &values![
                of.id.as_str(),
                of.name.as_str(),
                of.state_dir.as_deref(),
                of.config.as_deref(),
                delivery,
                models,
                order,
                revision(of)?
            ],
        )
    }

    fn agents(&self, before: &VaultInstance, after: &VaultInstance) -> Result<(), Cause> {
        let uid = |agent: &VaultAgent| Value::from(agent.uid.to_string());
        let place =
            |of: &VaultInstance, agent: &VaultAgent| of.agents.iter().position(|one| one.uid == agent.uid);
        for agent in &before.agents {
            if place(after, agent).is_none() {
                self.db.touch(queries::REMOVE_AGENT, &[uid(agent)])?;
            }
        }
        let changed = after.agents.iter().enumerate().filter(|(at, agent)| {
            place(before, agent) != Some(*at) || before.agents.get(*at) != Some(*agent)
        });
        let changed: Vec<_> = changed.collect();
        // Two agents may swap their ids or the default: neither has it on the way.
        for (_, agent) in &changed {
            self.db.execute(queries::PARK_AGENT, &[uid(agent)])?;
        }
        for (at, agent) in changed {
            let cells = cells::agent(at, agent)?;
            self.db.touch(queries::PUT_AGENT, &cells::of_instance(&cells, &after.id.as_str().into()))?;
        }
        Ok(())
    }

    fn bindings(&self, after: &VaultInstance) -> Result<(), Cause> {
        for (at, binding) in after.bindings.iter().enumerate() {
            let cells = cells::binding(at, binding)?;
            self.db.touch(queries::NEW_BINDING, &[&values![after.id.as_str()][..], &cells].concat())?;
        }
        Ok(())
    }

    fn credentials(
        &self,
        before: &VaultInstance,
        after: &VaultInstance,
        work: &Work<'_>,
    ) -> Result<(), Cause> {
        let earlier = |uid| before.credentials.iter().find(|one| one.uid == uid);
        for gone in &before.credentials {
            let left = after.credentials.iter().find(|one| one.uid == gone.uid);
            let uid = gone.uid.to_string();
            for version in &gone.versions {
                if !left.is_some_and(|one| one.versions.iter().any(|kept| kept.number == version.number)) {
                    self.db
                        .touch(queries::REMOVE_VERSION, &values![uid.as_str(), i64::from(version.number)])?;
                }
            }
            if left.is_none() {
                self.db.touch(queries::REMOVE_CREDENTIAL, &values![uid])?;
            }
        }
        // What is dropped makes room for what comes in.
        let (dropped, live): (Vec<_>, Vec<_>) =
            after.credentials.iter().enumerate().partition(|(_, one)| one.current().is_none());
        for (at, credential) in dropped.into_iter().chain(live) {
            if earlier(credential.uid) == Some(credential) && before.credentials.get(at) == Some(credential) {
                continue;
            }
            let cells = cells::credential(at, credential)?;
            self.db.touch(queries::PUT_CREDENTIAL, &cells::of_instance(&cells, &after.id.as_str().into()))?;
            self.versions(earlier(credential.uid), credential, after, work)?;
        }
        Ok(())
    }

    fn versions(
        &self,
        before: Option<&VaultCredential>,
        credential: &VaultCredential,
        instance: &VaultInstance,
        work: &Work<'_>,
    ) -> Result<(), Cause> {
        let uid = credential.uid.to_string();
        let earlier =
            |number| before.and_then(|one| one.versions.iter().find(|version| version.number == number));
        let changed = || credential.versions.iter().filter(|one| earlier(one.number) != Some(*one));
        for version in changed().filter(|one| earlier(one.number).is_some()) {
            self.db.touch(queries::PARK_VERSION, &values![uid.as_str(), i64::from(version.number)])?;
        }
        for version in changed() {
            let number = i64::from(version.number);
            let state = word(&STATES, &version.state);
            if earlier(version.number).is_some() {
                self.db.touch(queries::SET_VERSION, &values![uid.as_str(), number, state, version.since])?;
                continue;
            }
            let fresh = work
                .fresh
                .iter()
                .find(|fresh| (fresh.credential, fresh.number) == (credential.uid, version.number))
                .ok_or_else(|| Cause::refused("a version came without its value"))?;
            let created = version.created.as_millisecond();
            let stored = self
                .home(instance)
                .record(Kind::Credential, &uid, number, created)
                .seal(self.key, &fresh.value)?;
            let sealed = values![self.key.id(), stored.wrapped, stored.sealed];
            let cells = cells::version(&uid, version);
            self.db.touch(queries::NEW_VERSION, &[&cells[..], &sealed].concat())?;
        }
        Ok(())
    }

    fn documents(&self, instance: &VaultInstance, work: &Work<'_>) -> Result<(), Cause> {
        if work.documents.is_empty() {
            return Ok(());
        }
        let known = self.db.query(queries::DOCUMENTS, &values![instance.id.as_str()])?;
        for (name, value) in &work.documents {
            let earlier = known.iter().find(|row| row.text(0).is_ok_and(|known| known == name));
            let Some(value) = value else {
                if earlier.is_none() {
                    return Err(Cause::refused(format!("there is no document {name}")));
                }
                self.db.touch(queries::REMOVE_DOCUMENT, &values![instance.id.as_str(), name.as_str()])?;
                continue;
            };
            let number = earlier.map(|row| row.integer(1)).transpose()?.unwrap_or(0) + 1;
            let created = self.now.as_millisecond();
            let stored =
                self.home(instance).record(Kind::Document, name, number, created).seal(self.key, value)?;
            self.db.touch(
                queries::PUT_DOCUMENT,
                &values![
                    instance.id.as_str(),
                    name.as_str(),
                    number,
                    created,
                    self.key.id(),
                    stored.wrapped,
                    stored.sealed
                ],
            )?;
        }
        Ok(())
    }

    fn home<'a>(&'a self, instance: &'a VaultInstance) -> Home<'a> {
        Home { vault: self.vault, organisation: &instance.organisation, instance: instance.id.as_str() }
    }
}

fn revision(of: &VaultInstance) -> Result<i64, Cause> {
    i64::try_from(of.revision).map_err(|_| Cause::refused("it was changed too often"))
}
