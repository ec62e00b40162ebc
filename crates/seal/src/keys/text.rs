//! The text of a key file.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

const MARK: &str = "keyshoal-key-v1:";
/// No key file is longer.
pub(crate) const LIMIT: usize = 4096;

/// Writes the text: a comment for the person who finds it, then the key.
pub(crate) fn write(name: &str, bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str("# Keyshoal's key \"");
    text.push_str(name);
    text.push_str("\". Keep it secret, and keep it: nothing else opens what was sealed with it.\n");
    text.push_str(MARK);
    STANDARD.encode_string(bytes, &mut text);
    text.push('\n');
    text
}

/// Reads the text back. Comments and empty lines are skipped; there must be exactly one key.
pub(crate) fn read(text: &[u8]) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let mut key = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let encoded =
            line.strip_prefix(MARK).ok_or("a line is not a key of a form that this version knows")?;
        let mut bytes = Zeroizing::new([0; 32]);
        // Strict decoding into a buffer that is too long by what a padded group may hold.
        let mut buffer = Zeroizing::new([0; 36]);
        let length =
            STANDARD.decode_slice(encoded, &mut *buffer).map_err(|_| "the key is not 32 bytes in base64")?;
        if length != bytes.len() {
            return Err("the key is not 32 bytes in base64");
        }
        bytes.copy_from_slice(&buffer[..32]);
        if key.replace(bytes).is_some() {
            return Err("it holds more than one key");
        }
    }
    key.ok_or("it holds no key")
}

/// Reads 32 bytes in base64 (with or without padding), in hexadecimal digits, or as the text of a key file.
pub(crate) fn read_any(said: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    if let Ok(key) = read(said) {
        return Some(key);
    }
    let word = said.trim_ascii();
    let mut key = Zeroizing::new([0; 32]);
    if word.len() == 64 {
        for (byte, pair) in key.iter_mut().zip(word.as_chunks::<2>().0) {
            let digit = |at: u8| char::from(at).to_digit(16);
            *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
        }
        return Some(key);
    }
    let mut buffer = Zeroizing::new([0; 36]);
    let engine = if word.ends_with(b"=") { STANDARD } else { STANDARD_NO_PAD };
    match engine.decode_slice(word, &mut *buffer) {
        Ok(32) => key.copy_from_slice(&buffer[..32]),
        _ => return None,
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: [u8; 32]) {
            prop_assert_eq!(*read(write("seal", &bytes).as_bytes()).unwrap(), bytes);
        }

        /// A file that was cut off anywhere inside the key is refused, never read as another key.
        #[test]
        fn a_cut_file_is_refused(bytes: [u8; 32], cut in 2_usize..46) {
            let text = write("seal", &bytes);
            prop_assert!(read(&text.as_bytes()[..text.len() - cut]).is_err());
        }
    }

    #[test]
    fn two_keys_are_refused() {
        let text = [write("a", &[1; 32]).as_str(), write("b", &[2; 32]).as_str()].concat();
        assert_eq!(read(text.as_bytes()).unwrap_err(), "it holds more than one key");
    }
}
