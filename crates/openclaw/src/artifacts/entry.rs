//! One profile, as a layout's stores hold it.

use super::quoted;
use crate::store::contents::{Dialect, FENCE, environment_name, is_personal};
use keyshoal_core::{
    CredentialKind, Layout, ProfileId, ProviderId, Secret, SecretRef, SecretSource, Timestamp,
};
use serde_json::{Map, json};
use std::fmt;

/// What an OAuth entry may hold: what is needed to use it, and nothing that renews it or proves who somebody is.
const OAUTH_FIELDS: [&str; 11] = [
    "type",
    "provider",
    "access",
    "expires",
    "email",
    "displayName",
    "accountId",
    "projectId",
    "enterpriseUrl",
    "clientId",
    "chatgptPlanType",
];

/// The program calls a login unusable this long before it expires.
const OAUTH_MARGIN_MILLIS: i64 = 300_000;

/// A profile, ready for the documents of a layout.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    id: ProfileId,
    layout: Layout,
    /// Key and value, as they stand in the document.
    text: Secret,
}

/// What a profile holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An API key.
    ApiKey(Secret),
    /// A token, and when it expires, in milliseconds.
    Token(Secret, Option<i64>),
    /// A reference to an API key, or to a token.
    Ref(CredentialKind, SecretRef),
}

/// Says why a profile is in no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// OpenClaw would not use it.
    #[error("the profile {profile} is left out: {reason}")]
    Unusable {
        /// The profile.
        profile: ProfileId,
        /// Why.
        reason: &'static str,
    },
    /// An OAuth login cannot be given to agents of this layout.
    #[error("the OAuth login {profile} is left out: {reason}")]
    OAuth {
        /// The profile.
        profile: ProfileId,
        /// Why.
        reason: &'static str,
    },
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl Entry {
    /// Prepares a profile out of its parts.
    pub fn of(
        layout: Layout,
        id: &ProfileId,
        provider: &ProviderId,
        value: &Value,
    ) -> Result<Self, EntryError> {
        let mut entry = Map::new();
        let kind = match value {
            Value::ApiKey(_) => "api_key",
            Value::Token(..) => "token",
            Value::Ref(kind, _) => kind.as_str(),
        };
        entry.insert("type".to_owned(), json!(kind));
        entry.insert("provider".to_owned(), json!(provider.as_str()));
        match value {
            Value::ApiKey(secret) => drop(entry.insert("key".to_owned(), json!(secret.reveal_secret()))),
            Value::Token(secret, expires) => {
                entry.insert("token".to_owned(), json!(secret.reveal_secret()));
                entry.extend(expires.map(|millis| ("expires".to_owned(), json!(millis))));
            }
            Value::Ref(kind, reference) => {
                let field = if *kind == CredentialKind::Token { "tokenRef" } else { "keyRef" };
                entry.insert(field.to_owned(), reference_value(reference));
            }
        }
        Self::checked(layout, id, entry, None)
    }

    /// Prepares a profile out of its entry as JSON text, as a store holds it.
    ///
    /// Of an OAuth login only what is needed to use it is taken, never what renews it, and only where that was seen to be safe;
    /// `now` tells whether it is still usable.
    pub fn new(layout: Layout, id: &ProfileId, json: &Secret, now: Timestamp) -> Result<Self, EntryError> {
        match serde_json::from_str(json.reveal_secret()) {
            Ok(serde_json::Value::Object(entry)) => Self::checked(layout, id, entry, Some(now)),
            _ => Err(unusable(id, "its entry is no JSON object")),
        }
    }

    /// Returns its id.
    pub fn id(&self) -> &ProfileId {
        &self.id
    }

    /// Returns the layout that it was prepared for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn text(&self) -> &str {
        self.text.reveal_secret()
    }

    fn checked(
        layout: Layout,
        id: &ProfileId,
        mut entry: Map<String, serde_json::Value>,
        now: Option<Timestamp>,
    ) -> Result<Self, EntryError> {
        if is_personal(id.as_str()) {
            return Err(unusable(id, "it is a person's own account, which OpenClaw keeps elsewhere"));
        }
        if id.as_str() == "__proto__" || id.as_str().trim().is_empty() {
            return Err(unusable(id, "OpenClaw ignores a profile of that id"));
        }
        let text = |entry: &Map<String, serde_json::Value>, key: &str| {
            entry
                .get(key)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
                .filter(|text| !text.trim().is_empty())
        };
        if text(&entry, "provider").is_none() {
            return Err(unusable(id, "it names no provider"));
        }
        let kind = text(&entry, "type").or_else(|| text(&entry, "mode")).unwrap_or_default();
        let (field, reference) = match CredentialKind::parse(&kind) {
            CredentialKind::ApiKey => ("key", "keyRef"),
            CredentialKind::Token => ("token", "tokenRef"),
            CredentialKind::OAuth => {
                oauth(layout, id, &entry, now)?;
                entry.retain(|key, _| OAUTH_FIELDS.contains(&key.as_str()));
                return Ok(Self::rendered(layout, id, entry));
            }
            CredentialKind::Unknown(_) => return Err(unusable(id, "its type is unknown")),
        };
        let inline = text(&entry, field).or_else(|| text(&entry, "apiKey").filter(|_| field == "key"));
        match (inline, entry.get(reference).is_some_and(serde_json::Value::is_object)) {
            // Beside a reference a value is not used, and would only lie there.
            (_, true) => entry.retain(|key, _| key != field && key != "apiKey"),
            (Some(value), false)
                if environment_name(&value, Dialect::of(layout) != Dialect::JsonFile).is_some() =>
            {
                return Err(unusable(id, "its value would be taken for the name of an environment variable"));
            }
            (Some(_), false) => {}
            (None, false) => return Err(unusable(id, "it holds no value")),
        }
        Ok(Self::rendered(layout, id, entry))
    }

    fn rendered(layout: Layout, id: &ProfileId, entry: Map<String, serde_json::Value>) -> Self {
        let value = serde_json::Value::Object(entry);
        let text = if layout.is_sqlite() {
            format!("{}:{value}", quoted(id.as_str()))
        } else {
            // Two levels deep in the document. Texts hold no line ends of their own: they are escaped.
            format!("{}: {}", quoted(id.as_str()), format!("{value:#}").replace('\n', "\n    "))
        };
        Self { id: id.clone(), layout, text: Secret::new(text) }
    }
}

