//! A backup: one consistent state of the whole vault, sealed once more as a whole, in one file.

pub(crate) mod format;

use crate::header::Header;
use crate::place::{Draft, Place};
use crate::sqlite::Database;
use crate::{Author, Cause, Vault, VaultError, events};
use format::Writer;
use keyshoal_core::Timestamp;
use keyshoal_seal::KeyEncryptionKey;
use std::io::{Cursor, Read};
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
        let header = self.write_backup(&target, who, now, on).map_err(|cause| {
            let whose = if matches!(cause, Cause::Altered(_) | Cause::Header(_) | Cause::WrongKey { .. }) {
                self.path()
            } else {
                to
            };
            VaultError::at(whose)(cause)
        })?;
        // Of a vault that can only be read the backup may be what saves it.
        if !self.database.is_frozen().map_err(VaultError::at(self.path()))? {
            self.write(now, |pen| {
                let said = format!("backup {} made", header.id);
                events::add(pen.db, pen.tags, None, who, &[said], now)
            })?;
        }
        on(BackupStep::Settled);
        Ok(header)
    }

    fn write_backup(
        &self,
        target: &Place,
        who: &Author,
        now: Timestamp,
        on: &mut dyn FnMut(BackupStep),
    ) -> Result<BackupHeader, Cause> {
        let home = Place::of(self.path())?;
        let _guard = target.exclusive()?;
        let _other = if home.is_beside(target)? { None } else { Some(home.exclusive()?) };
        target.require_free()?;
        target.sweep()?;
        let copy = if self.database.is_frozen()? { None } else { Some(self.copy_beside(&home)?) };
        on(BackupStep::Copied);
        let (key, header) = match &copy {
            Some(copy) => self.header_of(&copy.path, who, now)?,
            None => self.database.read(|db| {
                let header = Header::read(db)?;
                header.check(&self.tags)?;
                let ring = self.keys_of(&header);
                Ok((header.active_key(&ring)?.clone(), header))
            })?,
        };
        // No connection has the copy open, so that it may be read as any file.
        let (mut copied, length): (Box<dyn Read>, u64) = match &copy {
            Some(copy) => {
                let file = copy.reopen()?;
                let length = file.metadata()?.len();
                (Box::new(file), length)
            }
            None => {
                let image = self.database.image_alone()?;
                let length = image.len() as u64;
                (Box::new(Cursor::new(image)), length)
            }
        };
        let header = BackupHeader::new(&header, now, length)?;
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

    /// Reads the header of a copy, and the key that it opens with. Where the vault is on its way to another key the copy has arrived there, if
    /// the old key is at hand and all of it opens: whoever needs a backup may have the new key only.
    fn header_of(
        &self,
        copy: &Path,
        who: &Author,
        now: Timestamp,
    ) -> Result<(KeyEncryptionKey, Header), Cause> {
        let database = Database::open_draft(copy)?;
        let header = database.read(Header::read)?;
        header.check(&self.tags)?;
        let ring = self.keys_of(&header);
        let copied = Self::of(database, (*ring).clone())?;
        // Else it stays as it was copied, and says that it needs both.
        let _ = copied.arrive(who, now);
        let header = copied.database.read(Header::read)?;
        Ok((header.active_key(&ring)?.clone(), header))
    }

    /// Writes a consistent copy beside the vault, without what was deleted.
    fn copy_beside<'a>(&self, home: &'a Place) -> Result<Draft<'a>, Cause> {
        home.sweep()?;
        let mut copy = home.draft()?;
        drop(copy.file());
        self.database.copy_to(&copy.path)?;
        Ok(copy)
    }
}
