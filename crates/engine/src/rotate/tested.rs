//! Asking the provider about the new value before any agent has it.

use super::{Going, Pointer, RotateError, Rotation, Stage};
use crate::ports::Ports;
use crate::progress::Progress;
use crate::rotate::Event;
use crate::set::SetError;
use crate::trial::{Trial, require_accepted, try_value};

impl<P: Ports + ?Sized> Going<'_, '_, P> {
    /// Asks it, unless it was asked a moment ago.
    pub(super) fn test(&mut self, rotation: &mut Rotation) -> Result<(), RotateError> {
        if !self.options.offline {
            let said = match &self.options.tested {
                Some(said) => said.clone(),
                None => {
                    let observed = self.observed()?;
                    (self.tell)(Event::Progress(Progress::Asking { questions: 1 }));
                    try_value(self.ports, &observed, &Trial::of(rotation))?
                }
            };
            self.report.tested.clone_from(&said);
            if let Err(refused) = require_accepted(&said, true) {
                if matches!(refused, SetError::Rejected(_)) {
                    rotation.state.halted = Some(refused.to_string());
                    self.step(rotation, Stage::RolledBack, Pointer::Unstage)?;
                }
                return Err(refused.into());
            }
        }
        rotation.state.untested = self.options.offline;
        self.step(rotation, Stage::Tested, Pointer::Stays)
    }
}
