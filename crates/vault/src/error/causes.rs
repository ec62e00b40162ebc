//! How causes come about, and how they are said elsewhere.

use super::{Cause, VaultError};
use crate::KeyRecord;
use keyshoal_seal::SealError;

impl Cause {
    /// Sorts what SQLite said: damage has a way out of its own.
    pub(crate) fn database(source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly};
        match source.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Corrupt(source.to_string()),
            Some(DiskFull) => Self::NoRoom(source),
            Some(ReadOnly) => Self::ReadOnly,
            _ => Self::Database(source),
        }
    }

    /// Says that a key of the vault is not at hand, and why, where that is known.
    pub(crate) fn absent(record: &KeyRecord, why: &str) -> Self {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        Self::KeyAbsent { wanted: record.id, source_hint: record.source.to_string(), why }
    }

    /// Tells whether another key would help: the vault may have been given one meanwhile.
    pub(crate) fn wants_key(&self) -> bool {
        let sealed = matches!(self, Self::Seal { source: SealError::NoKey { .. }, .. });
        sealed || matches!(self, Self::WrongKey { .. } | Self::KeyAbsent { .. })
    }

    /// Names what does not open, where that is it.
    pub(crate) fn sealed_in(self, what: impl FnOnce() -> String) -> Self {
        match self {
            Self::Seal { source, .. } => Self::Seal { what: what(), source },
            cause => cause,
        }
    }

    /// Says what is wrong without the ways out, which are not those of a vault where it is about a backup.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Altered(what) => {
                format!("{what} was changed by something else than keyshoal, or is damaged")
            }
            Self::Corrupt(why) | Self::Header(why) => why.clone(),
            cause => cause.to_string(),
        }
    }

    /// The same of a backup: nothing of that is mended.
    pub(crate) fn of_backup(self) -> Self {
        match self {
            cause @ (Self::Altered(_) | Self::Corrupt(_) | Self::Header(_) | Self::Seal { .. }) => {
                Self::DamagedBackup(cause.why())
            }
            cause => cause,
        }
    }

    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    pub(crate) fn seal(what: impl Into<String>) -> impl FnOnce(SealError) -> Self {
        |source| Self::Seal { what: what.into(), source }
    }
}

impl From<VaultError> for Cause {
    fn from(error: VaultError) -> Self {
        error.cause
    }
}

impl From<rustix::io::Errno> for Cause {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}
