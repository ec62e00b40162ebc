//! Why a vault cannot do what it was asked.

mod causes;

use keyshoal_core::{InstanceId, Timestamp};
use keyshoal_seal::{KeyError, KeyId, SealError};
use std::io;
use std::path::{Path, PathBuf};

/// Says why a vault cannot do what it was asked, and which file it is about. No variant ever holds secret material.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct VaultError {
    /// The vault, or the backup.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub cause: Cause,
}

impl VaultError {
    pub(crate) fn at(path: &Path) -> impl Fn(Cause) -> Self + '_ {
        |cause| Self { path: path.to_owned(), cause }
    }

    /// Tells whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match &self.cause {
            Cause::Database(source) => {
                matches!(source.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
            }
            Cause::NoRoom(_) => true,
            Cause::Conflict { .. } | Cause::RotationMoved { .. } | Cause::Busy | Cause::Replaced => true,
            _ => false,
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// There is none.
    #[error("there is no vault here; make one with `keyshoal vault init`")]
    Missing,
    /// It was open, and is not under its path any more.
    #[error(
        "was open here, and is not there any more: somebody has moved or removed it; put it back, or restore a backup of it"
    )]
    Gone,
    /// It was open, and under its path is another file of it.
    #[error(
        "is another file than the one that was open here: it was restored or put back meanwhile; look again"
    )]
    Replaced,
    /// It was open, and under its path is another vault.
    #[error("is another vault than the one that was open here; put that one back, or name it")]
    Another,
    /// Where it is to lie is nothing.
    #[error("the directory {} is not there; make it first, or name another place", .0.display())]
    NoDirectory(PathBuf),
    /// There is something already.
    #[error("is there already, and is never written over; choose another name, or move it aside")]
    Exists,
    /// There is a part of something that is gone itself.
    #[error("is gone, but {0} is left of it, which would spoil a new one; move it aside: mv {0} {0}.left")]
    LeftBeside(String),
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A symbolic link, a directory, a device.
    #[error("is no plain file in a plain directory; put the real one there")]
    NotPlain,
    /// Somebody else could read or change it.
    #[error(
        "{what} belongs to user {owner} with mode {mode:04o}, so that others could touch it; {}", way_in(*owner, *us, *want)
    )]
    Open {
        /// The vault or its directory.
        what: &'static str,
        /// Whose it is.
        owner: u32,
        /// Its mode.
        mode: u32,
        /// Who we are.
        us: u32,
        /// The mode it should have.
        want: u32,
    },
    /// Damaged.
    #[error(
        "is damaged ({0}); nothing was changed. `keyshoal vault verify` says what still opens; a file that is damaged as a whole comes back from a backup only (`keyshoal vault restore`)"
    )]
    Corrupt(String),
    /// Changed by somebody without the key, or damaged.
    #[error(
        "{0} was changed by something else than keyshoal, or is damaged; nothing was changed. `keyshoal vault verify` says what is affected, `keyshoal vault repair` mends it"
    )]
    Altered(String),
    /// The rows by which it is opened were changed by somebody without the key, or are damaged.
    #[error(
        "what it says of itself and its keys was changed by something else than keyshoal, or is damaged ({0}); nothing was changed. No repair mends that, as nothing shows how it was; a backup does (`keyshoal vault restore`)"
    )]
    Header(String),
    /// A SQLite database of something else.
    #[error("is a database, but not keyshoal's vault; nothing was changed")]
    NotOurs,
    /// Written by a newer version.
    #[error(
        "was written by a newer keyshoal (schema {found}, this one knows {known}); nothing was changed. Use that version"
    )]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// SQLite refused something.
    #[error("{0}")]
    Database(#[source] rusqlite::Error),
    /// The key at hand is another one.
    #[error(
        "is sealed under key {wanted}, and the key at hand is another one; give the one that it was made with ({source_hint})"
    )]
    WrongKey {
        /// The key that is needed.
        wanted: KeyId,
        /// Where it comes from.
        source_hint: String,
    },
    /// Records are wrapped with a key of the vault that is not at hand.
    #[error(
        "what is sealed under key {wanted} ({source_hint}) does not open, as that key is not at hand{why}; nothing of it is damaged, and nothing was changed"
    )]
    KeyAbsent {
        /// The key that is needed.
        wanted: KeyId,
        /// Where it comes from.
        source_hint: String,
        /// Why it cannot be had, as words that follow.
        why: String,
    },
    /// Something could not be sealed or opened.
    #[error("{what}: {source}")]
    Seal {
        /// Which record.
        what: String,
        /// Why.
        #[source]
        source: SealError,
    },
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No such instance.
    #[error("there is no instance {0} in the vault")]
    NoInstance(InstanceId),
    /// The instance was changed meanwhile.
    #[error("instance {instance} was changed meanwhile (it is at revision {found}, the change was made for {expected}){}; look again", last.as_deref().unwrap_or_default())]
    Conflict {
        /// Which one.
        instance: InstanceId,
        /// The revision that the change was made for.
        expected: u64,
        /// The revision it has.
        found: u64,
        /// Who changed what last, as words that follow.
        last: Option<String>,
    },
    /// Somebody else took the rotation on.
    #[error(
        "rotation {id} was taken on meanwhile (it is at {stage}, revision {found}; the step was made from {expected}); look again"
    )]
    RotationMoved {
        /// Which one.
        id: String,
        /// Where it stands.
        stage: String,
        /// The revision that the step was made from.
        expected: u64,
        /// The revision it has.
        found: u64,
    },
    /// Another process works on the rotation.
    #[error("another keyshoal is at work on this rotation{0}")]
    AtWork(String),
    /// The change makes no sense.
    #[error("{0}")]
    Refused(String),
    /// Somebody is at it.
    #[error("another keyshoal is giving this vault a new key; wait until it is done")]
    Busy,
    /// A rekey to another key is open.
    #[error(
        "since {begun} this vault is on its way to key {wanted} ({source_hint}), and is not there yet; finish that first, with the same options"
    )]
    OtherRekey {
        /// The key it is on its way to.
        wanted: KeyId,
        /// Where that comes from.
        source_hint: String,
        /// Since when.
        begun: Timestamp,
    },
    /// It is no backup.
    #[error("is no backup of a vault ({0})")]
    NotBackup(String),
    /// It is a backup, and not whole.
    #[error("is damaged, or was changed ({0}); nothing of it is taken. Another backup may be whole")]
    DamagedBackup(String),
    /// The file system is full.
    #[error(
        "there is no room left on its disk ({0}); make room first. Nothing is lost: what was written before is whole"
    )]
    NoRoom(#[source] rusqlite::Error),
    /// The file system may not be written.
    #[error(
        "lies on a disk that is mounted read-only, so nothing of it can be changed; what it holds can be read"
    )]
    ReadOnly,
    /// The file system may not be written, and the file is not whole without what stands beside it.
    #[error(
        "lies on a disk that is mounted read-only, and its last changes stand in the file {0} beside it; copy both to a disk that can be written, and name the copy with --vault"
    )]
    ReadOnlyLog(String),
}

/// Says how to get at a file that is not private to us. What is somebody else's is not to be taken from him.
fn way_in(owner: u32, us: u32, want: u32) -> String {
    match owner == us {
        true => format!("if nobody did: chmod {want:03o}"),
        false if us == 0 => {
            format!("leave it with that user, and run keyshoal as him: sudo -u '#{owner}' keyshoal …")
        }
        false => format!(
            "if it is yours: give it to user {us}, then chmod {want:03o}; else let that user run keyshoal"
        ),
    }
}
