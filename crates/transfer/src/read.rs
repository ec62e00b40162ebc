//! Reading a payload that anybody may have made.

use crate::armour::{self, Dearmour};
use crate::error::ReadError;
use crate::files::Draft;
use crate::manifest::Manifest;
use crate::payload::{FileEntry, Payload};
use crate::sections::Sections;
use crate::{Limits, check, wire};
use keyshoal_core::Secret;
use keyshoal_seal::{OneTimeCode, Opener, RecipientKey};
use sha2::{Digest, Sha256};
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use zeroize::Zeroize;

/// So much is looked at to tell text from bytes.
const BEGINNING: usize = 8;

/// How a payload is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedWith {
    /// Not at all.
    Nothing,
    /// A one-time code.
    Code,
    /// The key of a recipient, with this id.
    Recipient([u8; 8]),
}

/// What opens it.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// Nothing is needed.
    Nothing,
    /// The code.
    Code(&'a OneTimeCode),
    /// This machine's own key.
    Recipient(&'a RecipientKey),
}

/// What is done about text behind the end of a payload that is text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// It is read to its end, and only blanks may be there.
    Refused,
    /// It is not read: a person who pastes ends nothing.
    Unread,
}

/// A payload of which the header was read.
pub struct Incoming<'r> {
    from: Box<dyn Read + 'r>,
    sealed: SealedWith,
    header: Vec<u8>,
    salt: [u8; 32],
    mark: [u8; 8],
    ephemeral: [u8; 32],
    limits: Limits,
}

/// Reads the header of a payload: bytes or text.
pub fn open<'r>(mut from: impl Read + 'r, limits: Limits, tail: Tail) -> Result<Incoming<'r>, ReadError> {
    let mut beginning = Vec::with_capacity(BEGINNING);
    (&mut from).take(BEGINNING as u64).read_to_end(&mut beginning).map_err(ReadError::Io)?;
    let is_text = {
        let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&beginning).trim_ascii_start();
        armour::BEGIN.as_bytes().starts_with(text) && beginning.len() == BEGINNING
    };
    let is_bytes = beginning == wire::MARK;
    let whole = Cursor::new(beginning).chain(from);
    let mut from: Box<dyn Read + 'r> = match (is_bytes, is_text) {
        (true, _) => Box::new(io::BufReader::new(whole)),
        (_, true) => Box::new(Dearmour::new(whole, tail == Tail::Refused)),
        _ => return Err(ReadError::NotAPayload),
    };
    let mut header = vec![0; wire::MARK.len() + 2];
    let cut = |error| ReadError::input("the header", error);
    from.read_exact(&mut header).map_err(cut)?;
    if header[..wire::MARK.len()] != wire::MARK {
        return Err(ReadError::NotAPayload);
    }
    if header[wire::MARK.len()] != wire::VERSION {
        return Err(ReadError::OtherForm { found: header[wire::MARK.len()] });
    }
    let (mut salt, mut mark, mut ephemeral) = ([0; 32], [0; 8], [0; 32]);
    let how = header[wire::MARK.len() + 1];
    if how == wire::CODE || how == wire::RECIPIENT {
        from.read_exact(&mut salt).map_err(cut)?;
        from.read_exact(&mut mark).map_err(cut)?;
        header.extend_from_slice(&salt);
        header.extend_from_slice(&mark);
    }
    let sealed = match how {
        wire::CLEAR => SealedWith::Nothing,
        wire::CODE => SealedWith::Code,
        wire::RECIPIENT => {
            from.read_exact(&mut ephemeral).map_err(cut)?;
            SealedWith::Recipient(mark)
        }
        other => {
            return Err(ReadError::refused(
                "the header",
                format!("it is sealed in a way ({other}) that nobody knows"),
            ));
        }
    };
    Ok(Incoming { from, sealed, header, salt, mark, ephemeral, limits })
}

impl Incoming<'_> {
    /// Returns how it is sealed.
    pub fn sealed(&self) -> SealedWith {
        self.sealed
    }

    /// Reads all of it. Its files are put into a draft in `drafts`, or only checked where that is `None`; the draft is gone when anything
    /// is wrong.
    pub fn read(self, key: Key<'_>, drafts: Option<&Path>) -> Result<Payload, ReadError> {
        let stream = match (self.sealed, key) {
            // A key that is not needed is no mistake.
            (SealedWith::Nothing, _) => None,
            (SealedWith::Code, Key::Code(code)) => {
                if code.mark(&self.salt) != self.mark {
                    return Err(ReadError::WrongCode);
                }
                Some(code.stream_key(&self.salt, &self.header))
            }
            (SealedWith::Recipient(wanted), Key::Recipient(own)) => {
                let have = own.recipient().id();
                if have != wanted {
                    let (wanted, have) = (wire::hex(&wanted), wire::hex(&have));
                    return Err(ReadError::OtherRecipient { wanted, have });
                }
                let key = own.stream_key(&self.ephemeral, &self.salt, &self.header);
                Some(key.map_err(|error| ReadError::refused("the header", error.to_string()))?)
            }
            (sealed, key) => {
                return Err(ReadError::OtherKey { sealed: words(sealed), given: given(key) });
            }
        };
        match stream {
            None => body(self.from, &self.limits, drafts),
            Some(key) => body(Opener::new(&key, self.from), &self.limits, drafts),
        }
    }
}

