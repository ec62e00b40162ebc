//! A backup: one consistent state of the whole vault, sealed once more as a whole, in one file.

pub(crate) mod format;

use crate::header::Header;
use crate::place::Place;
use crate::{Author, Cause, Vault, VaultError, events};
use format::Writer;
use keyshoal_core::Timestamp;
use std::io::Read;
use std::path::Path;

pub use format::BackupHeader;

/// What was just done of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupStep {
    /// A consistent copy stands beside the vault, as sealed as that.
    Copied,
    /// So many of so many bytes of it are sealed into the draft.
    Sealed {
        /// How many.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// The backup has its name, durably.
    Settled,
}

impl Vault {
    /// Writes a backup into a file that must not be there. Others may use the vault meanwhile.
    ///
    /// It is sealed with a key of its own, which the vault's key wraps: nobody without that key sees so much as an agent's name.
    pub fn backup(
        &self,
        to: &Path,
        who: &Author,
        now: Timestamp,
        on: &mut dyn FnMut(BackupStep),
    ) -> Result<BackupHeader, VaultError> {
        let target = Place::of(to).map_err(VaultError::at(to))?;
        let header = self.write_backup(&target, now, on).map_err(|cause| {
            let whose =
                if matches!(cause, Cause::Altered(_) | Cause::WrongKey { .. }) { self.path() } else { to };
            VaultError::at(whose)(cause)
        })?;
        self.write(now, |pen| {
            let said = format!("backup {} made", header.id);
            events::add(pen.db, pen.tags, None, who, &[said], now)
        })?;
        on(BackupStep::Settled);
        Ok(header)
    }

    fn write_backup(
        &self,
        target: &Place,
        now: Timestamp,
        on: &mut dyn FnMut(BackupStep),
    ) -> Result<BackupHeader, Cause> {
        let home = Place::of(self.path())?;
        let _guard = target.exclusive()?;
        let _other = if home.is_beside(target)? { None } else { Some(home.exclusive()?) };
        if target.is_taken()? {
            return Err(Cause::Exists);
        }
        target.sweep()?;
        home.sweep()?;
        let mut copy = home.draft()?;
        drop(copy.file());
        self.database.copy_to(&copy.path)?;
        on(BackupStep::Copied);
        // No connection has the copy open, so that it may be read as any file.
        let mut copied = copy.reopen()?;
        let length = copied.metadata()?.len();
        let (key, header) = self.database.read(|db| {
            let header = Header::read(db)?;
            header.check(&self.tags)?;
            Ok((header.active_key(&self.ring)?.clone(), BackupHeader::new(&header, now, length)?))
        })?;
        let mut draft = target.draft()?;
        let file = draft.file().ok_or(Cause::NotPlain)?;
        let mut writer = Writer::begin(file, &header, &key)?;
        let mut chunk = vec![0; format::CHUNK];
        let mut done = 0;
        while done < length {
            let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(format::CHUNK);
            copied.read_exact(&mut chunk[..wanted])?;
            writer.chunk(&chunk[..wanted])?;
            done += wanted as u64;
            on(BackupStep::Sealed { done, total: length });
        }
        drop(writer);
        draft.settle()?;
        Ok(header)
    }
}
