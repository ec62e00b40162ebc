//! An instance on its way back into its rows: what is written is exactly what its tag is made over.

use super::Bench;
use super::raw::Raw;
use crate::cells::{self, number};
use crate::load::{DELIVERIES, Rows, word};
use crate::session::{Row, Value, json, values};
use crate::{Cause, queries};
use keyshoal_core::Secret;
use keyshoal_core::vault::{CredentialUid, VaultInstance};
use std::collections::BTreeMap;

/// The rows below an instance's own, without what is sealed.
pub(crate) struct Parts {
    pub(crate) agents: Vec<Row>,
    pub(crate) bindings: Vec<Row>,
    pub(crate) credentials: Vec<Row>,
    pub(crate) versions: Vec<Row>,
    pub(crate) documents: Vec<Row>,
    pub(crate) rotations: Vec<Row>,
}

/// What is sealed of a record: key id, wrapped key, sealed value.
pub(crate) type Cells = [Value; 3];

/// A document.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) number: i64,
    pub(crate) created: i64,
    pub(crate) cells: Cells,
}

/// An instance on its way back into its rows.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) instance: VaultInstance,
    pub(crate) created: i64,
    /// What is sealed of every version.
    pub(crate) cells: BTreeMap<(CredentialUid, u32), Cells>,
    /// The values that open.
    pub(crate) opened: BTreeMap<(CredentialUid, u32), Secret>,
    pub(crate) documents: BTreeMap<String, Document>,
    /// The documents that open.
    pub(crate) texts: BTreeMap<String, Secret>,
    pub(crate) rotations: Vec<Row>,
}

impl Draft {
    /// Returns the rows that it will have, without the tag.
    pub(crate) fn rows(&self) -> Result<Rows, Cause> {
        let of = &self.instance;
        let own = values![
            of.id.as_str(),
            of.organisation.as_str(),
            of.name.as_str(),
            of.state_dir.as_deref(),
            of.config.as_deref(),
            word(&DELIVERIES, &of.delivery),
            json(&of.models)?,
            json(&of.order)?,
            number(of.revision)?,
            self.created,
            Vec::<u8>::new()
        ];
        Ok(Rows::of(Row(own.into()), self.parts()?))
    }

    fn parts(&self) -> Result<Parts, Cause> {
        let of = &self.instance;
        let (mut agents, mut bindings, mut credentials, mut versions) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (place, agent) in of.agents.iter().enumerate() {
            agents.push(Row(cells::agent(place, agent)?));
        }
        for (place, binding) in of.bindings.iter().enumerate() {
            bindings.push(Row(cells::binding(place, binding)?));
        }
        for (place, one) in of.credentials.iter().enumerate() {
            let uid = one.uid.to_string();
            credentials.push(Row(cells::credential(place, one)?));
            for version in &one.versions {
                versions.push(Row(cells::version(&uid, version)));
            }
        }
        versions.sort_by_key(|row| (row.string(0).unwrap_or_default(), row.integer(1).unwrap_or_default()));
        let documents = self
            .documents
            .iter()
            .map(|(name, one)| Row(values![name.as_str(), one.number, one.created].into()));
        let rotations = self.rotations.iter().map(|row| {
            let at = |column: usize| row.values().get(column).cloned().unwrap_or(Value::Null);
            Row(vec![at(0), at(8), at(9)])
        });
        let rotations = rotations.collect();
        Ok(Parts { agents, bindings, credentials, versions, documents: documents.collect(), rotations })
    }

    /// Writes it in the place of what stood there, with a tag of its own.
    pub(crate) fn write(&self, bench: &Bench<'_>, raw: &Raw) -> Result<(), Cause> {
        let db = bench.pen.db;
        self.clear(bench, raw)?;
        super::organisation(bench, &self.instance.organisation)?;
        let rows = self.rows()?;
        let (own, [agents, bindings, credentials, versions, documents, _]) = rows.parts();
        let instance = &values![self.instance.id.as_str()];
        db.touch(queries::NEW_INSTANCE, own.values())?;
        for row in agents {
            db.touch(queries::PUT_AGENT, &cells::of_instance(row.values(), &instance[0]))?;
        }
        for row in bindings {
            db.touch(queries::NEW_BINDING, &[instance, row.values()].concat())?;
        }
        for row in credentials {
            db.touch(queries::PUT_CREDENTIAL, &cells::of_instance(row.values(), &instance[0]))?;
        }
        for row in versions {
            let key = (CredentialUid(row.uid(0)?), row.counted(1)?);
            let cells = self.cells.get(&key).ok_or_else(|| Cause::refused("a version has no value"))?;
            db.touch(queries::NEW_VERSION, &[row.values(), cells].concat())?;
        }
        for (row, document) in documents.iter().zip(self.documents.values()) {
            db.touch(queries::PUT_DOCUMENT, &[instance, row.values(), &document.cells].concat())?;
        }
        for row in &self.rotations {
            db.touch(queries::NEW_ROTATION, row.values())?;
        }
        bench.pen.tag(&self.instance.id)
    }

    /// Removes what stood there, and what belonged to nobody and goes into this one.
    fn clear(&self, bench: &Bench<'_>, raw: &Raw) -> Result<(), Cause> {
        let db = bench.pen.db;
        let of = &self.instance;
        for query in queries::REMOVE_WHOLE {
            db.execute(query, &values![of.id.as_str()])?;
        }
        let there = |row: &Row| row.values().first().cloned().unwrap_or(Value::Null);
        for row in &raw.versions {
            let key = row.uid(0).ok().map(CredentialUid).zip(row.counted::<u32>(1).ok());
            if key.is_some_and(|key| {
                self.cells.contains_key(&key) || of.credentials.iter().any(|one| one.uid == key.0)
            }) {
                db.execute(queries::REMOVE_VERSION, &[there(row), row.values()[1].clone()])?;
            }
        }
        for row in &raw.credentials {
            if row.uid(0).is_ok_and(|uid| of.credentials.iter().any(|one| one.uid.0 == uid)) {
                db.execute(queries::REMOVE_CREDENTIAL, &[there(row)])?;
            }
        }
        for row in &raw.agents {
            if row.uid(0).is_ok_and(|uid| of.agents.iter().any(|one| one.uid.0 == uid)) {
                db.execute(queries::REMOVE_AGENT, &[there(row)])?;
            }
        }
        for row in
            raw.documents.iter().filter(|row| row.text(0).is_ok_and(|name| self.documents.contains_key(name)))
        {
            db.execute(queries::REMOVE_DOCUMENT, &[row.values()[6].clone(), there(row)])?;
        }
        Ok(())
    }
}
