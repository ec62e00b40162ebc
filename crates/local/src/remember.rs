//! The ledger behind the engine's memory port.

use crate::{Installation, clock};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::record::LookRecord;
use keyshoal_core::{Fact, Knowledge};
use keyshoal_engine::ports::{PortError, Remember};
use keyshoal_ledger::LedgerError;

impl Remember for Installation {
    fn knowledge(&self) -> Result<Knowledge, PortError> {
        let mut known = self.ledger.knowledge().map_err(port_error)?;
        // A run that this process or another one is in the middle of has not broken off.
        let ours = self.state().run.is_some();
        if known.open_run.is_some() && (ours || self.is_at_work().map_err(port_error)?) {
            known.open_run = None;
        }
        Ok(known)
    }

    /// Learns nothing where nothing can be kept, or where it is not certain whose memory this is: reading must still work.
    /// What a person says is another matter: it is remembered, or refused.
    fn learn(&self, facts: &[Fact]) -> Result<(), PortError> {
        if facts.iter().any(is_a_persons_word) {
            self.require_memory()?;
        }
        if !self.ledger.is_writable() || !self.ledger.identity().is_certain() {
            return Ok(());
        }
        self.ledger.learn(facts, clock::now()).map_err(port_error)
    }

    fn keep_look(&self, record: &LookRecord) -> Result<(), PortError> {
        if !self.ledger.is_writable() {
            return Ok(());
        }
        let record = record.clone().with_log(self.log_place());
        self.ledger.keep_look(&record, clock::now()).map_err(port_error)
    }
}

fn is_a_persons_word(fact: &Fact) -> bool {
    matches!(fact, Fact::Kept { by: KeptBy::Person, .. } | Fact::KeptUndone { .. } | Fact::MayReplace { .. })
}

/// Turns a ledger's error into the engine's.
pub(crate) fn port_error(error: LedgerError) -> PortError {
    PortError { message: error.to_string(), hint: None, retryable: error.is_retryable() }
}
