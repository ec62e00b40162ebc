//! `keyshoal.quarantine.v1`.

use keyshoal_core::Timestamp;
use keyshoal_core::examination::SetAside;
use serde::Serialize;

/// What `quarantine --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct QuarantineDocument {
    schema: &'static str,
    moved: Option<MovedDocument>,
    undone: bool,
    set_aside: Vec<MovedDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct MovedDocument {
    agent: String,
    was: String,
    is: String,
    at: Timestamp,
}

impl QuarantineDocument {
    /// Makes it of what is set aside now, and of what was just moved, or moved back.
    pub fn of(aside: &[SetAside], moved: Option<(&SetAside, bool)>) -> Self {
        let document = |one: &SetAside| MovedDocument {
            agent: one.agent.clone(),
            was: one.from.clone(),
            is: one.to.clone(),
            at: one.at,
        };
        Self {
            schema: "keyshoal.quarantine.v1",
            moved: moved.map(|(one, _)| document(one)),
            undone: moved.is_some_and(|(_, undone)| undone),
            set_aside: aside.iter().map(document).collect(),
        }
    }
}
