//! Reading.

use super::{Document, Kind, Rows, SqliteStore, State, StoreError, Texts, Trouble, connect};
use crate::files;
use crate::sessions;
use crate::store::contents::{Dialect, contents};
use crate::store::{ReadStore, StoreContents};
use keyshoal_core::StoreHealth;
use std::time::{Duration, SystemTime};

impl SqliteStore<'_> {
    /// Reads the store for looking at it.
    pub fn read(&self) -> Result<ReadStore, StoreError> {
        let found = connect::read_only(self.path, |db| {
            // One transaction, so that both cells belong together.
            let snapshot = db.unchecked_transaction()?;
            let identity = self.identity(&snapshot)?;
            let rows = self.rows(&snapshot);
            let own = matches!(self.kind, Kind::Agent { .. });
            let pinning = own.then(|| sessions::pinning(&snapshot).ok()).flatten();
            Ok((identity, rows, pinning))
        })?;
        let unreadable = |trouble| match self.fail(trouble) {
            StoreError::Unreadable { reason, .. } => Ok(ReadStore::nothing(StoreHealth::Unreadable(reason))),
            other => Err(other),
        };
        let (identity, rows, pinning) = match found {
            None => return Ok(ReadStore::nothing(StoreHealth::Absent)),
            Some(Err(trouble)) => return unreadable(trouble),
            Some(Ok(found)) => found,
        };
        let newer = identity.version > identity.known;
        let understood = rows.and_then(|rows| Ok((self.understand(&self.texts(&rows)?)?, rows)));
        let (contents, rows) = match understood {
            Ok(understood) => understood,
            // What is newer may look different; that it is newer is the better word.
            Err(_) if newer => (StoreContents::default(), Rows::default()),
            Err(trouble) => {
                let mut read = unreadable(trouble)?;
                read.read_only = identity.read_only;
                return Ok(read);
            }
        };
        let health = if newer {
            StoreHealth::NewerSchema { found: identity.version, known: identity.known }
        } else if contents.profiles.is_empty() && contents.invalid.is_empty() {
            StoreHealth::Empty
        } else {
            StoreHealth::Ok
        };
        let mut read = ReadStore::nothing(health);
        read.contents = contents;
        read.pinning = pinning;
        let names = files::metadata(self.path)?.as_ref().and_then(files::further_names);
        read.read_only = identity.read_only.or(names);
        read.modified = rows
            .updated
            .and_then(|millis| u64::try_from(millis).ok())
            .and_then(|millis| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
        Ok(read)
    }

    pub(super) fn understand(&self, texts: &Texts) -> Result<StoreContents, Trouble> {
        let state = match &texts.state {
            State::Own(state) => state.as_ref(),
            State::Embedded => None,
        };
        let nothing;
        let store = match &texts.store {
            Some(store) => store,
            None => {
                nothing = Document::parse("{\"profiles\":{}}")
                    .map_err(|error| Trouble::Unreadable(error.to_string()))?;
                &nothing
            }
        };
        contents(store, state, Dialect::Sqlite).map_err(Trouble::Unreadable)
    }
}
