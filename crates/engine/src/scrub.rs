//! What of the plaintext outside of the stores can go, and what stays, and why: a pure function of a look and an examination.
//!
//! Only what is certain goes. A file of an archive goes when every profile in it stands in a store that counts for its agent; a copy
//! in `models.json` goes when it is an earlier value of such a profile, or the present one that the program does not write again; a database is written anew when nobody can have it open.

mod databases;
mod files;

use crate::doctor::{Case, moment};
use keyshoal_core::examination::SetAside;
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
    scrub.left.extend(case.facts.set_aside.iter().map(|one| moved_aside(case, one)));
    scrub
}

/// What was moved aside is a person's to decide about: it may be moved back.
fn moved_aside(case: &Case<'_>, one: &SetAside) -> Left {
    let days = case.now().duration_since(one.at).as_hours() / 24;
    let since = match days {
        ..=0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    };
    Left {
        path: one.to.clone(),
        agent: None,
        why: format!(
            "it was moved aside of {} on {} ({since}), and may hold credentials in plaintext; nothing removes it by itself",
            one.agent,
            moment(one.at)
        ),
        fix: Some(format!(
            "rm -r {}   for good   or   keyshoal quarantine --undo {}   moves it back",
            one.to, one.agent
        )),
    }
}
