//! A store in JSON files, changed beside a running gateway.
//!
//! The gateway's own writers come in three kinds: those that take the lock file, those that do not, and those that truncate
//! the file and write in place. The first are kept out; the second are noticed right before the replacement, the third on the
//! replaced file after it. Whatever they wrote is the base on which the edits are made again.

mod read;
mod write;

pub use write::Unsettled;

use super::edits::{State, Texts};
use super::json_text::{Document, Style};
use super::lock_file::LockFile;
use super::{Edit, ReadStore, Refusal, StoreContents, StoreError, WriteRules, Written, contents};
use crate::files::{self, OpenFile, PathError};
use keyshoal_core::StoreHealth;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) const STORE_FILE: &str = "auth-profiles.json";
pub(super) const STATE_FILE: &str = "auth-state.json";
/// Nobody's store is larger.
const LIMIT: u64 = 16 << 20;

/// The decision of the caller, asked anew for whatever stands in the store.
pub(super) type Decide<'a> = dyn FnMut(&StoreContents) -> Result<Vec<Edit>, Refusal> + 'a;

/// A JSON store: one file, or two with the state apart.
#[derive(Clone, Debug)]
pub(super) struct JsonStore {
    dir: PathBuf,
    with_state: bool,
    /// Where it is locked besides.
    linked_from: Vec<PathBuf>,
}

/// One file as it was found, held open.
#[derive(Debug)]
struct Seen {
    file: OpenFile,
    text: String,
}

/// Both files as they were found.
#[derive(Debug, Default)]
struct Pair {
    store: Option<Seen>,
    state: Option<Seen>,
}

/// Both files, and what they hold.
#[derive(Debug)]
struct Found {
    pair: Pair,
    texts: Texts,
    contents: StoreContents,
}

/// Says why a pair could not be understood.
enum Trouble {
    /// The system refused something.
    Path(PathError),
    /// The file makes no sense; `torn` when it looks as if somebody were just writing it.
    Unreadable { path: PathBuf, reason: String, torn: bool },
}

impl From<PathError> for Trouble {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Path(error) => error.into(),
            Trouble::Unreadable { path, reason, .. } => Self::Unreadable { path, reason },
        }
    }
}

impl JsonStore {
    pub fn new(dir: &Path, with_state: bool, linked_from: &[PathBuf]) -> Self {
        Self { dir: dir.to_owned(), with_state, linked_from: linked_from.to_vec() }
    }

    /// Removes what is prepared beside the files, and what they have replaced, whoever of us has left it there.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let mut places = BTreeSet::new();
        for path in [self.store_path(), self.state_path()] {
            places.extend(files::resolved(&path)?);
            places.insert(path);
        }
        Ok(files::sweep(&places, files::wall_clock())?)
    }

    fn store_path(&self) -> PathBuf {
        self.dir.join(STORE_FILE)
    }

    fn state_path(&self) -> PathBuf {
        self.dir.join(STATE_FILE)
    }
}
