//! Taking facts in.
//!
//! The rules are those of `keyshoal_core::absorb`, done with rows; a test holds one against the other.

use crate::database::Durability;
use crate::stored::{At, By, Json, Print, kept_word, origin_word};
use crate::{Ledger, LedgerError};
use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_core::{AgentId, Fact, Fingerprint, ProfileId, StoreId, Timestamp, VerdictKind};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::atomic::Ordering::Relaxed;

/// How long a value may be in sight before that is written down again, in microseconds. A look at an unchanged instance
/// shall not cost a write.
const SIGHT: i64 = 60_000_000;

impl Ledger {
    /// Takes facts in, all or none.
    ///
    /// While it is not certain whose ledger this is, only verdicts are kept (they are about values, not about the
    /// instance); what was merely seen is passed over, and what a person says is refused.
    pub fn learn(&self, facts: &[Fact], now: Timestamp) -> Result<(), LedgerError> {
        let certain = self.identity().is_certain();
        let heard = |fact: &&Fact| certain || matches!(fact, Fact::Verdict { .. });
        if !certain && facts.iter().any(is_a_persons_word) {
            return Err(self.inner.unanswered());
        }
        let residue =
            |fact: &&Fact| matches!(fact, Fact::Generation { origin: GenerationOrigin::Residue, .. });
        let facts: Vec<&Fact> = facts.iter().filter(heard).collect();
        if facts.is_empty() {
            return Ok(());
        }
        // What was seen is seen again with the next look. What somebody wanted must outlive a power cut, unless a run is open:
        // the commit that finishes it makes everything before it durable.
        let in_run = self.inner.in_run.load(Relaxed);
        let willed = |fact: &&Fact| {
            is_a_persons_word(fact)
                || matches!(fact, Fact::Generation { origin: GenerationOrigin::Written, .. })
        };
        let needed = !in_run && facts.iter().any(willed);
        let durability = if needed { Durability::PowerCut } else { Durability::Crash };
        let database = &self.inner.database;
        database.write(durability, |db| {
            let (last, first): (Vec<&Fact>, Vec<&Fact>) = facts.into_iter().partition(residue);
            for fact in first.into_iter().chain(last) {
                take(db, fact, now).map_err(|error| database.error(error))?;
            }
            Ok(())
        })
    }

    /// Notes that a person said the source's value is the right one, even if it had been an earlier one: it becomes the newest
    /// generation.
    pub fn confirm_generation(
        &self,
        profile: &ProfileId,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.inner.require_certain()?;
        let profile = profile.clone();
        self.learn(&[Fact::Generation { profile, fingerprint, origin: GenerationOrigin::Written }], now)
    }
}

fn is_a_persons_word(fact: &Fact) -> bool {
    matches!(fact, Fact::Kept { by: KeptBy::Person, .. } | Fact::KeptUndone { .. } | Fact::MayReplace { .. })
}

fn take(db: &Connection, fact: &Fact, now: Timestamp) -> rusqlite::Result<()> {
    match fact {
        Fact::Generation { profile, fingerprint, origin } => match origin {
            GenerationOrigin::Seen => seen(db, profile, *fingerprint, now),
            GenerationOrigin::Written => willed(db, profile, *fingerprint, *origin, now),
            GenerationOrigin::Residue => {
                db.prepare_cached(
                    "INSERT INTO generations (profile, fingerprint, place, first_seen, origin)
                     SELECT ?1, ?2, coalesce(max(place), 0) + 1, ?3, 'residue' FROM generations WHERE profile = ?1
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![profile.as_str(), Print(*fingerprint), At(now)])?;
                Ok(())
            }
        },
        Fact::Sighting { agent, profile, fingerprint } => sighted(db, agent, profile, *fingerprint, now),
        Fact::Verdict { ask, verdict } if verdict.kind != VerdictKind::NotAsked => {
            db.prepare_cached(
                "INSERT INTO verdicts (fingerprint, endpoint, at, verdict) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET at = excluded.at, verdict = excluded.verdict
                 WHERE excluded.at >= at AND excluded.verdict <> verdict",
            )?
            .execute(params![
                Print(ask.fingerprint),
                ask.endpoint.key(),
                At(verdict.at),
                Json(verdict)
            ])?;
            Ok(())
        }
        Fact::Verdict { .. } => Ok(()),
        Fact::Overruled { fingerprint } => {
            db.prepare_cached("DELETE FROM verdicts WHERE fingerprint = ?1")?
                .execute(params![Print(*fingerprint)])?;
            Ok(())
        }
        Fact::Kept { agent, profile, fingerprint, by } => kept(db, agent, profile, *fingerprint, *by, now),
        Fact::KeptUndone { agent, profile } => unkept(db, agent, profile),
        Fact::MayReplace { agent, profile, fingerprint } => {
            unkept(db, agent, profile)?;
            db.prepare_cached(
                "INSERT INTO may_replace (agent, profile, fingerprint, since) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, since = excluded.since
                 WHERE excluded.fingerprint <> fingerprint",
            )?
            .execute(params![agent.as_str(), profile.as_str(), Print(*fingerprint), At(now)])?;
            Ok(())
        }
        Fact::Replaced { agent, profile, fingerprint } => {
            db.prepare_cached(
                "DELETE FROM may_replace WHERE agent = ?1 AND profile = ?2 AND fingerprint = ?3",
            )?
            .execute(params![agent.as_str(), profile.as_str(), Print(*fingerprint)])?;
            Ok(())
        }
        Fact::Delivered { store, profile, fingerprint } => {
            db.prepare_cached(
                "INSERT INTO delivered_to (agent, profile, fingerprint) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint
                 WHERE excluded.fingerprint IS NOT fingerprint",
            )?
            .execute(params![whose(store), profile.as_str(), fingerprint.map(Print)])?;
            Ok(())
        }
        Fact::Writing { store, profile } => {
            db.prepare_cached("DELETE FROM delivered_to WHERE agent = ?1 AND profile = ?2")?
                .execute(params![whose(store), profile.as_str()])?;
            Ok(())
        }
        Fact::Activated { digest } => {
            db.prepare_cached("UPDATE ledger SET activated_digest = ?1, activated_at = ?2")?
                .execute(params![digest, At(now)])?;
            Ok(())
        }
    }
}

