//! Opens what is sealed of an instance.

use crate::load::{STATES, checked, from_word};
use crate::record::{Kind, Record};
use crate::session::{Row, values};
use crate::{Cause, Vault, VaultError, queries};
use keyshoal_core::vault::{CredentialUid, VaultInstance, VersionState};
use keyshoal_core::{InstanceId, Secret};
use keyshoal_seal::Keyring;

/// One value out of a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Of which credential.
    pub credential: CredentialUid,
    /// Of which version.
    pub number: u32,
    /// Where that version stands.
    pub state: VersionState,
    /// The profile's JSON entry.
    pub value: Secret,
}

impl Vault {
    /// Opens every value of an instance, by credential and number.
    pub fn values(&self, instance: &InstanceId) -> Result<Vec<Value>, VaultError> {
        self.with_keys(|ring| {
            self.database.read(|db| {
                let of = checked(db, &self.tags, instance)?;
                let home =
                    Home { vault: &self.id, organisation: of.organisation()?, instance: instance.as_str() };
                let rows = db.query(queries::SEALED_VERSIONS, &values![instance.as_str()])?;
                of.check_versions(&rows)?;
                let open = |row: &Row| {
                    home.value(ring, row).map_err(|cause| {
                        cause.sealed_in(|| {
                            let number = row.integer(1).unwrap_or_default();
                            format!(
                                "version {number} of {}, instance {}",
                                called(of.instance().ok().as_ref(), row),
                                of.name()
                            )
                        })
                    })
                };
                rows.iter().map(open).collect()
            })
        })
    }

    /// Opens every document of an instance, by name.
    pub fn documents(&self, instance: &InstanceId) -> Result<Vec<(String, Secret)>, VaultError> {
        self.with_keys(|ring| {
            self.database.read(|db| {
                let of = checked(db, &self.tags, instance)?;
                let home =
                    Home { vault: &self.id, organisation: of.organisation()?, instance: instance.as_str() };
                let rows = db.query(queries::SEALED_DOCUMENTS, &values![instance.as_str()])?;
                of.check_documents(&rows)?;
                let open = |row: &Row| {
                    home.document(ring, row).map_err(|cause| {
                        cause.sealed_in(|| {
                            format!("document {} of instance {}", row.text(0).unwrap_or_default(), of.name())
                        })
                    })
                };
                rows.iter().map(open).collect()
            })
        })
    }
}

/// Where sealed rows belong.
pub(crate) struct Home<'a> {
    pub(crate) vault: &'a str,
    pub(crate) organisation: &'a str,
    pub(crate) instance: &'a str,
}

impl Home<'_> {
    pub(crate) fn record<'a>(&'a self, kind: Kind, id: &'a str, number: i64, created: i64) -> Record<'a> {
        let Self { vault, organisation, instance } = *self;
        Record { vault, organisation, instance, kind, id, number, created }
    }

    /// Opens a row of [`queries::SEALED_VERSIONS`].
    pub(crate) fn value(&self, ring: &Keyring, row: &Row) -> Result<Value, Cause> {
        let record = self.record(Kind::Credential, row.text(0)?, row.integer(1)?, row.integer(3)?);
        Ok(Value {
            credential: CredentialUid(row.uid(0)?),
            number: row.counted(1)?,
            state: from_word(&STATES, row.text(2)?)?,
            value: record.open(ring, row.bytes(4)?, row.bytes(5)?, row.bytes(6)?)?,
        })
    }

    /// Opens a row of [`queries::SEALED_DOCUMENTS`].
    pub(crate) fn document(&self, ring: &Keyring, row: &Row) -> Result<(String, Secret), Cause> {
        let record = self.record(Kind::Document, row.text(0)?, row.integer(1)?, row.integer(2)?);
        Ok((row.string(0)?, record.open(ring, row.bytes(3)?, row.bytes(4)?, row.bytes(5)?)?))
    }
}

/// Names the credential of a row as people do, where the instance's rows still say.
pub(crate) fn called(known: Option<&VaultInstance>, row: &Row) -> String {
    let find = |of: &VaultInstance| {
        let one = of.credentials.iter().find(|one| row.uid(0).is_ok_and(|uid| one.uid.0 == uid))?;
        Some(crate::repair::named(of, one))
    };
    known.and_then(find).unwrap_or_else(|| format!("credential {}", shown(row, 0)))
}

/// Shows a column of a row.
pub(crate) fn shown(row: &Row, at: usize) -> String {
    row.string(at).or_else(|_| row.integer(at).map(|number| number.to_string())).unwrap_or_default()
}
