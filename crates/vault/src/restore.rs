//! Makes a vault of a backup again.

use crate::backup::format::{BackupHeader, Reader};
use crate::header::Header;
use crate::place::Place;
use crate::session::{json, values};
use crate::sqlite::Database;
use crate::{Author, Cause, KeySource, Vault, VaultError, Verified, events, queries};
use keyshoal_core::Timestamp;
use keyshoal_seal::Keyring;
use std::io::Write;
use std::path::Path;

impl Vault {
    /// Reads what a backup says of itself in the clear. Nothing shows whether that is so until it is opened.
    pub fn backup_header(backup: &Path) -> Result<BackupHeader, VaultError> {
        let header = || Ok(Reader::begin(Place::of(backup)?.read()?)?.said);
        header().map_err(VaultError::at(backup))
    }

    /// Opens a backup in memory and looks at everything in it.
    pub fn verify_backup(backup: &Path, ring: &Keyring) -> Result<(BackupHeader, Verified), VaultError> {
        let (header, vault) = in_memory(backup, ring).map_err(VaultError::at(backup))?;
        let verified = vault.verify().map_err(|error| VaultError::at(backup)(error.cause.of_backup()))?;
        Ok((header, verified))
    }

    /// Opens a backup in memory, to read in it.
    pub fn read_backup(backup: &Path, ring: &Keyring) -> Result<Self, VaultError> {
        Ok(in_memory(backup, ring).map_err(VaultError::at(backup))?.1)
    }

    /// Makes a vault of a backup, at a path where there is none. Everything is looked at before it gets its name; a backup of
    /// which a part does not open is refused.
    ///
    /// `source` says where the backup's key comes from on this machine, where that differs.
    pub fn restore(
        backup: &Path,
        to: &Path,
        ring: Keyring,
        source: Option<&KeySource>,
        who: &Author,
        now: Timestamp,
    ) -> Result<(Self, BackupHeader), VaultError> {
        let reader = Place::of(backup).and_then(|place| Reader::begin(place.read()?));
        let reader = reader.map_err(VaultError::at(backup))?;
        let header = fill(reader, to, &ring, source, who, now).map_err(|cause| {
            let cause = cause.of_backup();
            let backup_is_wrong =
                matches!(cause, Cause::NotBackup(_) | Cause::WrongKey { .. } | Cause::DamagedBackup(_));
            VaultError::at(if backup_is_wrong { backup } else { to })(cause)
        })?;
        Ok((Self::open(to, ring)?, header))
    }
}

fn in_memory(backup: &Path, ring: &Keyring) -> Result<(BackupHeader, Vault), Cause> {
    let read = || {
        let mut bytes = Vec::new();
        let header = Reader::begin(Place::of(backup)?.read()?)?.open(ring, |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok((header, Vault::of(Database::in_memory(backup, &bytes)?, ring.clone())?))
    };
    read().map_err(Cause::of_backup)
}

fn fill(
    reader: Reader,
    to: &Path,
    ring: &Keyring,
    source: Option<&KeySource>,
    who: &Author,
    now: Timestamp,
) -> Result<BackupHeader, Cause> {
    let place = Place::make(to)?;
    let _guard = place.claim()?;
    let mut draft = place.draft()?;
    let mut file = draft.file().ok_or(Cause::NotPlain)?;
    let header = reader.open(ring, |chunk| Ok(file.write_all(chunk)?))?;
    drop(file);
    let vault = Vault::of(Database::open_draft(&draft.path)?, ring.clone())?;
    let verified = vault.verify()?;
    if let Some(problem) = verified.problems.first() {
        let more = verified.problems.len() - 1;
        return Err(Cause::DamagedBackup(format!("{}: {}; {more} more", problem.what, problem.why)));
    }
    vault.database.write(|db| {
        if let Some(source) = source {
            let key = Header::read(db)?.active()?.id;
            db.touch(queries::SET_KEY_SOURCE, &values![key, json(source)?])?;
            Header::retag(db, &vault.tags)?;
        }
        let said = format!("restored from backup {} of {}", header.id, header.made);
        events::add(db, &vault.tags, None, who, &[said], now)
    })?;
    drop(vault);
    draft.settle()?;
    Ok(header)
}
