//! The form of a backup file.
//!
//! First the line `keyshoal vault backup 1`, then the length of the header (4 bytes, little endian) and the header, JSON that is not
//! secret; then a data key, wrapped by the vault's key and bound to the header; then the vault's bytes in chunks of 256 KiB, each
//! sealed by the data key and bound to the header and its place. The header says how many bytes there are, so that a file that is cut off,
//! put together from others or has something after its end is refused.

use crate::header::Header;
use crate::session::json;
use crate::{Cause, KeySource, KeyState};
use keyshoal_core::Timestamp;
use keyshoal_seal::{Aad, DataKey, KeyEncryptionKey, Keyring, Sealed, WrappedKey};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use zeroize::Zeroizing;

/// How many bytes are sealed at once.
pub(crate) const CHUNK: usize = 256 * 1024;
const MARK: &[u8] = b"keyshoal vault backup 1\n";
/// No header is longer.
const LONGEST_HEADER: u32 = 64 * 1024;

/// What a backup says of itself in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupHeader {
    /// Its own id.
    pub id: String,
    /// The vault's id.
    pub vault: String,
    /// When it was made.
    pub made: Timestamp,
    /// The id of the key that opens it, as 16 hexadecimal digits.
    pub key: String,
    /// Where that key came from on the machine where the backup was made.
    pub source: KeySource,
    /// Where the old key came from, when the backup was made while the vault got a new one: it needs both.
    pub also: Option<KeySource>,
    /// How many bytes the vault has.
    pub length: u64,
}

impl BackupHeader {
    pub(crate) fn new(vault: &Header, made: Timestamp, length: u64) -> Result<Self, Cause> {
        let active = vault.active()?;
        let old = vault.keys.iter().find(|key| key.record.state == KeyState::Retiring);
        Ok(Self {
            id: uuid::Uuid::new_v4().to_string(),
            vault: vault.id.clone(),
            made,
            key: active.id.to_string(),
            source: active.source.clone(),
            also: old.map(|key| key.record.source.clone()),
            length,
        })
    }
}

/// Writes a backup.
pub(crate) struct Writer {
    out: BufWriter<File>,
    key: DataKey,
    header: Vec<u8>,
    index: u64,
}

impl Writer {
    pub(crate) fn begin(file: File, header: &BackupHeader, by: &KeyEncryptionKey) -> Result<Self, Cause> {
        let header = json(header)?.into_bytes();
        let key = DataKey::random().map_err(Cause::seal("the backup's key"))?;
        let wrapped = by.wrap(&key, &key_aad(&header)).map_err(Cause::seal("the backup's key"))?;
        let mut out = BufWriter::new(file);
        out.write_all(MARK)?;
        let length = u32::try_from(header.len()).map_err(|_| Cause::refused("the header is too long"))?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&header)?;
        out.write_all(&wrapped.to_bytes())?;
        Ok(Self { out, key, header, index: 0 })
    }

    /// Seals the next chunk. Every one but the last is [`CHUNK`] bytes long.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let sealed = self.key.seal(bytes, &chunk_aad(&self.header, self.index));
        self.out.write_all(&sealed.map_err(Cause::seal("a part of the backup"))?.to_bytes())?;
        self.out.flush()?;
        self.index += 1;
        Ok(())
    }
}

/// Reads a backup.
pub(crate) struct Reader {
    from: BufReader<File>,
    header: Vec<u8>,
    pub(crate) said: BackupHeader,
    wrapped: WrappedKey,
}

impl Reader {
    /// Reads what a backup says of itself. Only opening it shows whether that is so.
    pub(crate) fn begin(file: File) -> Result<Self, Cause> {
        let size = file.metadata()?.len();
        let mut from = BufReader::new(file);
        let mut mark = [0; MARK.len()];
        whole(from.read_exact(&mut mark))?;
        if mark != MARK {
            return Err(Cause::NotBackup("it does not begin like one".to_owned()));
        }
        let mut length = [0; 4];
        whole(from.read_exact(&mut length))?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err(Cause::NotBackup("its header is too long".to_owned()));
        }
        let mut header = vec![0; length as usize];
        whole(from.read_exact(&mut header))?;
        let said: BackupHeader = serde_json::from_slice(&header)
            .map_err(|_| Cause::NotBackup("its header is not as this version knows it".to_owned()))?;
        if said.length > size {
            return Err(cut_off());
        }
        let mut wrapped = [0; WrappedKey::LEN];
        whole(from.read_exact(&mut wrapped))?;
        let wrapped =
            WrappedKey::from_bytes(&wrapped).map_err(|error| Cause::NotBackup(error.to_string()))?;
        Ok(Self { from, header, said, wrapped })
    }

    /// Opens every chunk in order and hands it over. Nothing may come after the last.
    pub(crate) fn open(
        mut self,
        ring: &Keyring,
        mut take: impl FnMut(&[u8]) -> Result<(), Cause>,
    ) -> Result<BackupHeader, Cause> {
        if ring.get(self.wrapped.key_id()).is_none() {
            let wanted = self.wrapped.key_id();
            return Err(Cause::WrongKey { wanted, source_hint: self.said.source.to_string() });
        }
        let key = ring
            .unwrap_key(&self.wrapped, &key_aad(&self.header))
            .map_err(Cause::seal("the backup's key"))?;
        let (mut left, mut index) = (self.said.length, 0);
        let mut sealed = Zeroizing::new(vec![0; CHUNK + Sealed::OVERHEAD]);
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
            let stored = &mut sealed[..length + Sealed::OVERHEAD];
            whole(self.from.read_exact(stored))?;
            let chunk = Sealed::from_bytes(stored).map_err(Into::into);
            let chunk = chunk.and_then(|chunk| key.open(&chunk, &chunk_aad(&self.header, index)));
            take(&chunk.map_err(Cause::seal(format!("part {} of the backup", index + 1)))?)?;
            left -= length as u64;
            index += 1;
        }
        if self.from.read(&mut [0])? > 0 {
            return Err(Cause::NotBackup("something comes after its end".to_owned()));
        }
        Ok(self.said)
    }
}

fn whole(read: std::io::Result<()>) -> Result<(), Cause> {
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => cut_off(),
        _ => Cause::Io(error),
    })
}

fn cut_off() -> Cause {
    Cause::NotBackup("it is cut off".to_owned())
}

fn key_aad(header: &[u8]) -> Aad {
    Aad::for_purpose("keyshoal vault backup key v1").with(header)
}

fn chunk_aad(header: &[u8], index: u64) -> Aad {
    Aad::for_purpose("keyshoal vault backup part v1").with(header).with(&index.to_le_bytes())
}
