//! Which instance a ledger belongs to, and whether it still lies where it belongs.

use crate::directory::{Directory, Place};
use crate::ledger::Inner;
use crate::{Keys, LedgerError};
use keyshoal_core::InstanceId;
use keyshoal_seal::{FingerprintKey, KeyId};
use rusqlite::{Connection, OptionalExtension, params};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Says whether the ledger still lies where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It has just been made, or is in memory.
    New,
    /// It lies where it was.
    Same,
    /// It is the very same directory on disk under another path: renamed, or mounted there. Nothing has to be asked.
    Moved {
        /// Its path before.
        from: PathBuf,
    },
    /// It is another directory than the one it was written in: a copy, a restored backup, or moved to another file system.
    Copied {
        /// Where it was written.
        from: PathBuf,
        /// Whether the directory it was written in is still there.
        original_exists: bool,
    },
    /// It is another directory than the one it was written in, at the same path: restored, or copied away and back.
    PutBack {
        /// The path.
        at: PathBuf,
    },
    /// Its fingerprints were made with another key, so that nothing in it can be compared.
    OtherKey {
        /// The key that it was written with.
        written_with: KeyId,
        /// The key at hand.
        have: KeyId,
    },
}

impl Identity {
    /// Tells whether what the ledger says can be relied on. While it cannot, nothing may be written to the instance.
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::New | Self::Same | Self::Moved { .. })
    }
}

/// One sentence that says what was found, and the way out where one is needed.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("this instance is new to keyshoal"),
            Self::Same => f.write_str("this instance is known"),
            Self::Moved { from } => write!(f, "this instance was known at {}", from.display()),
            Self::Copied { from, original_exists: true } => write!(
                f,
                "this state directory is a copy of {}, which is still there; say whether it is an instance of its own \
                 (its values and marks are taken along) before anything is written",
                from.display()
            ),
            Self::Copied { from, original_exists: false } => write!(
                f,
                "this state directory was copied, restored or moved from {}, which is not there any more; say whether it \
                 takes its place or is an instance of its own before anything is written",
                from.display()
            ),
            Self::PutBack { at } => write!(
                f,
                "{} is another directory than the one that was known here: it was restored, or put back after a copy; say \
                 whether it takes its place or is an instance of its own before anything is written",
                at.display()
            ),
            Self::OtherKey { written_with, have } => write!(
                f,
                "this ledger was written with fingerprint key {written_with}, and the key at hand is {have}; bring the key \
                 file along from the machine or user that wrote it, or say that this is an instance of its own: marks that a \
                 person set stay, everything else is learned anew"
            ),
        }
    }
}

/// Says what a copied directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopt {
    /// An instance of its own: it gets an id of its own.
    AsNew,
    /// The same instance at another place: it keeps its id.
    AsMoved,
}

/// What the ledger says of itself.
pub(crate) struct Own {
    pub(crate) instance: InstanceId,
    pub(crate) prints: FingerprintKey,
    pub(crate) identity: Identity,
}

/// Writes the first row of a new ledger.
pub(crate) fn begin(db: &Connection, place: Option<&Place>, keys: &Keys) -> rusqlite::Result<()> {
    let salt = uuid::Uuid::new_v4();
    let prints = keys.fingerprint.fingerprint_key(salt.as_bytes());
    db.execute(
        "INSERT INTO ledger (only_row, instance, salt, fingerprint_key) VALUES (1, ?1, ?2, ?3)",
        params![new_id(), salt.as_bytes().as_slice(), prints.id().as_bytes().as_slice()],
    )?;
    place.map_or(Ok(()), |place| remember(db, place))
}

