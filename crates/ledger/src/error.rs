//! Why the ledger cannot do what it was asked.

use crate::Identity;
use keyshoal_core::{RunId, Timestamp};
use keyshoal_seal::{KeyError, SealError};
use std::io;
use std::path::{Path, PathBuf};

/// Says why the ledger cannot do what it was asked. No variant ever holds secret material.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A symbolic link, or a file where a directory must be.
    #[error("{}: is {found}, and the ledger follows no links and replaces nothing; move it aside", path.display())]
    NotPlain {
        /// Which file or directory.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It belongs to somebody else.
    #[error("{}: belongs to user {owner}, the state directory to user {state_owner}, and keyshoal runs as user {us}; give it back to its owner with chown", path.display())]
    OtherOwner {
        /// Which file or directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose the state directory is.
        state_owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Damaged.
    #[error("{}: is damaged ({detail}); nothing was changed. Restore it from a backup, or move it aside together with the files whose names begin with its own: keyshoal then starts anew and asks again about every value that differs", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A SQLite database of something else.
    #[error("{}: is a database, but not keyshoal's ledger; nothing was changed. Move it aside", path.display())]
    NotOurs {
        /// Which file.
        path: PathBuf,
    },
    /// Written by a newer version.
    #[error("{}: was written by a newer keyshoal (schema {found}, this one knows {known}); nothing was changed. Use that version", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// Written by an older version, where nothing may be written.
    #[error("{}: was written by an older keyshoal (schema {found}) and must be brought forward; run a command that may write there once", path.display())]
    Older {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// Opened for reading.
    #[error("{}: was opened for reading only", path.display())]
    ReadOnly {
        /// Which file.
        path: PathBuf,
    },
    /// SQLite refused something.
    #[error("{}: {source}{}", path.display(), way_out(source))]
    Database {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: rusqlite::Error,
    },
    /// The question whose directory this is must be answered first.
    #[error("{}: {identity}", path.display())]
    Unanswered {
        /// Which file.
        path: PathBuf,
        /// What was found.
        identity: Identity,
    },
    /// Another run is not finished.
    #[error("run {id} ({command}, begun {begun}) is not finished; see `keyshoal recover`")]
    RunOpen {
        /// Which run.
        id: RunId,
        /// Its command.
        command: String,
        /// When it began.
        begun: Timestamp,
    },
    /// No such run.
    #[error("there is no run {id} in the ledger; see `keyshoal history`")]
    UnknownRun {
        /// What was asked for.
        id: RunId,
    },
    /// The run is over.
    #[error("run {id} is already finished")]
    RunFinished {
        /// Which run.
        id: RunId,
    },
    /// No such step.
    #[error("run {id} has no step {step}")]
    UnknownStep {
        /// Which run.
        id: RunId,
        /// What was asked for.
        step: usize,
    },
    /// A journal image could not be sealed or opened.
    #[error("step {step} of run {run}, value {which}: {source}")]
    Image {
        /// Which run.
        run: RunId,
        /// Which step.
        step: usize,
        /// `before` or `after`.
        which: &'static str,
        /// Why.
        #[source]
        source: SealError,
    },
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl LedgerError {
    /// Tells whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
        match self {
            Self::Database { source, .. } => {
                matches!(source.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked | DiskFull))
            }
            _ => false,
        }
    }

    /// Tells whether the ledger cannot be written there at all, so that an ephemeral one is the way on.
    pub fn is_not_writable(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::StorageFull
            ),
            Self::Database { source, .. } => {
                use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly};
                matches!(
                    source.sqlite_error_code(),
                    Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly)
                ) || could_not_write(source)
            }
            _ => false,
        }
    }

    pub(crate) fn io(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { path: path.to_owned(), source: source.into() }
    }

    pub(crate) fn corrupt(path: &Path, detail: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), detail: detail.into() }
    }

    /// Sorts what SQLite said: damage has a way out of its own.
    pub(crate) fn database(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match (&source, source.sqlite_error_code()) {
            (_, Some(DatabaseCorrupt | NotADatabase)) => Self::corrupt(path, source.to_string()),
            (
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..),
                _,
            ) => Self::corrupt(path, format!("a row can not be read: {source}")),
            _ => Self::Database { path: path.to_owned(), source },
        }
    }
}

/// Tells whether the system failed to write or to make room, as it does on a full disk.
fn could_not_write(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_SHMOPEN
                | ffi::SQLITE_IOERR_SHMSIZE
                | ffi::SQLITE_IOERR_SHMMAP
        )
    )
}

fn way_out(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, PermissionDenied, ReadOnly,
    };
    if could_not_write(error) {
        return "; that file system is full or failing, make room on it";
    }
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => "; another process keeps it locked, try again when it is done",
        Some(DiskFull) => "; make room on that file system",
        Some(ReadOnly | PermissionDenied | CannotOpen) => {
            "; run keyshoal as the owner of the state directory, on a file system that can be written"
        }
        _ => "",
    }
}
