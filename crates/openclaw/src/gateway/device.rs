//! An Ed25519 identity of our own, for releases that give rights to devices only.

use super::GatewayError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const FILE_LIMIT: u64 = 4096;

/// An identity and the file it is kept in.
pub struct DeviceIdentity {
    path: PathBuf,
    key: SigningKey,
    id: String,
}

impl fmt::Debug for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceIdentity")
            .field("path", &self.path)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl DeviceIdentity {
    /// Loads the identity at `path`, or makes one there (0600, never overwriting anything). The directory must exist.
    ///
    /// # Errors
    /// Another owner, a mode wider than 0600, a link, something that is no identity of ours, a directory that cannot be written.
    pub fn load_or_create(path: &Path) -> Result<Self, GatewayError> {
        match Self::load(path)? {
            Some(identity) => Ok(identity),
            None => Self::create(path),
        }
    }

    /// Returns the file it is kept in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its id: the SHA-256 of the public key in hex.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes())
    }

    pub(super) fn sign(&self, payload: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(payload).to_bytes())
    }

    fn load(path: &Path) -> Result<Option<Self>, GatewayError> {
        let refuse = |why: String| GatewayError::Identity { path: path.display().to_string(), why };
        let file = match rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return Err(refuse("it is a symbolic link".into())),
            Err(error) => return Err(refuse(error.to_string())),
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| refuse(error.to_string()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refuse("it belongs to another user".into()));
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(refuse(format!(
                "others may read it (mode {:o}, 600 is right)",
                stat.st_mode & 0o777
            )));
        }
        let mut text = String::new();
        File::from(file)
            .take(FILE_LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| refuse(error.to_string()))?;
        let seed = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| URL_SAFE_NO_PAD.decode(value.get("ed25519_seed")?.as_str()?).ok())
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or_else(|| refuse("it holds no identity of Keyshoal's".into()))?;
        Ok(Some(Self::new(path, &seed)))
    }

    fn create(path: &Path) -> Result<Self, GatewayError> {
        let refuse = |why: String| GatewayError::Identity { path: path.display().to_string(), why };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| refuse(format!("no randomness: {error}")))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => file,
            // Another keyshoal was faster: use its identity.
            Err(rustix::io::Errno::EXIST) => {
                return Self::load(path)?.ok_or_else(|| refuse("it came and went".into()));
            }
            Err(error) => return Err(refuse(error.to_string())),
        };
        let text = json!({
            "comment": "the device identity by which Keyshoal is known to the gateway; delete it and a new one is made",
            "ed25519_seed": URL_SAFE_NO_PAD.encode(seed),
        });
        let mut file = File::from(file);
        file.write_all(format!("{text}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self::new(path, &seed))
    }

    fn new(path: &Path, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let hash = Sha256::digest(key.verifying_key().as_bytes());
        let id = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { path: path.to_owned(), key, id }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write their own files")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn refusal(path: &Path) -> String {
        DeviceIdentity::load_or_create(path).unwrap_err().to_string()
    }

    #[test]
    fn is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.json");
        let first = DeviceIdentity::load_or_create(&path).unwrap();
        let again = DeviceIdentity::load_or_create(&path).unwrap();
        assert_eq!(first.id(), again.id());
        assert_eq!(first.sign(b"x"), again.sign(b"x"));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{first:?}").contains(&URL_SAFE_NO_PAD.encode(first.key.to_bytes())));
    }

    #[test]
    fn refuses_what_others_can_read_links_and_foreign_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.json");
        DeviceIdentity::load_or_create(&path).unwrap();
        rustix::fs::chmod(&path, Mode::from_raw_mode(0o644)).unwrap();
        assert!(refusal(&path).contains("mode 644"));

        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(refusal(&link).contains("symbolic link"));

        let foreign = dir.path().join("foreign");
        File::create_new(&foreign).unwrap().write_all(b"{\"deviceId\":\"x\"}").unwrap();
        rustix::fs::chmod(&foreign, Mode::from_raw_mode(0o600)).unwrap();
        assert!(refusal(&foreign).contains("no identity"));
    }
}
