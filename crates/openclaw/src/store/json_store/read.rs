//! Reading: what is there, and whether it makes sense.

use super::*;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// An in-place write of a few kilobytes takes well under a millisecond; this is for a machine that stands still meanwhile. Beside a
/// gateway of 2026.3.28 with four clients on two busy cores, a file was seen empty for more than a second, once in 200 runs.
const TORN_PATIENCE: Duration = Duration::from_secs(3);
const TORN_WAIT: Duration = Duration::from_millis(1);
/// Nobody is still writing what was last changed longer ago.
const TORN_AGE: Duration = Duration::from_secs(4);

impl JsonStore {
    /// Reads the store for looking at it.
    pub fn read(&self) -> Result<ReadStore, StoreError> {
        let found = match self.settled(TORN_PATIENCE) {
            Ok(found) => found,
            Err(Trouble::Path(error)) => return Err(error.into()),
            Err(Trouble::Unreadable { path, reason, .. }) => {
                // The store is named by who shows this; the other file, or the one that a link leads to, is not.
                let reason = match path == self.store_path() {
                    true => reason,
                    false => format!("{}: {reason}", path.display()),
                };
                let mut read = ReadStore::nothing(StoreHealth::Unreadable(reason));
                read.modified = files::metadata(&self.store_path())?.and_then(|meta| meta.modified().ok());
                return Ok(read);
            }
        };
        let empty = found.contents.profiles.is_empty() && found.contents.invalid.is_empty();
        let mut read = ReadStore::nothing(match &found.pair.store {
            None => StoreHealth::Absent,
            Some(_) if empty => StoreHealth::Empty,
            Some(_) => StoreHealth::Ok,
        });
        read.contents = found.contents;
        if let Some(seen) = &found.pair.store {
            read.modified = Some(seen.file.modified()?);
        }
        read.state_modified = found.pair.state.as_ref().map(|seen| seen.file.modified()).transpose()?;
        for seen in [&found.pair.store, &found.pair.state].into_iter().flatten() {
            read.mounted_alone |= files::mounted_alone(seen.file.path());
            read.read_only = read.read_only.or_else(|| files::further_names(seen.file.meta()));
        }
        Ok(read)
    }

    /// Reads both files; a file that is empty or ends too early is probably just being written and gets some time.
    pub(super) fn settled(&self, patience: Duration) -> Result<Found, Trouble> {
        let begun = Instant::now();
        let mut wait = TORN_WAIT;
        loop {
            match self.look() {
                Err(Trouble::Unreadable { torn: true, .. }) if begun.elapsed() < patience => {}
                settled => return settled,
            }
            sleep(wait);
            wait = (wait * 2).min(Duration::from_millis(50));
        }
    }

    fn look(&self) -> Result<Found, Trouble> {
        let pair = Pair {
            store: Seen::look(&self.store_path())?,
            state: if self.with_state { Seen::look(&self.state_path())? } else { None },
        };
        let texts = self.texts(&pair)?;
        Ok(Found { contents: self.contents_of(&texts)?, texts, pair })
    }

    fn texts(&self, pair: &Pair) -> Result<Texts, Trouble> {
        let document = |seen: &Option<Seen>| seen.as_ref().map(Seen::document).transpose();
        Ok(Texts {
            store: document(&pair.store)?,
            state: match self.with_state {
                true => State::Own(document(&pair.state)?),
                false => State::Embedded,
            },
            style: Style::file(),
        })
    }

    pub(super) fn contents_of(&self, texts: &Texts) -> Result<StoreContents, Trouble> {
        let state = match &texts.state {
            State::Own(state) => state.as_ref(),
            State::Embedded => None,
        };
        let nothing;
        let store = match &texts.store {
            Some(store) => store,
            None => {
                nothing = empty_document()?;
                &nothing
            }
        };
        let dialect = match self.with_state {
            true => contents::Dialect::JsonWithState,
            false => contents::Dialect::JsonFile,
        };
        contents::contents(store, state, dialect).map_err(|reason| Trouble::Unreadable {
            path: self.store_path(),
            reason,
            torn: false,
        })
    }
}

/// Stands in for a store file that does not exist.
fn empty_document() -> Result<Document, Trouble> {
    Document::parse("{\"profiles\":{}}").map_err(|error| Trouble::Unreadable {
        path: PathBuf::new(),
        reason: error.to_string(),
        torn: false,
    })
}

impl Seen {
    fn look(path: &Path) -> Result<Option<Self>, Trouble> {
        let Some(file) = OpenFile::open(path)? else { return Ok(None) };
        let text = text_of(&file)?;
        Ok(Some(Self { file, text }))
    }

    fn document(&self) -> Result<Document, Trouble> {
        Document::parse(self.text.as_str()).map_err(|error| Trouble::Unreadable {
            path: self.file.path().to_owned(),
            reason: if self.text.trim().is_empty() {
                "the file is empty".to_owned()
            } else {
                error.to_string()
            },
            torn: error.cut_short && self.file.changed_within(TORN_AGE),
        })
    }
}

/// Reads a file that is held open, as it stands now.
pub(super) fn text_of(file: &OpenFile) -> Result<String, Trouble> {
    String::from_utf8(file.bytes(LIMIT)?).map_err(|error| Trouble::Unreadable {
        path: file.path().to_owned(),
        reason: format!("not UTF-8 after {} bytes", error.utf8_error().valid_up_to()),
        torn: error.utf8_error().error_len().is_none() && file.changed_within(TORN_AGE),
    })
}
