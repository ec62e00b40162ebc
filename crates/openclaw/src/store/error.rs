//! What can go wrong with a store. No message ever holds secret material.

use crate::files::PathError;
use keyshoal_core::ProfileId;
use std::path::PathBuf;
use std::time::Duration;

/// How the messages end that say so.
const NOTHING: &str = "; nothing was written";

/// A store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused something.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Somebody holds the program's lock on this store for too long.
    #[error("{}: locked by {holder} for more than {} s; nothing was written", path.display(), waited.as_secs())]
    Locked {
        /// The lock file or database.
        path: PathBuf,
        /// Who holds it, as far as can be told.
        holder: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The store is there, but nobody could say what it holds. It is never taken for an empty one.
    #[error("{}: {reason}; nothing was written", path.display())]
    Unreadable {
        /// The file or database.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The store must not be written now, or not by us.
    #[error("{}: {reason}; nothing was written", path.display())]
    ReadOnly {
        /// The file or database.
        path: PathBuf,
        /// Why, and the way out.
        reason: String,
    },
    /// An edit, or the caller's decision, refused what the store holds.
    #[error("{}: {refusal}; nothing was written", path.display())]
    Refused {
        /// The file or database.
        path: PathBuf,
        /// Why.
        #[source]
        refusal: Refusal,
    },
    /// Another writer replaced the store again and again while we tried.
    #[error("{}: another program kept changing it during {attempts} attempts; nothing of it was lost", path.display())]
    Contended {
        /// The file.
        path: PathBuf,
        /// How often we tried.
        attempts: u32,
    },
    /// It was written, and something failed after that. It may stand there or not survive a power cut.
    #[error("{}: written, but not proven: {reason}; look at it again with keyshoal status", path.display())]
    Unproven {
        /// The file or database.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
    /// SQLite refused something.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Says that a store was written and that this came after it.
    pub(super) fn unproven(path: &std::path::Path, what: &str, cause: &Self) -> Self {
        // Of the read that failed it is true; of the store it is not.
        let cause = cause.to_string();
        let cause = cause.strip_suffix(NOTHING).unwrap_or(&cause);
        Self::Unproven { path: path.to_owned(), reason: format!("{what} ({cause})") }
    }

    /// Tells whether trying again may help.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::Contended { .. } => true,
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            _ => false,
        }
    }
}

/// Why an edit was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The store holds something else than the caller expected (the compare of compare-and-swap).
    #[error("profile {profile} changed meanwhile: {found}")]
    Changed {
        /// Which profile.
        profile: ProfileId,
        /// What was found instead; fingerprints at most.
        found: String,
    },
    /// The profile does not exist.
    #[error("there is no profile {0}")]
    Missing(ProfileId),
    /// The profile exists already.
    #[error("there is a profile {0} already")]
    Exists(ProfileId),
    /// An OAuth refresh of OpenClaw has fenced the profile; wait until it is done, or sign in again if it failed.
    #[error("profile {0} is fenced by an OAuth refresh of OpenClaw")]
    Fenced(ProfileId),
    /// OAuth logins have one owner; their tokens are never copied or put back.
    #[error("profile {0} is an OAuth login; tokens are never copied or put back")]
    OAuth(ProfileId),
    /// The edit makes no sense for this profile.
    #[error("profile {profile}: {reason}")]
    Invalid {
        /// Which profile.
        profile: ProfileId,
        /// Why.
        reason: String,
    },
    /// The caller's own reason.
    #[error("{0}")]
    Other(String),
}
