//! What disabled agents had in the config: no installation shows it, and the history says which of it the vault had.

use super::records::backed_up;
use super::rows::{Document, Draft};
use super::{Bench, Mend, Origin};
use crate::load::ENTRIES;
use crate::session::{Value, values};
use crate::{Cause, events, queries};

impl Draft {
    /// Takes those from the backup of which the row is gone, and says which are lost.
    pub(crate) fn miss_entries(&mut self, bench: &Bench<'_>, mends: &mut Vec<Mend>) -> Result<(), Cause> {
        let mut gone = self.names_of_missing();
        if gone.is_empty() {
            return Ok(());
        }
        for (name, document, text) in backed_up(bench, &self.instance)? {
            let before = gone.len();
            gone.retain(|known| *known != name);
            if gone.len() < before {
                mends.push(Mend::new(format!("document {name}"), Origin::Backup));
                self.documents.insert(name.clone(), document);
                self.texts.insert(name, text);
            }
        }
        let told = self.told_entries(bench)?;
        mends.extend(told.iter().filter(|(name, _)| gone.contains(name)).map(|(name, _)| lost(name)));
        Ok(())
    }

    /// Returns those of which the row is gone, as the history has them: with number and time, and nothing sealed. The tag tells whether
    /// they were so.
    pub(crate) fn told_entries(&self, bench: &Bench<'_>) -> Result<Vec<(String, Document)>, Cause> {
        let gone = self.names_of_missing();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let id = values![self.instance.id.as_str(), i64::MAX];
        let mut history = bench.pen.db.query(queries::EVENTS_OF, &id)?;
        history.retain(|row| events::check(row, bench.pen.tags).is_ok());
        let told = |name: String| {
            let (put, removed) = (format!("document {name} put"), format!("document {name} removed"));
            let since = history.iter().take_while(|row| row.text(5).ok() != Some(removed.as_str()));
            let puts: Vec<_> = since.filter(|row| row.text(5).ok() == Some(put.as_str())).collect();
            let created = puts.first()?.integer(2).ok()?;
            let cells = [Value::Null, Value::Null, Value::Null];
            Some((name, Document { number: i64::try_from(puts.len()).ok()?, created, cells }))
        };
        Ok(gone.into_iter().filter_map(told).collect())
    }

    fn names_of_missing(&self) -> Vec<String> {
        let disabled = self.instance.agents.iter().filter(|agent| !agent.enabled);
        let names = disabled.map(|agent| format!("{ENTRIES}{}", agent.id));
        names.filter(|name| !self.documents.contains_key(name)).collect()
    }
}

/// Says that what a document held is lost, and what that means.
pub(crate) fn lost(name: &str) -> Mend {
    let mend = Mend::new(format!("document {name}"), Origin::Nowhere);
    let Some(agent) = name.strip_prefix(ENTRIES) else { return mend.losing("what it held") };
    let lost =
        format!("what {agent}, which is disabled, had in the config: what limits its tools, who it is");
    let way = format!(
        "give a backup that has it (--from), or put it into the config when {agent} is enabled again"
    );
    mend.losing(lost).way_out(way)
}
