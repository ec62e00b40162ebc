//! What the journal keeps of a profile before and after a write, so that either side can be put back.

use crate::book::Entry;
use keyshoal_core::ProfileId;
use keyshoal_core::{CredentialKind, ProviderId, Secret, SecretRef};
use keyshoal_openclaw::store::{Edit, StoredProfile, StoredSecret};
use serde_json::{Value, json};

/// One side of a write. OAuth has no image: its tokens only move forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The profile's provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Its value or reference.
    pub secret: StoredSecret,
    /// Its `expires`.
    pub expires: Option<i64>,
    /// The whole entry, where it was removed.
    pub raw: Option<Secret>,
}

impl Image {
    /// Takes the image of a profile as it stands. `None` for what must not be kept.
    pub fn of(profile: &StoredProfile) -> Option<Self> {
        match profile.secret {
            StoredSecret::Inline(_) | StoredSecret::Ref(_) => Some(Self {
                provider: profile.provider.clone(),
                kind: profile.kind.clone(),
                secret: profile.secret.clone(),
                expires: profile.expires.as_ref().and_then(|expires| expires.as_ref().ok().copied()),
                raw: Some(profile.raw.clone()),
            }),
            StoredSecret::OAuth { .. } | StoredSecret::Fenced | StoredSecret::Absent => None,
        }
    }

    /// Takes the image of what a write will put there.
    pub fn of_entry(provider: &ProviderId, kind: &CredentialKind, entry: &Entry) -> Self {
        Self {
            provider: provider.clone(),
            kind: kind.clone(),
            secret: entry.secret.clone(),
            expires: entry.expires.filter(|_| *kind == CredentialKind::Token),
            raw: None,
        }
    }

    /// Returns the edit that puts this image into a store that holds `now` under its id: the whole entry as it was, unless other
    /// fields have changed since, which then stay.
    pub fn edit(&self, profile: &ProfileId, now: Option<&StoredProfile>) -> Edit {
        match (&self.raw, now) {
            (Some(raw), None) => Edit::PutRaw { profile: profile.clone(), json: raw.clone() },
            (Some(raw), Some(now)) if besides_secret(raw) == besides_secret(&now.raw) => {
                Edit::PutRaw { profile: profile.clone(), json: raw.clone() }
            }
            (None, None) => Edit::Insert {
                profile: profile.clone(),
                provider: self.provider.clone(),
                kind: self.kind.clone(),
                secret: self.secret.clone(),
            },
            (_, Some(_)) => Edit::SetSecret {
                profile: profile.clone(),
                kind: self.kind.clone(),
                secret: self.secret.clone(),
                expires: Some(self.expires),
            },
        }
    }

    /// Returns the text that the journal seals.
    pub fn seal_text(&self) -> Secret {
        let secret = match &self.secret {
            StoredSecret::Inline(secret) => json!({ "inline": secret.reveal_secret() }),
            StoredSecret::Ref(reference) => json!({ "ref": reference }),
            StoredSecret::OAuth { .. } | StoredSecret::Fenced | StoredSecret::Absent => Value::Null,
        };
        let raw = self.raw.as_ref().map(Secret::reveal_secret);
        let text = json!({
            "provider": self.provider, "kind": self.kind.as_str(), "secret": secret, "expires": self.expires, "raw": raw,
        });
        Secret::new(text.to_string())
    }

    /// Reads that text back.
    pub fn from_text(text: &Secret) -> Option<Self> {
        let value: Value = serde_json::from_str(text.reveal_secret()).ok()?;
        let secret = if let Some(inline) = value["secret"]["inline"].as_str() {
            StoredSecret::Inline(Secret::new(inline))
        } else {
            StoredSecret::Ref(serde_json::from_value::<SecretRef>(value["secret"]["ref"].clone()).ok()?)
        };
        Some(Self {
            provider: ProviderId::new(value["provider"].as_str()?),
            kind: CredentialKind::parse(value["kind"].as_str()?),
            secret,
            expires: value["expires"].as_i64(),
            raw: value["raw"].as_str().map(Secret::new),
        })
    }

    /// Returns the entry for the book.
    pub fn entry(&self) -> Entry {
        Entry { secret: self.secret.clone(), expires: self.expires, raw: None, leads_to: None }
    }
}

/// Returns an entry without what a write of a secret changes.
fn besides_secret(raw: &Secret) -> Option<serde_json::Map<String, Value>> {
    const WRITTEN: [&str; 8] = ["type", "mode", "key", "apiKey", "keyRef", "token", "tokenRef", "expires"];
    let Ok(Value::Object(mut entry)) = serde_json::from_str(raw.reveal_secret()) else { return None };
    entry.retain(|field, _| !WRITTEN.contains(&field.as_str()));
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyshoal_core::SecretSource;

    #[test]
    fn an_image_survives_the_journal() {
        let reference = SecretRef { source: SecretSource::Env, provider: "default".into(), id: "KEY".into() };
        for secret in [StoredSecret::Inline(Secret::new("k\"1")), StoredSecret::Ref(reference)] {
            let image = Image {
                provider: "anthropic".into(),
                kind: CredentialKind::Token,
                secret,
                expires: Some(7),
                raw: Some(Secret::new("{\"type\":\"token\"}")),
            };
            assert_eq!(Image::from_text(&image.seal_text()), Some(image));
        }
        assert_eq!(Image::from_text(&Secret::new("{}")), None);
    }
}
