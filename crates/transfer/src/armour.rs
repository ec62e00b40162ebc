//! A payload as text that can be pasted: lines of base64 between two markers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, BufRead, BufReader, Read, Write};
use zeroize::Zeroizing;

/// The line before.
pub const BEGIN: &str = "-----BEGIN KEYSHOAL PAYLOAD-----";
/// The line after.
pub const END: &str = "-----END KEYSHOAL PAYLOAD-----";
/// Bytes of a line: 76 characters.
const LINE: usize = 57;
/// The longest line that is read, whoever broke the lines anew.
const LONGEST: usize = 1024;
/// Blank characters that may stand before and after.
const BLANKS: usize = 4096;

/// Writes bytes as text.
pub struct Armour<W: Write> {
    out: W,
    line: Zeroizing<Vec<u8>>,
}

impl<W: Write> Armour<W> {
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{BEGIN}")?;
        Ok(Self { out, line: Zeroizing::new(Vec::with_capacity(LINE)) })
    }

    fn line(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            let text = Zeroizing::new(STANDARD.encode(&*self.line));
            writeln!(self.out, "{}", *text)?;
            self.line.clear();
        }
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.line()?;
        writeln!(self.out, "{END}")?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Armour<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(LINE - self.line.len());
        self.line.extend_from_slice(&bytes[..taken]);
        if self.line.len() == LINE {
            self.line()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads bytes from text.
pub struct Dearmour<R: Read> {
    from: BufReader<R>,
    bytes: Zeroizing<Vec<u8>>,
    given: usize,
    number: u64,
    begun: bool,
    /// A padded line came: only the end may follow.
    last: bool,
    ended: bool,
    read_on: bool,
}

fn wrong(number: u64, problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {number}: {problem}"))
}

impl<R: Read> Dearmour<R> {
    /// `read_on`: what stands behind the end is read, and refused unless it is blank.
    pub fn new(from: R, read_on: bool) -> Self {
        Self {
            from: BufReader::new(from),
            bytes: Zeroizing::default(),
            given: 0,
            number: 0,
            begun: false,
            last: false,
            ended: false,
            read_on,
        }
    }

    /// Returns the next line without blanks around it; nothing at the end of the input.
    fn line(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(128));
        self.number += 1;
        let read = (&mut self.from).take(LONGEST as u64 + 1).read_until(b'\n', &mut bytes)?;
        if bytes.len() > LONGEST {
            return Err(wrong(self.number, "is longer than any line of a payload"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong(self.number, "is not text"))?;
        Ok((read > 0)
            .then(|| Zeroizing::new(text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_owned())))
    }

    fn next(&mut self) -> io::Result<()> {
        let Some(line) = self.line()? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if line.as_str() == END {
            self.ended = true;
            return self.tail();
        }
        if self.last {
            return Err(wrong(self.number, "stands behind the padding"));
        }
        if line.is_empty() {
            return Err(wrong(self.number, "is empty"));
        }
        self.bytes =
            Zeroizing::new(STANDARD.decode(line.as_bytes()).map_err(|_| wrong(self.number, "is no base64"))?);
        self.last = line.ends_with('=');
        self.given = 0;
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        let mut blank = 0;
        loop {
            let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            match line.as_str() {
                BEGIN => break,
                "" if blank < BLANKS => blank += 1,
                _ => return Err(wrong(self.number, "is not the beginning of a payload")),
            }
        }
        self.begun = true;
        Ok(())
    }

    fn tail(&mut self) -> io::Result<()> {
        let mut blank = 0;
        while self.read_on {
            match self.line()? {
                None => break,
                Some(line) if line.is_empty() && blank < BLANKS => blank += 1,
                Some(_) => return Err(wrong(self.number, "stands behind the end of the payload")),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Dearmour<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begin()?;
        }
        while self.given == self.bytes.len() && !self.ended {
            self.bytes.clear();
            self.given = 0;
            self.next()?;
        }
        let taken = bytes.len().min(self.bytes.len() - self.given);
        bytes[..taken].copy_from_slice(&self.bytes[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}
