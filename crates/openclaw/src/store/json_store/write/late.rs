//! What others wrote into a file at the moment in which we replaced it.

use super::super::read::text_of;
use super::super::{Pair, Seen};
use crate::files::OpenFile;
use crate::store::edits::{State, Texts};
use crate::store::json_text::Document;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A writer that has begun gets this long to finish, however long the lock is held already.
const LEAST_WAIT: Duration = Duration::from_millis(40);
/// So long after the replacement the replaced file is looked at once more. Making it durable mostly takes longer.
const SECOND_LOOK: Duration = Duration::from_millis(2);

/// The files that an attempt has replaced, where somebody wrote into one of them late. Ours stands in them, and must go on top of
/// what lies beneath: a file without a late write keeps what it held before us, so that our own value is not taken for another's.
#[derive(Clone, Debug, Default)]
pub(super) struct Late {
    store: Option<Layer>,
    state: Option<Layer>,
}

/// What we have put into a file, and on what.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// What our edits belong on. `None`: there was no file.
    pub base: Option<String>,
    /// What we have put in its place.
    pub ours: String,
}

impl Layer {
    /// Puts it on what somebody wrote late, if so.
    pub fn with_base(self, theirs: Option<String>) -> Self {
        Self { base: theirs.or(self.base), ..self }
    }
}

impl Late {
    /// Notes what was put into a file.
    pub fn put(&mut self, is_state: bool, layer: Option<Layer>) {
        *(if is_state { &mut self.state } else { &mut self.store }) = layer;
    }

    /// Tells whether nothing counts any more.
    pub fn is_empty(&self) -> bool {
        self.store.is_none() && self.state.is_none()
    }

    /// Returns what still counts: where something else stands than what we have put there, the program itself would have
    /// overwritten the late writer's.
    pub fn standing(&self, pair: &Pair) -> Self {
        let standing = |layer: &Option<Layer>, seen: &Option<Seen>| {
            layer.clone().filter(|layer| seen.as_ref().is_some_and(|seen| seen.text == layer.ours))
        };
        Self { store: standing(&self.store, &pair.store), state: standing(&self.state, &pair.state) }
    }

    /// Returns the texts on which the edits belong.
    pub fn beneath(&self, mut texts: Texts) -> Result<Texts, String> {
        let parse = |layer: &Layer| {
            layer.base.clone().map(Document::parse).transpose().map_err(|error| error.to_string())
        };
        if let Some(layer) = &self.store {
            texts.store = parse(layer)?;
        }
        if let (State::Own(state), Some(layer)) = (&mut texts.state, &self.state) {
            *state = parse(layer)?;
        }
        Ok(texts)
    }
}

/// Files that were replaced, still open, to be looked at once more.
#[derive(Debug)]
pub(super) struct Replaced {
    pair: Pair,
    late: Late,
    at: Instant,
}

impl Replaced {
    /// Keeps what has just been replaced.
    pub fn now(pair: Pair, late: Late) -> Self {
        Self { pair, late, at: Instant::now() }
    }

    /// Tells whether the time for that has come.
    pub fn is_due(&self) -> bool {
        self.at.elapsed() >= SECOND_LOOK
    }

    /// Looks at the replaced files again, a little later: the system may have found a file for a writer before we replaced it, and
    /// emptied it only after we had looked.
    pub fn second_look(self) -> Option<Late> {
        let Self { pair, mut late, at } = self;
        sleep(SECOND_LOOK.saturating_sub(at.elapsed()));
        let mut any = false;
        for (layer, seen) in [(&mut late.store, &pair.store), (&mut late.state, &pair.state)] {
            // A file that still has its name was not replaced, but stands there from an earlier attempt.
            let displaced = |seen: &&Seen| seen.file.still_named().is_ok_and(|named| !named);
            let seen = layer.as_ref().and(seen.as_ref()).filter(displaced);
            let theirs = seen.and_then(|seen| seen.late_text(LEAST_WAIT));
            if let (Some(layer), Some(theirs)) = (layer, theirs) {
                layer.base = Some(theirs);
                any = true;
            }
        }
        any.then_some(late)
    }
}

/// Returns what came into a file after we had read it: into the file itself, by a writer that had opened it before, or with
/// another file that took its place and that ours `displaced`. What makes no sense is nothing to build on.
pub(super) fn written_late(
    seen: Option<&Seen>,
    displaced: Option<&OpenFile>,
    wait: Duration,
) -> Option<String> {
    let seen = seen?;
    match displaced.filter(|file| !seen.file.is_same(file)) {
        Some(file) => text_of(file).ok().filter(|text| Document::parse(text.as_str()).is_ok()),
        None => seen.late_text(wait.max(LEAST_WAIT)),
    }
}

impl Seen {
    /// Returns what was written into the file after we read it, once it is whole. A writer that never finishes has lost its
    /// own text; ours stands.
    fn late_text(&self, wait: Duration) -> Option<String> {
        let begun = Instant::now();
        loop {
            match text_of(&self.file) {
                Ok(now) if now == self.text => return None,
                Ok(now) if Document::parse(now.as_str()).is_ok() => return Some(now),
                _ if begun.elapsed() > wait => return None,
                _ => sleep(Duration::from_millis(1)),
            }
        }
    }
}
