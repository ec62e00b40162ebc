//! Candidates as they are found.

use keyshoal_core::{Candidate, OutReason, Place, ProfileId, Standing};

/// Those that are tried in order, and the others.
#[derive(Default)]
pub(super) struct List {
    candidates: Vec<Candidate>,
    out: Vec<Candidate>,
}

impl List {
    pub(super) fn tried(&mut self, candidate: Candidate) {
        let standing = if self.candidates.is_empty() { Standing::First } else { Standing::Later };
        self.candidates.push(Candidate { standing, ..candidate });
    }

    pub(super) fn out(&mut self, candidate: Candidate, reason: OutReason) {
        self.out.push(Candidate { standing: Standing::Out(reason), ..candidate });
    }

    /// Tells whether nothing is tried yet.
    pub(super) fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    pub(super) fn has(&self, id: &ProfileId) -> bool {
        self.candidates.iter().chain(&self.out).any(|one| one.profile.as_ref() == Some(id))
    }

    pub(super) fn has_place(&self, place: &Place) -> bool {
        self.candidates.iter().chain(&self.out).any(|one| one.place == *place)
    }

    pub(super) fn done(mut self) -> Vec<Candidate> {
        self.candidates.append(&mut self.out);
        self.candidates
    }
}
