//! The documents of credential stores, made from what a vault has decided: the exact bytes that the program itself would write.
//!
//! An [`Entry`] is prepared once and used for as many agents as hold it; a document is then put together from entries without
//! reading any of them again. Equal input makes equal bytes: entries stand in the order in which they are given.

mod build;
mod entry;
mod refs;
#[cfg(test)]
mod tests;

pub use build::{AgentArtifact, build_auth_artifacts};
pub use entry::{Entry, EntryError, Value};
pub use refs::{RefsError, RefsFile};

use keyshoal_core::{Layout, ProfileId, ProviderId, Secret};
use std::collections::HashSet;

/// The documents of one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// `auth-profiles.json`, or the cell of the store.
    pub store: Secret,
    /// `auth-state.json`, or the cell of the state; `None` where there is nothing to say, or the layout keeps it in the store.
    pub state: Option<Secret>,
}

/// Says why no document was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// Two entries have one id.
    #[error("the profile {0} is there twice: an agent has one of each id")]
    Twice(ProfileId),
    /// The layout is not known.
    #[error("the layout of this release is not known, so no store is made for it")]
    UnknownLayout,
    /// An entry was prepared for another layout.
    #[error("the profile {0} was prepared for another layout")]
    OtherLayout(ProfileId),
}

/// Makes the documents of a store.
pub fn artifact(
    layout: Layout,
    entries: &[&Entry],
    order: &[(ProviderId, Vec<ProfileId>)],
) -> Result<Artifact, ArtifactError> {
    if layout == Layout::Unknown {
        return Err(ArtifactError::UnknownLayout);
    }
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in entries {
        if entry.layout() != layout {
            return Err(ArtifactError::OtherLayout(entry.id().clone()));
        }
        if !seen.insert(entry.id()) {
            return Err(ArtifactError::Twice(entry.id().clone()));
        }
    }
    let look = Look::of(layout);
    let embedded = layout == Layout::JsonFile;
    let size = entries.iter().map(|entry| entry.text().len() + 8).sum::<usize>() + 64;
    let mut store = look.begin(size);
    look.profiles(&mut store, entries);
    if embedded && !order.is_empty() {
        look.order(&mut store, order);
    }
    let state = (!embedded && !order.is_empty()).then(|| {
        let mut state = look.begin(64 + 64 * order.len());
        look.order(&mut state, order);
        look.end(state)
    });
    Ok(Artifact { store: look.end(store), state })
}

/// How a layout's documents look: as `JSON.stringify` makes them, with two blanks for files and none for cells.
#[derive(Clone, Copy)]
struct Look {
    lines: bool,
}

impl Look {
    fn of(layout: Layout) -> Self {
        Self { lines: !layout.is_sqlite() }
    }

    fn begin(self, size: usize) -> String {
        let mut text = String::with_capacity(size);
        text.push_str(if self.lines { "{\n  \"version\": 1" } else { "{\"version\":1" });
        text
    }

    fn profiles(self, text: &mut String, entries: &[&Entry]) {
        self.section(text, "profiles", entries.len(), |text, at| text.push_str(entries[at].text()));
    }

    fn order(self, text: &mut String, order: &[(ProviderId, Vec<ProfileId>)]) {
        self.section(text, "order", order.len(), |text, at| {
            let (provider, ids) = &order[at];
            text.push_str(&quoted(provider.as_str()));
            text.push_str(if self.lines { ": [" } else { ":[" });
            for (at, id) in ids.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                self.line(text, 3);
                text.push_str(&quoted(id.as_str()));
            }
            if !ids.is_empty() {
                self.line(text, 2);
            }
            text.push(']');
        });
    }

    /// Writes a section of the document, whose members `member` writes.
    fn section(self, text: &mut String, name: &str, members: usize, member: impl Fn(&mut String, usize)) {
        text.push(',');
        self.line(text, 1);
        text.push_str(&quoted(name));
        text.push_str(if self.lines { ": {" } else { ":{" });
        for at in 0..members {
            if at > 0 {
                text.push(',');
            }
            self.line(text, 2);
            member(text, at);
        }
        if members > 0 {
            self.line(text, 1);
        }
        text.push('}');
    }

    fn line(self, text: &mut String, depth: usize) {
        if self.lines {
            text.push('\n');
            (0..depth).for_each(|_| text.push_str("  "));
        }
    }

    fn end(self, mut text: String) -> Secret {
        text.push_str(if self.lines { "\n}\n" } else { "}" });
        Secret::new(text)
    }
}

/// Quotes as JavaScript does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