/// Refuses an OAuth login where giving it to agents was not seen to be safe. Seen on 2026.9.6: an access token without the refresh token
/// works until five minutes before it expires, and without `expires` it is passed over in silence.
fn oauth(
    layout: Layout,
    id: &ProfileId,
    entry: &Map<String, serde_json::Value>,
    now: Option<Timestamp>,
) -> Result<(), EntryError> {
    let refuse = |reason| Err(EntryError::OAuth { profile: id.clone(), reason });
    match layout {
        Layout::SharedRow => {}
        Layout::JsonFile => {
            return refuse(
                "releases of this layout write what they remember over a store when they use an OAuth login",
            );
        }
        _ => return refuse("whether an access token alone is safe in releases of this layout is not known"),
    }
    let Some(access) =
        entry.get("access").and_then(|access| access.as_str()).filter(|text| !text.trim().is_empty())
    else {
        return refuse("it has no access token");
    };
    if access.starts_with(FENCE) {
        return refuse("OpenClaw is renewing it");
    }
    let Some(expires) = entry.get("expires").and_then(serde_json::Value::as_i64) else {
        return refuse(
            "it does not say when its access token expires, and OpenClaw passes over one that does not",
        );
    };
    let Some(now) = now else { return refuse("it is not known what time it is") };
    if expires.saturating_sub(OAUTH_MARGIN_MILLIS) <= now.as_millisecond() {
        return refuse("its access token expires in less than five minutes, or has");
    }
    Ok(())
}

fn reference_value(reference: &SecretRef) -> serde_json::Value {
    let source = match &reference.source {
        SecretSource::Env => "env",
        SecretSource::File => "file",
        SecretSource::Exec => "exec",
        SecretSource::Store => "store",
        SecretSource::Other(other) => other,
    };
    json!({ "source": source, "provider": reference.provider, "id": reference.id })
}

fn unusable(profile: &ProfileId, reason: &'static str) -> EntryError {
    EntryError::Unusable { profile: profile.clone(), reason }
}
