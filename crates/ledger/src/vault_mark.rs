//! Which vault says what is right for this instance, if one does. Whoever does not have that vault at hand knows at least that.

use crate::database::Durability;
use crate::{Ledger, LedgerError};

impl Ledger {
    /// Returns the id of the vault that says what is right here.
    pub fn vault(&self) -> Result<Option<String>, LedgerError> {
        let database = &self.inner.database;
        database.read(|db| {
            db.query_row("SELECT vault FROM ledger", [], |row| row.get(0))
                .map_err(|error| database.error(error))
        })
    }

    /// Remembers which vault says so from now on; `None` for none.
    pub fn set_vault(&self, vault: Option<&str>) -> Result<(), LedgerError> {
        let database = &self.inner.database;
        database.write(Durability::PowerCut, |db| {
            db.execute("UPDATE ledger SET vault = ?1", [vault]).map_err(|error| database.error(error))?;
            Ok(())
        })
    }
}
