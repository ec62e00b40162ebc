//! Whether references lead anywhere. Nothing that they name is kept, and no program is run.

use crate::config::model::SecretProvider;
use crate::files;
use crate::locate::{self, Locations};
use crate::store::model::secret_fingerprint;
use keyshoal_core::examination::ReferenceState;
use keyshoal_core::{Fingerprints, Referred, Secret, SecretRef, SecretSource};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file of secrets that OpenClaw reads.
const LARGEST: u64 = 1 << 20;

/// What references are looked up in.
pub struct Lookup<'a> {
    /// The installation.
    pub locations: &'a Locations,
    /// `secrets.providers`.
    pub providers: &'a BTreeMap<String, SecretProvider>,
    /// Tells whether a variable is set for the gateway; `None` when that cannot be seen.
    pub is_set: &'a dyn Fn(&str) -> Option<bool>,
}

impl Lookup<'_> {
    /// Tells whether a reference leads anywhere.
    pub fn state(&self, reference: &SecretRef) -> ReferenceState {
        match &reference.source {
            SecretSource::Env => match (self.is_set)(&reference.id) {
                Some(true) => ReferenceState::Resolves,
                Some(false) => {
                    ReferenceState::Unresolved(format!("the variable {} is not set", reference.id))
                }
                None => {
                    ReferenceState::Unknown("the gateway's environment cannot be seen from here".to_owned())
                }
            },
            SecretSource::File => self.file(reference),
            SecretSource::Exec => self.exec(reference),
            SecretSource::Store => {
                match super::databases::holds_secret(&self.locations.state_dir, &reference.id) {
                    Some(true) => ReferenceState::Resolves,
                    Some(false) => ReferenceState::Unresolved(format!(
                        "OpenClaw's secret store has no {} (openclaw secrets store set)",
                        reference.id
                    )),
                    None => ReferenceState::Unknown("the secret store cannot be read".to_owned()),
                }
            }
            SecretSource::Other(other) => {
                ReferenceState::Unknown(format!("the source {other} is not known here"))
            }
        }
    }

    fn path(&self, reference: &SecretRef) -> Result<PathBuf, ReferenceState> {
        let unresolved = |text: String| Err(ReferenceState::Unresolved(text));
        let Some(declared) = self.providers.get(&reference.provider) else {
            return unresolved(format!("secrets.providers has no {}", reference.provider));
        };
        let Some(path) = &declared.path else {
            return unresolved(format!("secrets.providers.{} names no path", reference.provider));
        };
        locate::resolve(Path::new(path), Some(&self.locations.home))
            .map_err(|error| ReferenceState::Unresolved(error.to_string()))
    }

    fn file(&self, reference: &SecretRef) -> ReferenceState {
        match self.path(reference).and_then(|path| self.value(reference, &path)) {
            Ok(_) => ReferenceState::Resolves,
            Err(state) => state,
        }
    }

    /// Returns what a reference into a file leads to, and the value itself; `None` for other sources.
    pub fn leads_to(
        &self,
        reference: &SecretRef,
        prints: &dyn Fingerprints,
    ) -> Option<(Referred, Option<Secret>)> {
        if reference.source != SecretSource::File {
            return None;
        }
        let path = self.path(reference);
        let modified =
            |path: &PathBuf| files::metadata(path).ok().flatten().as_ref().and_then(super::paths::modified);
        let found = Referred {
            path: path.as_ref().map_or_else(|_| String::new(), |path| path.display().to_string()),
            modified: path.as_ref().ok().and_then(modified),
            value: None,
            nowhere: None,
        };
        match path.and_then(|path| self.value(reference, &path)) {
            Ok(value) => {
                let print = secret_fingerprint(prints, &value);
                Some((Referred { value: Some(print), ..found }, Some(value)))
            }
            Err(ReferenceState::Unresolved(why)) => Some((Referred { nowhere: Some(why), ..found }, None)),
            Err(_) => Some((found, None)),
        }
    }

    /// Reads the file as OpenClaw does: a regular one without further names, that is its user's own and nobody else's to read or write.
    fn value(&self, reference: &SecretRef, path: &Path) -> Result<Secret, ReferenceState> {
        let unresolved = |text: String| Err(ReferenceState::Unresolved(text));
        if let Ok(Some(found)) = files::metadata(path)
            && let Some(why) = self.refused(path, &found)
        {
            return unresolved(why);
        }
        let bytes = match files::read_single(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.source.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(ReferenceState::Unknown(error.to_string()));
            }
            Err(error) => return unresolved(error.to_string()),
        };
        if self.providers.get(&reference.provider).is_some_and(|declared| declared.single_value) {
            return match bytes.iter().all(u8::is_ascii_whitespace) {
                true => unresolved(format!("{} is empty", path.display())),
                false => Ok(Secret::new(String::from_utf8_lossy(&bytes).into_owned())),
            };
        }
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
            return unresolved(format!("{} is not JSON", path.display()));
        };
        match document.pointer(&reference.id).and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Secret::new(text)),
            None => unresolved(format!("{} has nothing at {}", path.display(), reference.id)),
        }
    }

    /// Says why OpenClaw does not read a file, by whose it is and who else may.
    fn refused(&self, path: &Path, found: &std::fs::Metadata) -> Option<String> {
        let path = path.display();
        if found.mode() & 0o066 != 0 {
            return Some(format!(
                "others may read or write {path} (mode {:04o}), and OpenClaw takes no secret from such a file: chmod 600 {path}",
                found.mode() & 0o7777
            ));
        }
        let owner = files::owner(&self.locations.state_dir)?;
        (found.uid() != owner).then(|| {
            format!("{path} belongs to user {}, and OpenClaw only takes secrets from files of its own user, {owner}", found.uid())
        })
    }

    /// A program is looked at, never run.
    fn exec(&self, reference: &SecretRef) -> ReferenceState {
        let path = match self.path(reference) {
            Ok(path) => path,
            Err(state) => return state,
        };
        match files::metadata(&path) {
            Ok(Some(meta)) if meta.is_file() && meta.mode() & 0o111 != 0 => {
                ReferenceState::Unknown(format!("{} would have to be run", path.display()))
            }
            Ok(Some(_)) => ReferenceState::Unresolved(format!("{} cannot be run", path.display())),
            Ok(None) => ReferenceState::Unresolved(format!("{} does not exist", path.display())),
            Err(error) => ReferenceState::Unresolved(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, locate};
    use keyshoal_core::Fingerprint;

    /// Tells values apart by their first letter.
    struct Plain;

    impl Fingerprints for Plain {
        fn of(&self, parts: &[&str]) -> Fingerprint {
            Fingerprint::from_bytes([parts[1].as_bytes()[0]; 16])
        }
    }

    #[test]
    fn every_source_is_looked_up_in_its_own_place() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = dir.path().join("secrets.json");
        let mode = |mode| rustix::fs::chmod(&secrets, rustix::fs::Mode::from_raw_mode(mode)).unwrap();
        std::io::Write::write_all(&mut files::create_new(&secrets).unwrap(), b"{\"a\":{\"key\":\"x\"}}")
            .unwrap();
        let env = Environment { home: Some(dir.path().to_owned()), ..Environment::default() };
        let locations = locate::locate(&env, Some(dir.path()), None).unwrap();
        let provider = |path: &str| SecretProvider { path: Some(path.to_owned()), single_value: false };
        let providers = BTreeMap::from([
            ("files".to_owned(), provider("~/secrets.json")),
            ("tool".to_owned(), provider("/bin/sh")),
            ("gone".to_owned(), provider("/nowhere/tool")),
        ]);
        let is_set = |name: &str| (name != "HIDDEN").then_some(name == "SET");
        let lookup = Lookup { locations: &locations, providers: &providers, is_set: &is_set };
        let state = |source, provider: &str, id: &str| {
            lookup.state(&SecretRef { source, provider: provider.to_owned(), id: id.to_owned() })
        };
        assert_eq!(state(SecretSource::Env, "default", "SET"), ReferenceState::Resolves);
        assert!(matches!(state(SecretSource::Env, "default", "NOT"), ReferenceState::Unresolved(_)));
        assert!(matches!(state(SecretSource::Env, "default", "HIDDEN"), ReferenceState::Unknown(_)));
        assert_eq!(state(SecretSource::File, "files", "/a/key"), ReferenceState::Resolves);
        let led = |id: &str| {
            let reference = SecretRef { source: SecretSource::File, provider: "files".into(), id: id.into() };
            lookup.leads_to(&reference, &Plain).unwrap()
        };
        let (found, value) = led("/a/key");
        assert_eq!(found.value, Some(secret_fingerprint(&Plain, &Secret::new("x"))));
        assert!(value.is_some_and(|value| value.reveal_secret() == "x"));
        assert!(found.modified.is_some() && found.nowhere.is_none());
        let (found, value) = led("/b");
        assert!(found.value.is_none() && value.is_none());
        assert!(found.nowhere.unwrap().contains("has nothing at /b"));
        // OpenClaw refuses such a file: on 2026.9.6 every turn was answered with 500.
        for open in [0o644, 0o620, 0o606] {
            mode(open);
            let (found, value) = led("/a/key");
            assert!(found.value.is_none() && value.is_none(), "{open:o}");
            assert!(found.nowhere.unwrap().contains("chmod 600"), "{open:o}");
            assert!(matches!(state(SecretSource::File, "files", "/a/key"), ReferenceState::Unresolved(_)));
        }
        mode(0o600);
        assert!(matches!(state(SecretSource::File, "files", "/b"), ReferenceState::Unresolved(_)));
        assert!(matches!(state(SecretSource::File, "none", "/b"), ReferenceState::Unresolved(_)));
        assert!(matches!(state(SecretSource::Exec, "tool", "x"), ReferenceState::Unknown(_)));
        assert!(matches!(state(SecretSource::Exec, "gone", "x"), ReferenceState::Unresolved(_)));
    }
}
