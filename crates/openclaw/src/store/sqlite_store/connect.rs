//! Opening somebody else's database without leaving traces, and without ever creating one.

use super::{StoreError, sidecars};
use crate::files::{self, PathError};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::Access;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// As long as OpenClaw itself waits for a database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a database that is being opened by somebody else is read anew.
const ATTEMPTS: u32 = 4;

/// Runs `read` on a database that is only read. `None` when there is no such file.
///
/// A plain read-only connection to a database in WAL mode leaves `-wal` and `-shm` files behind that belong to us. So where
/// nobody has it open (no log beside it, or an empty one without `-shm`) it is read as an immutable file, and read again as
/// usual if it turns out that somebody opened it meanwhile.
pub(crate) fn read_only<T, E: From<rusqlite::Error>>(
    path: &Path,
    mut read: impl FnMut(&Connection) -> Result<T, E>,
) -> Result<Option<Result<T, E>>, PathError> {
    // SQLite keeps its log beside the real file.
    let linked = files::is_link(path).then(|| files::resolved(path)).transpose()?.flatten();
    let path = linked.as_deref().unwrap_or(path);
    for _ in 0..ATTEMPTS {
        let Some(before) = files::metadata(path)? else { return Ok(None) };
        if !before.is_file() {
            let source = std::io::Error::other("it is no regular file");
            return Err(PathError { path: path.to_owned(), source });
        }
        // SQLite would only say that it was unable to open it.
        files::may(path, Access::READ_OK)?;
        if in_use(path)? {
            break;
        }
        let result = open_immutable(path).map_err(E::from).and_then(|db| read(&db));
        let unchanged = !in_use(path)? && files::metadata(path)?.is_some_and(|now| same(&before, &now));
        if unchanged {
            return Ok(Some(result));
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|db| {
        db.busy_timeout(BUSY_TIMEOUT)?;
        careful(&db)?;
        Ok(db)
    });
    Ok(Some(opened.map_err(E::from).and_then(|db| read(&db))))
}

/// Opens a database that exists, for writing.
pub(super) fn read_write(path: &Path, durable: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    careful(&db)?;
    // What is overwritten shall not stay in free pages. FULL: what we report as written survives a power cut.
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "synchronous", if durable { "FULL" } else { "OFF" })?;
    Ok(db)
}

/// Says it as a store's error; a database that stays busy is a lock that somebody holds.
pub(crate) fn sqlite_error(path: &Path, source: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase};
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => {
            StoreError::Locked { path, holder: "another connection".to_owned(), waited: BUSY_TIMEOUT }
        }
        Some(DatabaseCorrupt | NotADatabase) => {
            StoreError::Unreadable { path, reason: format!("SQLite says: {source}") }
        }
        _ => StoreError::Sqlite { path, source },
    }
}

fn careful(db: &Connection) -> rusqlite::Result<()> {
    // Views and triggers of a hostile schema call nothing.
    db.pragma_update(None, "trusted_schema", false)
}

fn open_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(uri, flags)?;
    careful(&db)?;
    Ok(db)
}

/// Tells whether somebody may have the database open, or has left a log that counts.
fn in_use(path: &Path) -> Result<bool, PathError> {
    let [wal, shm, journal] = sidecars(path);
    let counts = |file: &Path| Ok::<_, PathError>(files::metadata(file)?.is_some_and(|meta| meta.len() > 0));
    Ok(counts(&wal)? || counts(&journal)? || files::metadata(&shm)?.is_some())
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    let marks = |meta: &Metadata| {
        (
            meta.dev(),
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        )
    };
    marks(one) == marks(other)
}
