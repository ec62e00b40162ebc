//! Sealing a stream of any length in chunks, so that neither side ever holds more than one.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as age has it: every chunk is sealed under one key with its
//! number and a mark of the last one in the nonce. Chunks cannot be reordered, left out, doubled or added, and a stream that was cut off
//! is not taken for a whole one.

use crate::aead::NONCE;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use std::fmt;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// How much of the text one chunk holds.
pub const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// The key of one stream. It must never seal two: it is derived from fresh random bytes each time.
#[derive(Clone)]
pub struct StreamKey(Zeroizing<[u8; 32]>);

/// Says why a sealed stream does not open. It comes wrapped in an [`io::Error`] of the kind `InvalidData`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StreamError {
    /// Changed, cut off, reordered, or sealed with another key.
    #[error(
        "chunk {number} (at byte {offset} of the sealed part) does not open: it was changed, cut off or moved, or another key sealed it"
    )]
    DoesNotOpen {
        /// Which, counted from 0.
        number: u64,
        /// Where it begins.
        offset: u64,
    },
    /// An empty chunk at the end, which no writer of ours makes.
    #[error("chunk {number} is empty, which the end of a stream never is")]
    EmptyEnd {
        /// Which, counted from 0.
        number: u64,
    },
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl StreamKey {
    pub(crate) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(…)")
    }
}

/// The number of the chunk, then whether it is the last.
fn nonce(number: u64, last: bool) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[NONCE - 9..NONCE - 1].copy_from_slice(&number.to_be_bytes());
    nonce[NONCE - 1] = u8::from(last);
    nonce
}

/// Seals what is written into it. Nothing is whole before [`Sealer::finish`].
pub struct Sealer<W> {
    cipher: XChaCha20Poly1305,
    out: W,
    text: Zeroizing<Vec<u8>>,
    number: u64,
}

impl<W: Write> Sealer<W> {
    /// Begins a stream.
    pub fn new(key: &StreamKey, out: W) -> Self {
        Self { cipher: key.cipher(), out, text: Zeroizing::new(Vec::with_capacity(CHUNK)), number: 0 }
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce: XNonce = nonce(self.number, last).into();
        let sealed = self
            .cipher
            .encrypt(&nonce, self.text.as_slice())
            .map_err(|_| io::Error::other("sealing failed"))?;
        self.out.write_all(&sealed)?;
        self.text.clear();
        self.number += 1;
        Ok(())
    }

    /// Seals the last chunk and hands the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.text.len());
        self.text.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// A chunk that is not full is kept back: only the last may be short.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a sealed stream. What it gives was authenticated chunk by chunk; the end is given only where the stream really ends.
pub struct Opener<R> {
    cipher: XChaCha20Poly1305,
    from: R,
    sealed: Vec<u8>,
    /// How much of `sealed` was read ahead already.
    ahead: usize,
    text: Zeroizing<Vec<u8>>,
    given: usize,
    number: u64,
    ended: bool,
}

impl<R: Read> Opener<R> {
    /// Begins to read a stream.
    pub fn new(key: &StreamKey, from: R) -> Self {
        Self {
            cipher: key.cipher(),
            from,
            sealed: vec![0; CHUNK + TAG + 1],
            ahead: 0,
            text: Zeroizing::default(),
            given: 0,
            number: 0,
            ended: false,
        }
    }

    fn next(&mut self) -> io::Result<()> {
        let mut have = self.ahead;
        while have < self.sealed.len() {
            match self.from.read(&mut self.sealed[have..]) {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // One byte more than a chunk is there: so this is not the last.
        let last = have <= CHUNK + TAG;
        let length = have.min(CHUNK + TAG);
        let wrong = StreamError::DoesNotOpen {
            number: self.number,
            offset: self.number.saturating_mul((CHUNK + TAG) as u64),
        };
        let nonce: XNonce = nonce(self.number, last).into();
        let opened = self.cipher.decrypt(&nonce, &self.sealed[..length]).map_err(|_| wrong)?;
        self.text = Zeroizing::new(opened);
        if last && self.text.is_empty() && self.number > 0 {
            return Err(StreamError::EmptyEnd { number: self.number }.into());
        }
        self.given = 0;
        self.number += 1;
        self.ended = last;
        self.ahead = have - length;
        if self.ahead > 0 {
            self.sealed[0] = self.sealed[length];
        }
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.next()?;
        }
        let taken = bytes.len().min(self.text.len() - self.given);
        bytes[..taken].copy_from_slice(&self.text[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}
