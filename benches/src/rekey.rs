//! Another key for a vault of 100 000 records, against its bare commits: the same rows written in as many transactions, with nothing
//! sealed, opened or looked for.

use crate::measure::{median, ms};
use crate::{Missed, Programs};
use anyhow::{Context, Result, ensure};
use keyshoal_core::vault::CredentialUid;
use keyshoal_core::{CredentialKind, InstanceId, ProfileId, ProviderId, Secret, Timestamp};
use keyshoal_seal::{KeyEncryptionKey, Keyring, WrappedKey};
use keyshoal_vault::{Author, Change, KeySource, NewCredential, NewInstance, NewKey, ORGANISATION, Vault};
use std::path::Path;
use std::time::{Duration, Instant};

const INSTANCES: usize = 100;
const EACH: usize = 1000;
/// As many as the vault takes.
const BATCH: usize = 1000;
const ROUNDS: usize = 5;
/// How many times its commits a rekey may take.
const LIMIT: f64 = 3.0;

/// Prints the figure.
pub fn figures(_: &Programs) -> Result<Missed> {
    println!(
        "rekey: {} records, in process; floor: the same rows written by as many commits",
        INSTANCES * EACH
    );
    println!("{:>12} {:>12} {:>8} {:>14}", "rekey ms", "commits ms", "ratio", "records/s");
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("kept/vault.sqlite");
    fill(&path)?;
    let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (old, new) = (key(u8::try_from(round)?), key(u8::try_from(round + 1)?));
        let floor_path = dir.path().join("floor.sqlite");
        std::fs::copy(&path, &floor_path)?;
        // Who comes second finds everything in memory: they take turns.
        let (took, floor) = if round % 2 == 0 {
            let floor = commits(&floor_path, &old)?;
            (rekey(&path, &old, &new)?, floor)
        } else {
            let took = rekey(&path, &old, &new)?;
            (took, commits(&floor_path, &old)?)
        };
        std::fs::remove_file(&floor_path)?;
        ours.push(ms(took));
        floors.push(ms(floor));
        ratios.push(ms(took) / ms(floor));
    }
    let (ours, floors, ratio) = (median(ours), median(floors), median(ratios));
    let records = (INSTANCES * EACH) as f64;
    println!("{ours:>12.1} {floors:>12.1} {ratio:>8.2} {:>14.0}", records / ours * 1e3);
    println!();
    if ratio > LIMIT {
        return Ok(vec![format!("rekey: {ratio:.2} times its commits, the limit is {LIMIT}")]);
    }
    Ok(Missed::new())
}

fn key(byte: u8) -> NewKey {
    let source = KeySource::File { path: format!("/{byte}.key") };
    NewKey { key: KeyEncryptionKey::from_bytes([byte; 32]), source }
}

fn author() -> Author {
    Author { by: "figures".to_owned(), why: None }
}

fn fill(path: &Path) -> Result<()> {
    let vault = Vault::create(path, &key(0), &author(), Timestamp::UNIX_EPOCH)?;
    for instance in 0..INSTANCES {
        let credential = |at: usize| {
            let number = instance * EACH + at;
            Change::PutCredential(NewCredential {
                uid: CredentialUid(uuid::Uuid::from_u128(number as u128)),
                profile: ProfileId::new(format!("anthropic:{at}")),
                provider: ProviderId::from("anthropic"),
                kind: CredentialKind::ApiKey,
                agent: None,
                value: Secret::new(format!(
                    r#"{{"type":"api_key","provider":"anthropic","key":"sk-ant-api03-{number:090}"}}"#
                )),
                expires: None,
                origin: None,
            })
        };
        let new = NewInstance {
            id: InstanceId::new(format!("instance-{instance}")),
            organisation: ORGANISATION.to_owned(),
            name: format!("instance-{instance}"),
            state_dir: None,
            config: None,
        };
        vault.add_instance(&new, (0..EACH).map(credential).collect(), &author(), Timestamp::UNIX_EPOCH)?;
    }
    drop(vault);
    let database = rusqlite::Connection::open(path)?;
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn rekey(path: &Path, old: &NewKey, new: &NewKey) -> Result<Duration> {
    let mut vault = Vault::open(path, Keyring::of(old.key.clone()))?;
    let begun = Instant::now();
    let done = vault.rekey(new, &author(), Timestamp::UNIX_EPOCH, &mut |_| ())?;
    let took = begun.elapsed();
    ensure!(done.records == (INSTANCES * EACH) as u64, "{done:?}");
    Ok(took)
}

/// Writes the same cells of the same rows in the same order, in as many durable transactions.
fn commits(path: &Path, old: &NewKey) -> Result<Duration> {
    let mut database = rusqlite::Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON",
    )?;
    let rows: Vec<(String, i64)> = {
        let mut asked = database.prepare("SELECT credential, number FROM versions WHERE key_id = ?1")?;
        let rows = asked.query_map([old.key.id().as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    ensure!(rows.len() == INSTANCES * EACH, "{} rows", rows.len());
    let other = [7_u8; 8];
    database.execute(
        "INSERT INTO keys (id, source, state, added, since) VALUES (?1, '{}', 'retired', 0, 0)",
        [other],
    )?;
    let wrapped = vec![7_u8; WrappedKey::LEN];
    let begun = Instant::now();
    for batch in rows.chunks(BATCH) {
        let transaction = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut update = transaction.prepare_cached(
                "UPDATE versions SET key_id = ?3, wrapped = ?4 WHERE credential = ?1 AND number = ?2",
            )?;
            for (credential, number) in batch {
                let touched = update.execute(rusqlite::params![credential, number, other, wrapped])?;
                ensure!(touched == 1, "{credential} {number}");
            }
        }
        transaction.commit().context("a commit")?;
    }
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(begun.elapsed())
}
