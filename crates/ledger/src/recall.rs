//! Giving out what is known.

use crate::stored::{At, By, Json, Origin, Print};
use crate::{Ledger, LedgerError, journal};
use keyshoal_core::knowledge::{Activated, Generation, KeptBy, KeptMark};
use keyshoal_core::{AgentId, Knowledge, ProfileId, StoreId, Verdict};
use rusqlite::{Connection, Row};

impl Ledger {
    /// Returns everything that judging needs, as of one moment.
    ///
    /// While it is not certain whose ledger this is, whatever could justify a write is left out: generations, marks to
    /// replace, what the gateway has read. Kept marks stay, since they only ever prevent one; of an incomparable ledger, only
    /// a person's.
    pub fn knowledge(&self) -> Result<Knowledge, LedgerError> {
        let database = &self.inner.database;
        let mut knowledge = database.read(|db| recall(db).map_err(|error| database.error(error)))?;
        let own = self.inner.own();
        if !own.identity.is_certain() {
            knowledge.generations.clear();
            knowledge.replace.clear();
            knowledge.first_seen.clear();
            knowledge.delivered.clear();
            knowledge.activated = None;
        }
        if matches!(own.identity, crate::Identity::OtherKey { .. }) {
            knowledge.verdicts.clear();
            knowledge.kept.retain(|_, mark| mark.by == KeptBy::Person);
        }
        Ok(knowledge)
    }
}

fn recall(db: &Connection) -> rusqlite::Result<Knowledge> {
    let mut knowledge = Knowledge::default();
    each(
        db,
        "SELECT profile, fingerprint, first_seen, origin FROM generations
         ORDER BY profile, origin = 'residue' DESC, place",
        |row| {
            let (print, at, origin): (Print, At, Origin) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let generation = Generation { fingerprint: print.0, first_seen: at.0, origin: origin.0 };
            knowledge.generations.entry(profile(row, 0)?).or_default().push(generation);
            Ok(())
        },
    )?;
    each(db, "SELECT agent, profile, fingerprint, by_whom, since FROM kept", |row| {
        let (print, by, since): (Print, By, At) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let mark = KeptMark { fingerprint: print.0, by: by.0, since: since.0 };
        knowledge.kept.insert((agent(row, 0)?, profile(row, 1)?), mark);
        Ok(())
    })?;
    each(db, "SELECT agent, profile, fingerprint FROM may_replace", |row| {
        let print: Print = row.get(2)?;
        knowledge.replace.insert((agent(row, 0)?, profile(row, 1)?), print.0);
        Ok(())
    })?;
    each(db, "SELECT fingerprint, endpoint, verdict FROM verdicts", |row| {
        let (print, verdict): (Print, Json<Verdict>) = (row.get(0)?, row.get(2)?);
        knowledge.verdicts.insert((print.0, row.get(1)?), verdict.0);
        Ok(())
    })?;
    each(db, "SELECT agent, profile, fingerprint, first_seen FROM sightings", |row| {
        let (print, at): (Print, At) = (row.get(2)?, row.get(3)?);
        knowledge.first_seen.insert((agent(row, 0)?, profile(row, 1)?, print.0), at.0);
        Ok(())
    })?;
    each(db, "SELECT agent, profile, fingerprint FROM delivered_to", |row| {
        let (whose, print): (AgentId, Option<Print>) = (agent(row, 0)?, row.get(2)?);
        let store = if whose.as_str().is_empty() { StoreId::Base } else { StoreId::Agent(whose) };
        knowledge.delivered.insert((store, profile(row, 1)?), print.map(|print| print.0));
        Ok(())
    })?;
    each(db, "SELECT activated_digest, activated_at FROM ledger", |row| {
        if let (Some(digest), Some(at)) = (row.get::<_, Option<String>>(0)?, row.get::<_, Option<At>>(1)?) {
            knowledge.activated = Some(Activated { digest, at: at.0 });
        }
        Ok(())
    })?;
    knowledge.open_run = journal::read::open_summary(db)?;
    Ok(knowledge)
}

fn each(
    db: &Connection,
    query: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut query = db.prepare_cached(query)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn agent(row: &Row<'_>, column: usize) -> rusqlite::Result<AgentId> {
    Ok(AgentId::new(row.get::<_, String>(column)?))
}

fn profile(row: &Row<'_>, column: usize) -> rusqlite::Result<ProfileId> {
    Ok(ProfileId::new(row.get::<_, String>(column)?))
}
