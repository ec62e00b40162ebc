//! Everything that stands in a vault of one instance, however damaged: rows as they are, and what of them still opens.

use crate::load::Rows;
use crate::repair::rows::Parts;
use crate::session::{Row, Session, values};
use crate::values::Home;
use crate::{Cause, queries};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{InstanceId, Secret};
use keyshoal_seal::{IntegrityKey, Keyring};

/// The rows of one instance, and those that belong to nobody and may be its own.
pub(crate) struct Raw {
    pub(crate) id: InstanceId,
    /// Its own row.
    pub(crate) own: Option<Row>,
    pub(crate) agents: Vec<Row>,
    pub(crate) bindings: Vec<Row>,
    pub(crate) credentials: Vec<Row>,
    pub(crate) versions: Vec<Row>,
    pub(crate) documents: Vec<Row>,
    pub(crate) rotations: Vec<Row>,
}

impl Raw {
    /// Reads them.
    pub(crate) fn read(db: &dyn Session, id: &InstanceId) -> Result<Self, Cause> {
        let name = values![id.as_str()];
        let read = |query: &str| db.query(query, &name);
        Ok(Self {
            id: id.clone(),
            own: db.one(queries::INSTANCE, &name)?,
            agents: read(queries::RAW_AGENTS)?,
            bindings: read(queries::RAW_BINDINGS)?,
            credentials: read(queries::RAW_CREDENTIALS)?,
            versions: read(queries::RAW_VERSIONS)?,
            documents: read(queries::RAW_DOCUMENTS)?,
            rotations: read(queries::RAW_ROTATIONS)?,
        })
    }

    /// Returns the instance where its tag proves every row of it.
    pub(crate) fn trusted(&self, tags: &IntegrityKey) -> Option<VaultInstance> {
        let rows = self.rows()?;
        rows.check(tags).ok()?;
        rows.instance().ok()
    }

    /// The rows as reading them has them: what names another instance is not of it.
    fn rows(&self) -> Option<Rows> {
        let of = |rows: &[Row], instance: usize, columns: usize| -> Vec<Row> {
            let ours = rows.iter().filter(|row| row.text(instance).ok() == Some(self.id.as_str()));
            ours.map(|row| Row(row.values()[..columns].to_vec())).collect()
        };
        let rotations = of(&self.rotations, 1, 10);
        let rotations = rotations.iter().map(|row| {
            let [id, .., revision, tag] = row.values() else { return Row(Vec::new()) };
            Row(vec![id.clone(), revision.clone(), tag.clone()])
        });
        Some(Rows::of(
            self.own.clone()?,
            Parts {
                agents: of(&self.agents, 8, 8),
                bindings: of(&self.bindings, 4, 4),
                credentials: of(&self.credentials, 7, 7),
                versions: of(&self.versions, 11, 8),
                documents: of(&self.documents, 6, 3),
                rotations: rotations.collect(),
            },
        ))
    }

    /// Tells whether nothing is there that can be its own.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.agents, &self.credentials, &self.versions, &self.documents].iter().all(|rows| rows.is_empty())
    }

    /// Returns the tag that stands in its row.
    pub(crate) fn tag(&self) -> &[u8] {
        self.own.as_ref().and_then(|row| row.bytes(10).ok()).unwrap_or_default()
    }

    /// Returns the organisation that its row names.
    pub(crate) fn organisation(&self) -> Option<&str> {
        self.own.as_ref()?.text(1).ok()
    }

    /// Opens a version as one of this instance.
    pub(crate) fn open(&self, ring: &Keyring, vault: &str, organisation: &str, row: &Row) -> Option<Secret> {
        let home = Home { vault, organisation, instance: self.id.as_str() };
        let sealed = [0, 1, 2, 3, 8, 9, 10].map(|at| row.values().get(at).cloned());
        let sealed: Option<Vec<_>> = sealed.into_iter().collect();
        home.value(ring, &Row(sealed?)).ok().map(|value| value.value)
    }

    /// Opens a document as one of this instance.
    pub(crate) fn open_document(
        &self,
        ring: &Keyring,
        vault: &str,
        organisation: &str,
        row: &Row,
    ) -> Option<(String, Secret)> {
        let home = Home { vault, organisation, instance: self.id.as_str() };
        home.document(ring, row).ok()
    }
}
