//! Making a payload of what was gathered.

use crate::armour::Armour;
use crate::error::WriteError;
use crate::payload::{FileEntry, Payload};
use crate::{Limits, check, files, wire};
use keyshoal_seal::{OneTimeCode, Recipient, Sealer};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Who can read a payload.
#[derive(Clone, Copy, Debug)]
pub enum Lock<'a> {
    /// Anybody.
    Clear,
    /// Whoever has the code.
    Code(&'a OneTimeCode),
    /// One machine.
    Recipient(&'a Recipient),
}

/// How it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As bytes.
    Binary,
    /// As text that can be pasted.
    Text,
}

/// Writes a payload. Equal payloads give equal bytes but for what is random in their sealing. What could not be read again is not written.
pub fn write(payload: &Payload, lock: Lock<'_>, form: Form, out: impl Write) -> Result<(), WriteError> {
    let limits = Limits::default();
    check::payload(payload, &limits).map_err(WriteError::Unreadable)?;
    let manifest = serde_json::to_vec(&payload.manifest).map_err(|error| WriteError::Out(error.into()))?;
    check::size(&manifest, &limits).map_err(WriteError::Unreadable)?;
    match form {
        Form::Binary => binary(payload, &manifest, lock, out).map(drop),
        Form::Text => {
            let armour = binary(payload, &manifest, lock, Armour::new(out).map_err(WriteError::Out)?)?;
            armour.finish().map(drop).map_err(WriteError::Out)
        }
    }
}

fn binary<W: Write>(payload: &Payload, manifest: &[u8], lock: Lock<'_>, mut out: W) -> Result<W, WriteError> {
    let seal = |error: &dyn std::fmt::Display| WriteError::Seal(error.to_string());
    let mut header = [wire::MARK.as_slice(), &[wire::VERSION]].concat();
    let key = match lock {
        Lock::Clear => {
            header.push(wire::CLEAR);
            None
        }
        Lock::Code(code) => {
            let salt = keyshoal_seal::random().map_err(|error| seal(&error))?;
            header.push(wire::CODE);
            header.extend_from_slice(&salt);
            header.extend_from_slice(&code.mark(&salt));
            Some(code.stream_key(&salt, &header))
        }
        Lock::Recipient(recipient) => {
            let salt = keyshoal_seal::random().map_err(|error| seal(&error))?;
            header.push(wire::RECIPIENT);
            header.extend_from_slice(&salt);
            header.extend_from_slice(&recipient.id());
            let (public, key) = recipient.fresh_stream_key(&salt, &header).map_err(|error| seal(&error))?;
            header.extend_from_slice(&public);
            Some(key)
        }
    };
    out.write_all(&header).map_err(WriteError::Out)?;
    match key {
        None => body(payload, manifest, out),
        Some(key) => body(payload, manifest, Sealer::new(&key, out))?.finish().map_err(WriteError::Out),
    }
}

fn body<W: Write>(payload: &Payload, manifest: &[u8], out: W) -> Result<W, WriteError> {
    let mut out = Sections { out, digest: Sha256::new() };
    let json = |error: serde_json::Error| WriteError::Out(io::Error::other(error));
    out.section(wire::MANIFEST, manifest)?;
    for value in &payload.values {
        out.section(wire::VALUE, value.reveal_secret().as_bytes())?;
    }
    for file in &payload.files {
        out.section(wire::FILE, &serde_json::to_vec(file).map_err(json)?)?;
        out.contents(file)?;
    }
    let digest = out.digest.clone().finalize();
    out.section(wire::END, &digest)?;
    Ok(out.out)
}

/// Writes sections, and the digest of all of them.
struct Sections<W> {
    out: W,
    digest: Sha256,
}

impl<W: Write> Sections<W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.digest.update(bytes);
        self.out.write_all(bytes).map_err(WriteError::Out)
    }

    fn begin(&mut self, kind: u8, length: u64) -> Result<(), WriteError> {
        self.put(&[kind])?;
        self.put(&length.to_be_bytes())
    }

    fn section(&mut self, kind: u8, bytes: &[u8]) -> Result<(), WriteError> {
        self.begin(kind, bytes.len() as u64)?;
        self.put(bytes)
    }

    /// Writes a file's bytes: as many as it had when it was found. What was added since stays behind.
    fn contents(&mut self, file: &FileEntry) -> Result<(), WriteError> {
        let shrunk = || WriteError::Shrunk { path: file.path.clone() };
        let at = file.at.as_ref().ok_or_else(shrunk)?;
        let (mut from, size) = files::open(at)?;
        if size < file.size {
            return Err(WriteError::Shrunk { path: at.display().to_string() });
        }
        self.begin(wire::CONTENTS, file.size + wire::DIGEST as u64)?;
        let mut digest = Sha256::new();
        let mut left = file.size;
        let mut chunk = vec![0; 64 * 1024];
        while left > 0 {
            let wanted = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = match from.read(&mut chunk[..wanted]) {
                Ok(0) => return Err(WriteError::Shrunk { path: at.display().to_string() }),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(keyshoal_openclaw::PathError { path: at.clone(), source }.into());
                }
            };
            digest.update(&chunk[..read]);
            self.put(&chunk[..read])?;
            left -= read as u64;
        }
        self.put(&digest.finalize())
    }
}
