//! What people are told of the private file.

use crate::Installation;
use keyshoal_core::plan::ConfigChange;
use keyshoal_core::vault::Delivery;

impl Installation {
    /// Says what becomes of the private file, where it is not as it should be.
    pub(crate) fn told_of_delivered(&self) -> Option<ConfigChange> {
        let due = self.due_of_delivered()?;
        Some(self.of_delivered(match due.len() {
            0 => "removed: nothing refers to it".to_owned(),
            1 => "holds 1 value that stores refer to".to_owned(),
            many => format!("holds {many} values that stores refer to"),
        }))
    }

    /// Says that the private file goes last, where stores and the config still refer to it and shall not any more.
    pub(crate) fn told_of_leaving(&self) -> Option<ConfigChange> {
        let inline = self.state().delivery.as_ref().is_some_and(|wanted| wanted.delivery == Delivery::Inline);
        let is_there = keyshoal_openclaw::files::exists(&self.delivered_path());
        let leaves = inline && is_there && self.due_of_delivered().is_none();
        leaves.then(|| self.of_delivered("removed last, once no store refers to it any more".to_owned()))
    }

    fn of_delivered(&self, what: String) -> ConfigChange {
        ConfigChange { path: self.delivered_path().display().to_string(), what }
    }

    /// Says what people should know of what is delivered by reference, and what is not.
    pub(crate) fn notes_of_delivered(&self) -> Vec<String> {
        self.state().delivery.as_ref().map(|wanted| wanted.notes.clone()).unwrap_or_default()
    }
}