/// Returns whose store it is, as it stands in a row. No agent is called by an empty name.
fn whose(store: &StoreId) -> &str {
    match store {
        StoreId::Base => "",
        StoreId::Agent(id) => id.as_str(),
    }
}

/// The source has a value.
fn seen(db: &Connection, profile: &ProfileId, value: Fingerprint, now: Timestamp) -> rusqlite::Result<()> {
    let added = append(db, profile, value, GenerationOrigin::Seen, now)?;
    if !added {
        // The first value ever seen was known as residue: then that copy was of the present value.
        db.prepare_cached(
            "UPDATE generations SET origin = 'seen',
                 place = (SELECT max(place) + 1 FROM generations WHERE profile = ?1)
             WHERE profile = ?1 AND fingerprint = ?2 AND origin = 'residue'
                 AND NOT EXISTS (SELECT 1 FROM generations WHERE profile = ?1 AND origin <> 'residue')",
        )?
        .execute(params![profile.as_str(), Print(value)])?;
    }
    Ok(())
}

/// The source has a value because somebody wanted it.
fn willed(
    db: &Connection,
    profile: &ProfileId,
    value: Fingerprint,
    origin: GenerationOrigin,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let added = append(db, profile, value, origin, now)?;
    if !added {
        // Nothing changes for a value that is the newest already.
        db.prepare_cached(
            "UPDATE generations SET place = (SELECT max(place) + 1 FROM generations WHERE profile = ?1),
                 origin = CASE origin WHEN 'residue' THEN ?3 ELSE origin END
             WHERE profile = ?1 AND fingerprint = ?2 AND (origin = 'residue' OR fingerprint <> (
                 SELECT fingerprint FROM generations WHERE profile = ?1
                 ORDER BY origin <> 'residue' DESC, place DESC LIMIT 1))",
        )?
        .execute(params![profile.as_str(), Print(value), origin_word(origin)])?;
    }
    Ok(())
}

fn append(
    db: &Connection,
    profile: &ProfileId,
    value: Fingerprint,
    origin: GenerationOrigin,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let rows = db
        .prepare_cached(
            "INSERT INTO generations (profile, fingerprint, place, first_seen, origin)
             SELECT ?1, ?2, coalesce(max(place), 0) + 1, ?3, ?4 FROM generations WHERE profile = ?1
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![profile.as_str(), Print(value), At(now), origin_word(origin)])?;
    Ok(rows > 0)
}

fn sighted(
    db: &Connection,
    agent: &AgentId,
    profile: &ProfileId,
    value: Fingerprint,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO sightings (agent, profile, fingerprint, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen WHERE excluded.last_seen - last_seen >= ?5",
    )?
    .execute(params![agent.as_str(), profile.as_str(), Print(value), At(now), SIGHT])?;
    Ok(())
}

fn kept(
    db: &Connection,
    agent: &AgentId,
    profile: &ProfileId,
    value: Fingerprint,
    by: KeptBy,
    now: Timestamp,
) -> rusqlite::Result<()> {
    match by {
        KeptBy::Person => {
            db.prepare_cached("DELETE FROM may_replace WHERE agent = ?1 AND profile = ?2")?
                .execute(params![agent.as_str(), profile.as_str()])?;
        }
        KeptBy::Acceptance => {
            let standing: Option<(By, Print)> = db
                .prepare_cached("SELECT by_whom, fingerprint FROM kept WHERE agent = ?1 AND profile = ?2")?
                .query_row(params![agent.as_str(), profile.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let by_person = standing.is_some_and(|(by, _)| by.0 == KeptBy::Person);
            let may_go: bool = db
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM may_replace WHERE agent = ?1 AND profile = ?2 AND fingerprint = ?3)",
                )?
                .query_row(params![agent.as_str(), profile.as_str(), Print(value)], |row| row.get(0))?;
            if by_person || may_go {
                return Ok(());
            }
        }
    }
    db.prepare_cached(
        "INSERT INTO kept (agent, profile, fingerprint, by_whom, since) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, by_whom = excluded.by_whom, since = excluded.since
         WHERE excluded.fingerprint <> fingerprint OR excluded.by_whom <> by_whom",
    )?
    .execute(params![agent.as_str(), profile.as_str(), Print(value), kept_word(by), At(now)])?;
    Ok(())
}

fn unkept(db: &Connection, agent: &AgentId, profile: &ProfileId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM kept WHERE agent = ?1 AND profile = ?2")?
        .execute(params![agent.as_str(), profile.as_str()])?;
    Ok(())
}
