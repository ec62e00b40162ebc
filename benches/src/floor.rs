//! The floor: what the hardware needs for the bare writes, with nothing of Keyshoal's in it.
//!
//! `floor json DIR` replaces every `DIR/agents/*/agent/auth-profiles.json` durably; `floor sqlite DIR` changes one cell in every
//! `DIR/agents/*/agent/openclaw-agent.sqlite`. Both keep 16 writes in flight and leave main's alone.

#![expect(clippy::disallowed_methods, reason = "this program is the raw baseline")]

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const IN_FLIGHT: usize = 16;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, what, dir] = args.as_slice() else { bail!("usage: floor json|sqlite DIR") };
    let write = match what.as_str() {
        "json" => replace as fn(&Path) -> Result<()>,
        "sqlite" => commit,
        other => bail!("{other}: json or sqlite"),
    };
    let name = if what == "json" { "auth-profiles.json" } else { "openclaw-agent.sqlite" };
    let mut targets = Vec::new();
    for entry in fs::read_dir(Path::new(dir).join("agents"))? {
        let entry = entry?;
        let target = entry.path().join("agent").join(name);
        if entry.file_name() != "main" && target.exists() {
            targets.push(target);
        }
    }
    let share = targets.len().div_ceil(IN_FLIGHT).max(1);
    std::thread::scope(|scope| {
        let writers: Vec<_> = targets
            .chunks(share)
            .map(|chunk: &[PathBuf]| scope.spawn(|| chunk.iter().try_for_each(|target| write(target))))
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?)
    })
}

/// One durable replacement: new file, fsync, rename, fsync of the directory.
fn replace(target: &Path) -> Result<()> {
    let bytes = fs::read(target)?;
    let directory = target.parent().context("a file has a directory")?;
    let temporary = directory.join(".floor.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, target)?;
    File::open(directory)?.sync_all()?;
    Ok(())
}

/// One commit of one cell in one database that is opened and closed for it.
fn commit(target: &Path) -> Result<()> {
    let mut db = rusqlite::Connection::open(target)?;
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let cell: String = transaction.query_row(
        "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'",
        [],
        |row| row.get(0),
    )?;
    transaction.execute(
        "UPDATE auth_profile_store SET store_json = ?1, updated_at = updated_at + 1 WHERE store_key = 'primary'",
        [cell],
    )?;
    transaction.commit()?;
    Ok(())
}