/// Reads what the ledger says of itself and compares it with where it lies.
pub(crate) fn read(db: &Connection, place: Option<&Place>, keys: &Keys) -> rusqlite::Result<Option<Own>> {
    let row = db
        .query_row("SELECT instance, salt, fingerprint_key FROM ledger", [], |row| {
            let salt: Vec<u8> = row.get(1)?;
            let key = row.get_ref(2)?;
            let key = crate::stored::bytes(key).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(2, key.data_type(), Box::new(error))
            })?;
            Ok((InstanceId::new(row.get::<_, String>(0)?), salt, KeyId::from_bytes(key)))
        })
        .optional()?;
    let Some((instance, salt, written_with)) = row else { return Ok(None) };
    let prints = keys.fingerprint.fingerprint_key(&salt);
    let have = prints.id();
    let identity = match place {
        _ if have != written_with => Identity::OtherKey { written_with, have },
        Some(place) => compare(db, place)?,
        None => Identity::New,
    };
    Ok(Some(Own { instance, prints, identity }))
}

fn compare(db: &Connection, here: &Place) -> rusqlite::Result<Identity> {
    let mut query = db.prepare("SELECT path, device, inode, born FROM places ORDER BY rowid DESC")?;
    let known: Vec<Place> = query
        .query_map([], |row| {
            Ok(Place {
                path: OsString::from_vec(row.get(0)?).into(),
                device: row.get::<_, i64>(1)?.cast_unsigned(),
                inode: row.get::<_, i64>(2)?.cast_unsigned(),
                born: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let same: Vec<&Place> = known.iter().filter(|one| one.is_same_directory(here)).collect();
    Ok(match (same.first(), known.first()) {
        (Some(_), _) if same.iter().any(|one| one.path == here.path) => Identity::Same,
        (Some(one), _) => Identity::Moved { from: one.path.clone() },
        (None, Some(last)) if last.path == here.path => Identity::PutBack { at: here.path.clone() },
        (None, Some(last)) => {
            Identity::Copied { from: last.path.clone(), original_exists: still_there(last) }
        }
        (None, None) => Identity::Copied { from: PathBuf::from("an unknown place"), original_exists: false },
    })
}

fn still_there(place: &Place) -> bool {
    let found = Directory::open(&place.path).ok().flatten().and_then(|directory| directory.place().ok());
    found.is_some_and(|found| found.is_same_directory(place))
}

/// Adds a place where the ledger is at home.
pub(crate) fn remember(db: &Connection, place: &Place) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO places (path, device, inode, born) VALUES (?1, ?2, ?3, ?4)",
        params![path_bytes(&place.path), place.device.cast_signed(), place.inode.cast_signed(), place.born],
    )?;
    Ok(())
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Takes the id of an instance that is known elsewhere.
pub(crate) fn take(db: &Connection, inner: &Inner, id: &InstanceId) -> Result<(), LedgerError> {
    let taken = db.execute("UPDATE ledger SET instance = ?1", [id.as_str()]);
    taken.map(drop).map_err(|error| inner.database.error(error))
}

/// Answers the question what a copied directory is.
pub(crate) fn adopt(db: &Connection, inner: &Inner, how: Adopt) -> Result<(), LedgerError> {
    let at = |error| inner.database.error(error);
    let other_key = matches!(inner.own().identity, Identity::OtherKey { .. });
    if other_key && how == Adopt::AsMoved {
        // Its fingerprints stay incomparable whatever a person says.
        return Err(inner.unanswered());
    }
    if other_key {
        db.execute_batch(
            "DELETE FROM generations; DELETE FROM sightings; DELETE FROM may_replace; DELETE FROM verdicts;
             DELETE FROM kept WHERE by_whom <> 'person';",
        )
        .map_err(at)?;
        let key = inner.own().prints.id();
        db.execute("UPDATE ledger SET fingerprint_key = ?1", [key.as_bytes().as_slice()]).map_err(at)?;
    }
    if how == Adopt::AsNew {
        db.execute("DELETE FROM places", []).map_err(at)?;
        // What the other one's vault says is for the other one.
        db.execute("UPDATE ledger SET instance = ?1, vault = NULL", [new_id()]).map_err(at)?;
    }
    // Whatever gateway runs here, it is not known what it has read.
    db.execute("UPDATE ledger SET activated_digest = NULL, activated_at = NULL", []).map_err(at)?;
    inner.place.as_ref().map_or(Ok(()), |place| remember(db, place)).map_err(at)
}
