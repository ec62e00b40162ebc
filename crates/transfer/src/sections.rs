//! Reading a body section by section, each within its bounds and at a place that an error can name.

use crate::error::ReadError;
use crate::wire;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use zeroize::Zeroizing;

/// Reads sections and keeps the digest of all of them.
pub struct Sections<R> {
    from: R,
    digest: Sha256,
    at: u64,
}

/// The beginning of a section.
pub struct Section {
    /// Its kind.
    pub kind: u8,
    /// Its length.
    pub length: u64,
    /// Where it begins, for people.
    pub place: String,
    /// The digest of everything before it.
    before: [u8; wire::DIGEST],
}

impl<R: Read> Sections<R> {
    pub fn new(from: R) -> Self {
        Self { from, digest: Sha256::new(), at: 0 }
    }

    /// Reads the beginning of a section.
    pub fn next(&mut self) -> Result<Section, ReadError> {
        let before = self.digest.clone().finalize().into();
        let place = format!("byte {}", self.at);
        let mut head = [0; 9];
        self.fill(&mut head, &format!("a section at {place}"))?;
        let length = u64::from_be_bytes(std::array::from_fn(|at| head[at + 1]));
        let place = format!("{} at {place}", wire::kind(head[0]));
        Ok(Section { kind: head[0], length, place, before })
    }

    /// Reads a section of a certain kind that is no longer than `most`.
    pub fn whole(&mut self, kind: u8, most: u64) -> Result<(Section, Zeroizing<Vec<u8>>), ReadError> {
        let section = self.next()?;
        if section.kind != kind {
            return Err(ReadError::refused(
                section.place,
                format!("stands where {} should be", wire::kind(kind)),
            ));
        }
        let bytes = self.rest(&section, most)?;
        Ok((section, bytes))
    }

    /// Reads what is in a section that is no longer than `most`.
    pub fn rest(&mut self, section: &Section, most: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        if section.length > most {
            return Err(ReadError::refused(
                &section.place,
                format!("is {} bytes long, and may have {most}", section.length),
            ));
        }
        let length = usize::try_from(section.length)
            .map_err(|_| ReadError::refused(&section.place, "is longer than memory"))?;
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.fill(&mut bytes, &section.place)?;
        Ok(bytes)
    }

    /// Fills a buffer, and counts what is read.
    pub fn fill(&mut self, bytes: &mut [u8], place: &str) -> Result<(), ReadError> {
        self.from.read_exact(bytes).map_err(|error| ReadError::input(place, error))?;
        self.digest.update(&*bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Checks the end: that it is the digest of everything before it, and that nothing follows.
    pub fn end(mut self, section: &Section) -> Result<R, ReadError> {
        let said = self.rest(section, wire::DIGEST as u64)?;
        if said[..] != section.before {
            return Err(ReadError::refused(
                &section.place,
                "does not fit what stands before it: the payload was changed",
            ));
        }
        let mut more = [0];
        loop {
            match self.from.read(&mut more) {
                Ok(0) => return Ok(self.from),
                Ok(_) => {
                    return Err(ReadError::refused(
                        format!("byte {}", self.at),
                        "something stands behind the end",
                    ));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::input("behind the end", error)),
            }
        }
    }
}
