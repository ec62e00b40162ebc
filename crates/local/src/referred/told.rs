//! What people are told of the private file and what is delivered by it.

use crate::Installation;
use keyshoal_core::plan::ConfigChange;

impl Installation {
    /// Says what becomes of the private file, where it is not as it should be.
    pub(crate) fn told_of_delivered(&self) -> Option<ConfigChange> {
        let due = self.due_of_delivered()?;
        let what = match due.len() {
            0 => "removed: nothing refers to it".to_owned(),
            1 => "holds 1 value that stores refer to".to_owned(),
            many => format!("holds {many} values that stores refer to"),
        };
        Some(ConfigChange { path: self.delivered_path().display().to_string(), what })
    }

    /// Says what people should know of what is delivered by reference, and what is not.
    pub(crate) fn notes_of_delivered(&self) -> Vec<String> {
        self.state().delivery.as_ref().map(|wanted| wanted.notes.clone()).unwrap_or_default()
    }
}
