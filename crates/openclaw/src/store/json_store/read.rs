//! Reading: what is there, and whether it makes sense.

use super::*;
use std::thread::sleep;
use std::time::Duration;

/// An in-place write of a few kilobytes takes well under a millisecond; this is for a machine that stands still meanwhile.
const TORN_RETRIES: u32 = 12;
const TORN_WAIT: Duration = Duration::from_millis(1);

impl JsonStore {
    /// Reads the store for looking at it.
    pub fn read(&self) -> Result<ReadStore, StoreError> {
        let pair = match self.settled(true) {
            Ok(pair) => pair,
            Err(Trouble::Path(error)) => return Err(error.into()),
            Err(Trouble::Unreadable { reason, .. }) => {
                let mut read = ReadStore::nothing(StoreHealth::Unreadable(reason));
                read.modified = files::metadata(&self.store_path())?.and_then(|meta| meta.modified().ok());
                return Ok(read);
            }
        };
        let (health, contents) = match (&pair.store, self.understand(&pair)) {
            (None, Ok(contents)) => (StoreHealth::Absent, contents),
            (_, Err(Trouble::Unreadable { reason, .. })) => {
                (StoreHealth::Unreadable(reason), StoreContents::default())
            }
            (_, Err(Trouble::Path(error))) => return Err(error.into()),
            (Some(_), Ok(contents)) if contents.profiles.is_empty() && contents.invalid.is_empty() => {
                (StoreHealth::Empty, contents)
            }
            (Some(_), Ok(contents)) => (StoreHealth::Ok, contents),
        };
        Ok(ReadStore {
            health,
            contents,
            modified: match &pair.store {
                Some(seen) => Some(seen.file.modified()?),
                None => None,
            },
            leftover_json: false,
            read_only: None,
            mounted_alone: pair.store.is_some() && files::mounted_alone(&self.store_path()),
        })
    }

    /// Reads both files, patiently: a file that is empty or ends too early is probably just being written.
    pub(super) fn settled(&self, patient: bool) -> Result<Pair, Trouble> {
        let mut wait = TORN_WAIT;
        for attempt in 0.. {
            let pair = self.look();
            let torn = match &pair {
                Ok(pair) => match self.understand(pair) {
                    Err(Trouble::Unreadable { torn, .. }) => torn,
                    _ => false,
                },
                Err(Trouble::Unreadable { torn, .. }) => *torn,
                Err(Trouble::Path(_)) => false,
            };
            if !torn || !patient || attempt == TORN_RETRIES {
                return pair.and_then(|pair| self.understand(&pair).map(|_| pair));
            }
            sleep(wait);
            wait = (wait * 2).min(Duration::from_millis(50));
        }
        unreachable!("the loop ends by itself")
    }

    fn look(&self) -> Result<Pair, Trouble> {
        Ok(Pair {
            store: Seen::look(&self.store_path())?,
            state: if self.with_state { Seen::look(&self.state_path())? } else { None },
        })
    }

    pub(super) fn understand(&self, pair: &Pair) -> Result<StoreContents, Trouble> {
        let texts = self.texts(pair)?;
        self.contents_of(&texts)
    }

    pub(super) fn texts(&self, pair: &Pair) -> Result<Texts, Trouble> {
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
        contents::contents(store, state, !self.with_state).map_err(|reason| Trouble::Unreadable {
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
        // Through links to where the file really is, so that a link is never replaced by a file.
        let Some(real) = files::resolved(path)? else { return Ok(None) };
        let Some(file) = OpenFile::open(&real)? else { return Ok(None) };
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
            torn: error.cut_short,
        })
    }
}

/// Reads a file that is held open, as it stands now.
pub(super) fn text_of(file: &OpenFile) -> Result<String, Trouble> {
    String::from_utf8(file.bytes(LIMIT)?).map_err(|error| Trouble::Unreadable {
        path: file.path().to_owned(),
        reason: format!("not UTF-8 after {} bytes", error.utf8_error().valid_up_to()),
        torn: error.utf8_error().error_len().is_none(),
    })
}
