//! How values of the domain stand in columns.

use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_core::{AgentId, Fingerprint, StoreId, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// A point in time, to the microsecond: SQLite's integers cannot hold all of jiff's range in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct At(pub(crate) Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let micros = value.as_i64()?;
        Timestamp::from_microsecond(micros).map(Self).map_err(FromSqlError::other)
    }
}

/// A fingerprint, as its 16 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Print(pub(crate) Fingerprint);

impl ToSql for Print {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl FromSql for Print {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(Fingerprint::from_bytes(bytes(value)?)))
    }
}

/// Reads a blob of a known length.
pub(crate) fn bytes<const N: usize>(value: ValueRef<'_>) -> FromSqlResult<[u8; N]> {
    let blob = value.as_blob()?;
    blob.try_into().map_err(|_| FromSqlError::InvalidBlobSize { expected_size: N, blob_size: blob.len() })
}

pub(crate) fn origin_word(origin: GenerationOrigin) -> &'static str {
    match origin {
        GenerationOrigin::Seen => "seen",
        GenerationOrigin::Written => "written",
        GenerationOrigin::Residue => "residue",
    }
}

/// How a generation became known.
pub(crate) struct Origin(pub(crate) GenerationOrigin);

impl FromSql for Origin {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "seen" => Ok(Self(GenerationOrigin::Seen)),
            "written" => Ok(Self(GenerationOrigin::Written)),
            "residue" => Ok(Self(GenerationOrigin::Residue)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

pub(crate) fn kept_word(by: KeptBy) -> &'static str {
    match by {
        KeptBy::Person => "person",
        KeptBy::Acceptance => "acceptance",
    }
}

/// Who decided on an override.
pub(crate) struct By(pub(crate) KeptBy);

impl FromSql for By {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "person" => Ok(Self(KeptBy::Person)),
            "acceptance" => Ok(Self(KeptBy::Acceptance)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A store's name.
pub(crate) struct Store(pub(crate) StoreId);

impl ToSql for Store {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match &self.0 {
            StoreId::Base => "base".into(),
            StoreId::Agent(id) => format!("agent:{id}").into(),
        })
    }
}

impl FromSql for Store {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "base" => Ok(Self(StoreId::Base)),
            other => match other.strip_prefix("agent:") {
                Some(id) => Ok(Self(StoreId::Agent(AgentId::new(id)))),
                None => Err(FromSqlError::InvalidType),
            },
        }
    }
}

/// A value as JSON text.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: serde::de::DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

impl<T: serde::Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(text.into())
    }
}
