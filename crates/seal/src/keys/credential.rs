//! Keys handed in by systemd (`LoadCredential=`, `LoadCredentialEncrypted=`).

use super::file::{check_mode, file_name, io_error, open_file, read_all};
use super::{KeyError, KeyFile, text};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::path::Path;

/// Reads the key `name` from a credential directory: the file `keyshoal-<name>`, with exactly 32 raw bytes, or 32 bytes in base64 or hexadecimal
/// digits, or the text of a key file. `None` when there is no such credential. The caller passes the value of `$CREDENTIALS_DIRECTORY`.
///
/// systemd gives the files to root and lets the service's user read them by an access list, so the owner says nothing here
/// and the group bits show the list's mask; refused is only what every user may read, or what is no plain file.
pub fn from_credentials(dir: &Path, name: &str) -> Result<Option<KeyFile>, KeyError> {
    file_name(name)?;
    let file = format!("keyshoal-{name}");
    let path = dir.join(&file);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle = match rustix::fs::openat(CWD, dir, flags, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(io_error(dir, error)),
    };
    let Some((handle, stat)) = open_file(&handle, &file, &path)? else { return Ok(None) };
    check_mode(&path, stat.st_mode, 0o007, "read", 0o400)?;
    let bytes = read_all(handle, &path)?;
    if let Ok(raw) = <[u8; 32]>::try_from(bytes.as_slice()) {
        return Ok(Some(KeyFile::from_bytes(raw).at(&path)));
    }
    let key = text::read_any(&bytes).ok_or_else(|| KeyError::Credential { path: path.clone() })?;
    Ok(Some(KeyFile::from_bytes(*key).at(&path)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test hands over what systemd would")]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_key_is_taken_and_the_refusal_names_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyshoal-vault");
        let handed = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            rustix::fs::chmod(&path, Mode::RUSR | Mode::WUSR).unwrap();
            from_credentials(dir.path(), "vault")
        };
        let base64 = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
        for form in [[1_u8; 32].as_slice(), base64.as_bytes(), "01".repeat(32).as_bytes()] {
            assert_eq!(handed(form).unwrap().unwrap().bytes(), &[1; 32]);
        }
        let said = handed(b"a passphrase").unwrap_err().to_string();
        assert!(said.contains("32 raw bytes") && !said.contains("passphrase"), "{said}");
    }
}
