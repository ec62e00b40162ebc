//! The JSON documents. Their field names are a promise: snake_case, times in RFC 3339 UTC, no secrets.

mod alarm;
mod artifacts;
mod doctor;
mod error;
mod explain;
mod export;
mod history;
mod import;
mod instance;
mod mark;
mod plan;
mod quarantine;
mod rotate;
mod route;
mod run;
mod scrub;
mod shared;
mod status;
mod trace;
mod vault;
mod verify;

pub use alarm::{AddresseeDocument, AlarmDocument, AlertsDocument};
pub use artifacts::ArtifactsDocument;
pub use doctor::DoctorDocument;
pub use error::ErrorDocument;
pub use explain::{AgentExplanation, ExplainDocument};
pub use export::{ExportDocument, RecipientDocument};
pub use history::{HistoryDocument, RunDetailDocument};
pub use import::{ImportDocument, MadeDocument};
pub use instance::{InstanceDocument, InstancesDocument, OwnValue, ReleaseDocument};
pub use mark::MarkDocument;
pub use plan::{ActionDocument, DiffDocument, PlanDocument, QuestionDocument};
pub use quarantine::QuarantineDocument;
pub use rotate::{DueDocument, RotateDocument, RotationsDocument};
pub use route::RouteDocument;
pub use run::{ReceiptDocument, RunDocument, activation_words};
pub use scrub::ScrubDocument;
pub use shared::VerdictDocument;
pub use status::StatusDocument;
pub use trace::TraceDocument;
pub use vault::VaultDocument;
pub use verify::{VerifyDocument, state_word};

use crate::error::CommandError;
use crate::ui::steers;
use serde::Serialize;

/// Writes a document as one line.
pub fn to_line(document: &impl Serialize) -> Result<String, CommandError> {
    serde_json::to_string(document)
        .map(|text| escaped(&text) + "\n")
        .map_err(|error| CommandError::internal(format!("the JSON document could not be made: {error}")))
}

/// Writes a document as text with a line end.
pub fn to_text(document: &impl Serialize) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| CommandError::internal(format!("the JSON document could not be made: {error}")))?;
    Ok(escaped(&text) + "\n")
}

/// Escapes what JSON lets stand in a string and a terminal obeys (C1, the bidirectional characters). Outside of strings there is none.
fn escaped(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for one in text.chars() {
        if one != '\n' && steers(one) {
            made.push_str(&format!("\\u{:04x}", u32::from(one)));
        } else {
            made.push(one);
        }
    }
    made
}
