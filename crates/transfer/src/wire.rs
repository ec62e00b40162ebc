//! The bytes of a payload.
//!
//! A payload is a header (mark, form, how it is sealed and what that needs), then the body, sealed as a stream or in the clear. The body
//! is a run of sections, each a kind (1 byte), a length (8 bytes, big-endian) and so many bytes: the manifest; as many values as it says;
//! for every file its header and its contents; and an end that holds the digest of everything before it. Nothing is compressed: a
//! payload never takes more room than its own length.

/// How a payload begins. The bytes tell a transfer that took it for text.
pub const MARK: [u8; 8] = *b"\x89KSHL\r\n\x1a";
/// The form that this release writes and reads.
pub const VERSION: u8 = 1;

/// In the clear.
pub const CLEAR: u8 = 0;
/// Sealed with a one-time code: salt (32), the code's mark (8).
pub const CODE: u8 = 1;
/// Sealed to a recipient: salt (32), the recipient's id (8), the ephemeral public key (32).
pub const RECIPIENT: u8 = 2;

/// The end: SHA-256 of all sections before it.
pub const END: u8 = 0;
/// The manifest, as JSON.
pub const MANIFEST: u8 = 1;
/// One value, as UTF-8 text.
pub const VALUE: u8 = 2;
/// What a file is called and how long it is, as JSON.
pub const FILE: u8 = 3;
/// A file's bytes, then their SHA-256.
pub const CONTENTS: u8 = 4;

/// The length of a SHA-256 digest.
pub const DIGEST: usize = 32;
/// The longest header of a file.
pub const LONGEST_FILE_HEADER: u64 = 16 << 10;

/// Returns the word for a kind of section.
pub fn kind(kind: u8) -> &'static str {
    match kind {
        END => "the end",
        MANIFEST => "the manifest",
        VALUE => "a value",
        FILE => "a file's header",
        CONTENTS => "a file's contents",
        _ => "a section of unknown kind",
    }
}

/// Returns 16 hex digits.
pub fn hex(bytes: &[u8; 8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
