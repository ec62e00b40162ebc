//! Making the new files before the lock is taken.

use super::super::{Found, JsonStore, Seen};
use super::Run;
use crate::files::{self, Prepared};
use crate::store::StoreContents;
use crate::store::edits::State;
use crate::store::json_text::Document;
use std::path::PathBuf;
use std::time::Duration;

/// New files, prepared and synced before the lock is taken. They are used if they turn out to be right.
#[derive(Default)]
pub(super) struct Ready {
    pub store: Option<(String, Prepared)>,
    pub state: Option<(String, Prepared)>,
}

/// What came of preparing.
pub(super) enum Preparation {
    /// The caller wants no edits.
    NothingToDo(StoreContents),
    /// So much is ready.
    Ready(Ready),
}

impl JsonStore {
    /// Does the slow part before the lock is taken: most of the time nobody writes in between, and the lock is then held for
    /// well under a millisecond. Trouble is left to be found under the lock.
    pub(super) fn prepare(&self, run: &mut Run) -> Preparation {
        let durable = run.rules.safety.durable;
        let mut ready = Ready::default();
        let unclear = Preparation::Ready(Ready::default());
        let Ok(Found { pair, texts: mut after, contents }) = self.settled(Duration::ZERO) else {
            return unclear;
        };
        let Ok(edits) = (run.decide)(&contents) else { return unclear };
        if edits.is_empty() {
            return Preparation::NothingToDo(contents);
        }
        if edits.iter().any(|edit| after.apply(edit).is_err()) {
            return unclear;
        }
        let prepare = |new: Option<&Document>, seen: Option<&Seen>, path: PathBuf| {
            let text = new?.text();
            if seen.is_some_and(|seen| seen.text == text) {
                return None;
            }
            let target = seen.map_or(path, |seen| seen.file.path().to_owned());
            if files::mounted_alone(&target) {
                return None;
            }
            let like = seen.map(|seen| seen.file.meta());
            let prepared = Prepared::write(&target, text.as_bytes(), like, durable).ok()?;
            Some((text.to_owned(), prepared))
        };
        ready.store = prepare(after.store.as_ref(), pair.store.as_ref(), self.store_path());
        if let State::Own(state) = &after.state {
            ready.state = prepare(state.as_ref(), pair.state.as_ref(), self.state_path());
        }
        Preparation::Ready(ready)
    }
}
