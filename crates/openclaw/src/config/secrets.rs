//! References to secrets that the gateway's own credentials may be.

use super::notes::{Look, Notes};
use super::providers::secret_ref;
use super::substitute::whole_variable;
use super::variables::Variables;
use crate::files;
use crate::locate::{self, Locations};
use keyshoal_core::{Secret, SecretSource};
use serde_json::Value;
use std::path::Path;

/// The largest file of secrets that OpenClaw reads.
const LARGEST: u64 = 1 << 20;

/// Resolves the gateway's own credentials: from the environment and from files only; programs are never run.
pub(super) struct Resolver<'a> {
    /// The whole config.
    pub(super) root: &'a Look<'a>,
    /// The variables.
    pub(super) variables: &'a Variables<'a>,
    /// Where `~` is.
    pub(super) locations: &'a Locations,
}

/// A secret that cannot be resolved here.
pub(super) struct Unresolved {
    /// What names it: a variable, or a reference's id.
    pub(super) name: String,
    /// Why.
    problem: String,
}

impl Resolver<'_> {
    /// Returns the secret of a key: text, a reference to the environment, or `{source, provider, id}`. What cannot be resolved is said.
    pub(super) fn secret_at(&self, look: &Look<'_>, key: &str, notes: &mut Notes<'_>) -> Option<Secret> {
        let found = look.at(key)?;
        match self.resolve(&found, notes)? {
            Ok(secret) => (!secret.is_empty()).then_some(secret),
            Err(Unresolved { problem, .. }) => {
                notes.warn(
                    &found.steps,
                    format_args!(
                        "{problem}; give the value in OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD"
                    ),
                );
                None
            }
        }
    }

    /// Resolves text, a reference to the environment, or `{source, provider, id}`; `None` for what is none of them, which is said.
    pub(super) fn resolve(
        &self,
        found: &Look<'_>,
        notes: &mut Notes<'_>,
    ) -> Option<Result<Secret, Unresolved>> {
        let (name, resolved) = if found.value.is_object() {
            let Some(reference) = secret_ref(found.value) else {
                found.complain("text or {source, provider, id}", notes);
                return None;
            };
            let resolved = match reference.source {
                SecretSource::Env => self.variable(&reference.id),
                SecretSource::File => self.file(&reference.provider, &reference.id, notes),
                _ => Err("is a reference that only the gateway itself resolves".to_owned()),
            };
            (reference.id, resolved)
        } else {
            let text = found.text(notes)?.trim();
            match whole_variable(text) {
                Some(variable) => (variable.to_owned(), self.variable(variable)),
                None => return Some(Ok(Secret::new(text))),
            }
        };
        Some(resolved.map_err(|problem| Unresolved { name, problem }))
    }

    /// Looks a variable up.
    fn variable(&self, name: &str) -> Result<Secret, String> {
        match self.variables.get(name).filter(|value| !value.trim().is_empty()) {
            Some(value) => Ok(Secret::new(value.trim())),
            None => Err(format!("names the variable {name}, which is not set here")),
        }
    }

    /// Looks a secret up in the file of a configured provider.
    fn file(&self, provider: &str, id: &str, notes: &mut Notes<'_>) -> Result<Secret, String> {
        let declared = self
            .root
            .object_at("secrets", notes)
            .and_then(|secrets| secrets.object_at("providers", notes))
            .and_then(|providers| providers.object_at(provider, notes))
            .ok_or("names a secret provider that is not configured")?;
        let path = declared.text_at("path", notes).ok_or("names a secret provider that has no path")?;
        let path = locate::resolve(Path::new(&path), Some(&self.locations.home))
            .map_err(|error| error.to_string())?;
        let bytes =
            files::read_single(&path, LARGEST).map_err(|error| format!("cannot be resolved: {error}"))?;
        let text = String::from_utf8_lossy(&bytes);
        if declared.text_at("mode", notes).as_deref() == Some("singleValue") {
            return Ok(Secret::new(text.trim()));
        }
        let document: Value = serde_json::from_str(&text)
            .map_err(|_| format!("names {}, which is not JSON", path.display()))?;
        let found = document.pointer(id).and_then(Value::as_str);
        found
            .map(|text| Secret::new(text.trim()))
            .ok_or_else(|| format!("names something that is not in {}", path.display()))
    }
}
