//! Writing: one short transaction that reads, decides and writes.

use super::{Cell, SqliteStore, State, StoreError, Trouble, connect, schema};
use crate::files;
use crate::store::json_store::Decide;
use crate::store::{Refusal, WriteRules, Written};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::time::SystemTime;

/// What stops a transaction.
enum Stop {
    Trouble(Trouble),
    Refused(Refusal),
    ReadOnly(String),
}

impl<T: Into<Trouble>> From<T> for Stop {
    fn from(trouble: T) -> Self {
        Self::Trouble(trouble.into())
    }
}

impl SqliteStore<'_> {
    /// Changes the store.
    pub fn update(&self, rules: &WriteRules, decide: &mut Decide) -> Result<Written, StoreError> {
        let Some(meta) = files::metadata(self.path)? else { return self.absent(decide) };
        // Before it is opened: SQLite leaves its log and index beside a database that it then cannot write.
        if let Some(reason) = files::made_read_only(&meta).or_else(|| files::further_names(&meta)) {
            return Err(StoreError::ReadOnly { path: self.path.to_owned(), reason });
        }
        files::may(self.path, rustix::fs::Access::WRITE_OK)?;
        let mut db =
            connect::read_write(self.path, rules.safety.durable).map_err(|error| self.fail(error.into()))?;
        let written = self.transact(&mut db, rules, decide).map_err(|stop| match stop {
            Stop::Trouble(trouble) => self.fail(trouble),
            Stop::Refused(refusal) => self.refused(refusal),
            Stop::ReadOnly(reason) => StoreError::ReadOnly { path: self.path.to_owned(), reason },
        })?;
        if !written.changed {
            return Ok(written);
        }
        // Read back on the same connection: what is committed, not what we think we wrote.
        let contents =
            self.rows(&db).and_then(|rows| self.understand(&self.texts(&rows)?)).map_err(|trouble| {
                StoreError::unproven(self.path, "it cannot be read back", &self.fail(trouble))
            })?;
        Ok(Written { contents, ..written })
    }

    fn transact(
        &self,
        db: &mut Connection,
        rules: &WriteRules,
        decide: &mut Decide,
    ) -> Result<Written, Stop> {
        let behavior = match rules.safety.lock {
            true => TransactionBehavior::Immediate,
            false => TransactionBehavior::Deferred,
        };
        let transaction = db.transaction_with_behavior(behavior)?;
        let identity = self.identity(&transaction)?;
        let rows = self.rows(&transaction)?;
        let before = self.texts(&rows)?;
        let contents = self.understand(&before)?;
        let edits = decide(&contents).map_err(Stop::Refused)?;
        let mut after = before.clone();
        edits.iter().try_for_each(|edit| after.apply(edit)).map_err(Stop::Refused)?;
        let (store_cell, state_cell) = self.cells();
        let changed = |new: Option<&str>, old: &Option<String>| {
            new.filter(|new| Some(*new) != old.as_deref()).map(str::to_owned)
        };
        let new_store = changed(after.store.as_ref().map(super::Document::text), &rows.store);
        let new_state = match &after.state {
            State::Own(state) => changed(state.as_ref().map(super::Document::text), &rows.state),
            State::Embedded => None,
        };
        if new_store.is_none() && new_state.is_none() {
            return Ok(Written::nothing(contents));
        }
        if let Some(reason) = identity.read_only {
            return Err(Stop::ReadOnly(reason));
        }
        for (cell, new) in [(state_cell, new_state), (store_cell, new_store)] {
            if let Some(text) = new {
                self.put(&transaction, &cell, &text)?;
            }
        }
        transaction.commit()?;
        Ok(Written { changed: true, ..Written::nothing(contents) })
    }

    fn put(&self, transaction: &Transaction, cell: &Cell, text: &str) -> Result<(), Stop> {
        if !schema::has_table(transaction, cell.table)? {
            return Err(Stop::ReadOnly(format!("it has no table {}; let OpenClaw make it", cell.table)));
        }
        let now = files::wall_clock().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let sql = format!(
            "INSERT INTO {table} ({key}, {value}, {time}) VALUES (?1, ?2, ?3)
             ON CONFLICT ({key}) DO UPDATE SET {value} = excluded.{value}, {time} = excluded.{time}",
            table = cell.table,
            key = cell.key_column,
            value = cell.value_column,
            time = cell.time_column,
        );
        let millis = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        transaction.execute(&sql, (cell.key, text, millis))?;
        Ok(())
    }

    /// Answers for a database that does not exist: it is never ours to create.
    fn absent(&self, decide: &mut Decide) -> Result<Written, StoreError> {
        let nothing = crate::store::StoreContents::default();
        let edits = decide(&nothing).map_err(|refusal| self.refused(refusal))?;
        if edits.is_empty() {
            return Ok(Written::nothing(nothing));
        }
        Err(StoreError::ReadOnly {
            path: self.path.to_owned(),
            reason: "there is no such database, and only OpenClaw may create one; let the agent run once"
                .to_owned(),
        })
    }

    fn refused(&self, refusal: Refusal) -> StoreError {
        StoreError::Refused { path: self.path.to_owned(), refusal }
    }
}