fn words(sealed: SealedWith) -> String {
    match sealed {
        SealedWith::Nothing => "not sealed".to_owned(),
        SealedWith::Code => "sealed with a one-time code".to_owned(),
        SealedWith::Recipient(id) => format!("sealed for recipient {}", wire::hex(&id)),
    }
}

fn given(key: Key<'_>) -> &'static str {
    match key {
        Key::Nothing => "no key",
        Key::Code(_) => "a code",
        Key::Recipient(_) => "a recipient's key",
    }
}

fn body(from: impl Read, limits: &Limits, drafts: Option<&Path>) -> Result<Payload, ReadError> {
    let mut sections = Sections::new(from);
    let (place, manifest) = sections.whole(wire::MANIFEST, limits.manifest)?;
    let manifest = parse_manifest(&manifest).map_err(|problem| ReadError::refused(place.place, problem))?;
    check::manifest(&manifest, limits)?;
    let mut values = Vec::new();
    let mut left = limits.values;
    for number in 0..manifest.values {
        let (section, bytes) = sections.whole(wire::VALUE, limits.value.min(left))?;
        left -= section.length;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| ReadError::refused(section.place, format!("value {number} is not UTF-8")))?;
        values.push(Secret::new(text));
    }
    let mut payload = Payload { manifest, values, files: Vec::new(), draft: None };
    check::values(&payload)?;
    let wanted = payload.manifest.files;
    if let (Some(_), Some(parent)) = (wanted, drafts) {
        payload.draft = Some(Draft::new(parent)?);
    }
    let mut taken = check::Taken::new(&payload.manifest, limits);
    let end = loop {
        let section = sections.next()?;
        if section.kind != wire::FILE {
            break section;
        }
        let bytes = sections.rest(&section, wire::LONGEST_FILE_HEADER)?;
        let mut file: FileEntry = serde_json::from_slice(&bytes)
            .map_err(|error| ReadError::refused(&section.place, format!("is not one: {}", told(&error))))?;
        taken.file(&file)?;
        contents(&mut sections, &mut file, payload.draft.as_ref())?;
        payload.files.push(file);
    };
    if end.kind != wire::END {
        return Err(ReadError::refused(end.place, "stands where a file or the end should be"));
    }
    taken.all()?;
    sections.end(&end)?;
    Ok(payload)
}

/// Streams a file into the draft, or nowhere, and compares its digest.
fn contents(
    sections: &mut Sections<impl Read>,
    file: &mut FileEntry,
    draft: Option<&Draft>,
) -> Result<(), ReadError> {
    let section = sections.next()?;
    let place = format!("{} {} of {} ({})", file.part.as_str(), file.path, file.agent, section.place);
    if section.kind != wire::CONTENTS || Some(section.length) != file.size.checked_add(wire::DIGEST as u64) {
        return Err(ReadError::refused(place, "is not as long as its header says"));
    }
    let mut out = match draft {
        Some(draft) => {
            let (out, at) = draft.create(&file.agent, file.part, &file.path, file.mode)?;
            file.at = Some(at);
            Some(out)
        }
        None => None,
    };
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    let mut left = file.size;
    while left > 0 {
        let length = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = &mut chunk[..length];
        sections.fill(bytes, &place)?;
        digest.update(&*bytes);
        if let Some(out) = &mut out {
            out.write_all(bytes).map_err(ReadError::Io)?;
        }
        left -= length as u64;
    }
    chunk.zeroize();
    let mut said = [0; wire::DIGEST];
    sections.fill(&mut said, &place)?;
    if said[..] != digest.finalize()[..] {
        return Err(ReadError::refused(place, "does not fit its digest: it was changed"));
    }
    Ok(())
}

fn parse_manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 at byte {}", error.valid_up_to()))?;
    crate::entry::strict(text)?;
    serde_json::from_str(text).map_err(|error| told(&error))
}

/// Says a JSON error. The manifest holds no secrets, so its own words may be repeated, but no more of them than a person can read.
fn told(error: &serde_json::Error) -> String {
    error.to_string().chars().filter(|one| !one.is_control()).take(200).collect()
}
