//! What of the plaintext outside of the stores can go, and what stays, and why: a pure function of a look and an examination.
//!
//! Only what is certain goes. A file of an archive goes when every profile in it stands in a store that counts for its agent; a copy
//! in `models.json` goes when it is an earlier value of such a profile, or the present one that the program does not write again; a database is written anew when nobody can have it open.

mod databases;
mod files;

use crate::doctor::Case;
use keyshoal_core::residue::PlainValue;
use keyshoal_core::{AgentId, Fingerprint};

/// What a scrub would do, and what it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scrub {
    /// What goes.
    pub steps: Vec<ScrubStep>,
    /// What stays although it holds plaintext, or may hold it.
    pub left: Vec<Left>,
}

/// One file that is scrubbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrubStep {
    /// The file.
    pub path: String,
    /// What is done.
    pub deed: Deed,
    /// The agent in whose directory it lies, where it is an agent's.
    pub agent: Option<AgentId>,
    /// The fingerprint of the whole text that must still stand there; `None` for databases.
    pub expect: Option<Fingerprint>,
    /// The values that go. Which values a database holds is not known.
    pub values: Vec<PlainValue>,
    /// Why it can go.
    pub why: String,
}

/// Says what is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It is removed.
    Remove,
    /// The values are taken out of it; what the program writes in their place stands there then.
    Clean,
    /// The database is written anew, without its free pages and its log.
    Rewrite,
}

impl Deed {
    /// Returns its word in the journal and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Clean => "clean",
            Self::Rewrite => "rewrite",
        }
    }
}

/// One file that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The file.
    pub path: String,
    /// The agent in whose directory it lies, where it is an agent's.
    pub agent: Option<AgentId>,
    /// What it holds, and why it stays.
    pub why: String,
    /// What to do.
    pub fix: Option<String>,
}

/// Says what can go.
pub fn plan(case: &Case<'_>) -> Scrub {
    let mut scrub = Scrub::default();
    for file in &case.facts.plain {
        files::decide(case, file, &mut scrub);
    }
    databases::decide(case, &mut scrub);
    scrub
}
