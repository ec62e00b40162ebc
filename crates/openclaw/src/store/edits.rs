//! Edits, made in the text of a store and of its state.

use super::contents::{environment_name, is_personal, kind};
use super::json_text::{Document, Fresh, Malformed, Style, Value};
use super::{Edit, Refusal, StoredSecret};
use keyshoal_core::{CredentialKind, ProfileId, ProviderId, Secret, SecretRef, SecretSource};

/// The texts of one store.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// The document with the profiles. `None`: there is none yet.
    pub store: Option<Document>,
    /// The document with order, lastGood and usageStats.
    pub state: State,
    /// How a new document is laid out.
    pub style: Style,
}

/// Where order, lastGood and usageStats stand.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// In the document with the profiles.
    Embedded,
    /// In a document of their own (what is embedded still counts where that one is silent). `None`: there is none yet.
    Own(Option<Document>),
}

const SECRET_FIELDS_OF_KEYS: [&str; 3] = ["key", "apiKey", "keyRef"];
const SECRET_FIELDS_OF_TOKENS: [&str; 2] = ["token", "tokenRef"];

impl Texts {
    /// Makes an edit, or refuses it; a refused edit may leave others of its list made, so the caller drops the whole value.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), Refusal> {
        match edit {
            Edit::SetSecret { profile, kind, secret, expires } => {
                self.set_secret(profile, kind, secret, *expires)
            }
            Edit::Insert { profile, provider, kind, secret } => self.insert(profile, provider, kind, secret),
            Edit::Remove { profile } => {
                self.own_entry(profile)?;
                let doc = self.store.as_mut().ok_or_else(|| Refusal::Missing(profile.clone()))?;
                doc.remove(&["profiles", profile.as_str()]).map_err(|error| broken(profile, &error))?;
                Ok(())
            }
            Edit::PutRaw { profile, json } => self.put_raw(profile, json),
            Edit::MoveIn { profile, json } => self.move_in(profile, json),
            Edit::ResetAuthCooldown { profile, explicit } => self.reset_cooldown(profile, *explicit),
        }
    }

    /// Returns the text of the document with the profiles, where there is one.
    pub fn store_text(&self) -> Option<&str> {
        self.store.as_ref().map(Document::text)
    }

    /// Returns the text of the state's own document, where there is one.
    pub fn state_text(&self) -> Option<&str> {
        match &self.state {
            State::Own(state) => state.as_ref().map(Document::text),
            State::Embedded => None,
        }
    }

    /// Returns a profile's entry that we may touch.
    fn own_entry(&self, profile: &ProfileId) -> Result<&Value, Refusal> {
        named(profile)?;
        let entry = self.store.as_ref().and_then(|doc| doc.at(&["profiles", profile.as_str()]));
        let entry = entry.ok_or_else(|| Refusal::Missing(profile.clone()))?;
        if !entry.is_object() {
            return Err(invalid(profile, "it is no object"));
        }
        if is_fenced(entry) {
            return Err(Refusal::Fenced(profile.clone()));
        }
        Ok(entry)
    }

    fn set_secret(
        &mut self,
        profile: &ProfileId,
        new_kind: &CredentialKind,
        secret: &StoredSecret,
        expires: Option<Option<i64>>,
    ) -> Result<(), Refusal> {
        let entry = self.own_entry(profile)?;
        let old_kind = kind(entry).ok_or_else(|| invalid(profile, "it has no `type`"))?;
        if old_kind == CredentialKind::OAuth {
            return Err(Refusal::OAuth(profile.clone()));
        }
        if let CredentialKind::Unknown(_) = old_kind {
            return Err(invalid(profile, "its `type` is unknown"));
        }
        let (field, value) = secret_field(profile, new_kind, secret)?;
        // Where only the alias stands, the alias is what every release reads.
        let field = match entry.get(field) {
            None if field == "key" && entry.get("apiKey").is_some() => "apiKey",
            _ => field,
        };
        let type_field = if entry.get("type").is_some() { "type" } else { "mode" };
        let mut gone: Vec<&str> = Vec::new();
        for one in [&old_kind, new_kind] {
            gone.extend(secret_fields(one).iter().filter(|name| **name != field));
        }
        let place = |name: &'static str| ["profiles", profile.as_str(), name];
        let style = self.style.clone();
        let doc = self.store.as_mut().ok_or_else(|| Refusal::Missing(profile.clone()))?;
        let edit = || -> Result<(), Malformed> {
            if old_kind != *new_kind {
                doc.set(&place(type_field), &Fresh::string(new_kind.as_str()), None, &style)?;
            }
            let after = [&["type", "mode", "provider"][..], &gone].concat();
            doc.set(&["profiles", profile.as_str(), field], &value, Some(&after), &style)?;
            for name in gone {
                doc.remove(&["profiles", profile.as_str(), name])?;
            }
            match expires {
                None => {}
                Some(None) => {
                    doc.remove(&place("expires"))?;
                }
                Some(Some(millis)) => {
                    doc.set(&place("expires"), &Fresh::Number(millis), Some(&[field]), &style)?;
                }
            }
            Ok(())
        };
        edit().map_err(|error| broken(profile, &error))
    }

    fn insert(
        &mut self,
        profile: &ProfileId,
        provider: &ProviderId,
        kind: &CredentialKind,
        secret: &StoredSecret,
    ) -> Result<(), Refusal> {
        let (field, value) = secret_field(profile, kind, secret)?;
        let entry = Fresh::Object(vec![
            ("type".to_owned(), Fresh::string(kind.as_str())),
            ("provider".to_owned(), Fresh::string(provider.as_str())),
            (field.to_owned(), value),
        ]);
        self.add(profile, &entry)
    }

    /// Adds an entry under an id that has none, and the document where there is none.
    fn add(&mut self, profile: &ProfileId, entry: &Fresh) -> Result<(), Refusal> {
        named(profile)?;
        let style = self.style.clone();
        let doc = match &mut self.store {
            Some(doc) => doc,
            none => none.insert(
                fresh_document(&style, ("profiles", Fresh::Object(Vec::new())))
                    .map_err(|error| broken(profile, &error))?,
            ),
        };
        let profiles = doc.at(&["profiles"]);
        if profiles.is_some_and(|profiles| profiles.get(profile.as_str()).is_some()) {
            return Err(Refusal::Exists(profile.clone()));
        }
        let made = if profiles.is_some_and(Value::is_object) {
            doc.set(&["profiles", profile.as_str()], entry, None, &style)
        } else {
            // An empty list where an object belongs, which the program takes for no profiles.
            let profiles = Fresh::Object(vec![(profile.as_str().to_owned(), entry.clone())]);
            doc.set(&["profiles"], &profiles, Some(&["version"]), &style)
        };
        made.map_err(|error| broken(profile, &error))
    }

    fn put_raw(&mut self, profile: &ProfileId, json: &Secret) -> Result<(), Refusal> {
        let entry = Document::parse(json.reveal_secret()).map_err(|error| broken(profile, &error))?;
        if !entry.root().is_object() {
            return Err(invalid(profile, "what should be put back is no object"));
        }
        let oauth = |entry: &Value| kind(entry) == Some(CredentialKind::OAuth);
        if oauth(entry.root()) {
            return Err(Refusal::OAuth(profile.clone()));
        }
        let raw = Fresh::Raw(entry.text_of(entry.root()).to_owned());
        match self.own_entry(profile) {
            Err(Refusal::Missing(_)) => self.add(profile, &raw),
            Err(other) => Err(other),
            Ok(now) if oauth(now) => Err(Refusal::OAuth(profile.clone())),
            Ok(_) => {
                let style = self.style.clone();
                let doc = self.store.as_mut().ok_or_else(|| Refusal::Missing(profile.clone()))?;
                doc.set(&["profiles", profile.as_str()], &raw, None, &style)
                    .map_err(|error| broken(profile, &error))
            }
        }
    }

    fn move_in(&mut self, profile: &ProfileId, json: &Secret) -> Result<(), Refusal> {
        let entry = Document::parse(json.reveal_secret()).map_err(|error| broken(profile, &error))?;
        if kind(entry.root()) != Some(CredentialKind::OAuth) || is_fenced(entry.root()) {
            return Err(invalid(profile, "what should move here is no login"));
        }
        self.add(profile, &Fresh::Raw(entry.text_of(entry.root()).to_owned()))
    }

    fn reset_cooldown(&mut self, profile: &ProfileId, explicit: bool) -> Result<(), Refusal> {
        named(profile)?;
        let style = self.style.clone();
        let path = ["usageStats", profile.as_str()];
        let has_entry = |doc: &Document| doc.at(&path).is_some_and(Value::is_object);
        let mut somewhere = false;
        let own = match &mut self.state {
            State::Own(state) => state.as_mut(),
            State::Embedded => None,
        };
        for doc in [self.store.as_mut(), own].into_iter().flatten() {
            if has_entry(doc) {
                somewhere = true;
                clear_auth_marks(doc, profile, &style).map_err(|error| broken(profile, &error))?;
            }
        }
        if somewhere || !explicit {
            return Ok(());
        }
        let zero = Fresh::Object(vec![("errorCount".to_owned(), Fresh::Number(0))]);
        let doc = match &mut self.state {
            State::Embedded => self.store.as_mut().ok_or_else(|| Refusal::Missing(profile.clone()))?,
            State::Own(Some(doc)) => doc,
            State::Own(none) => none.insert(
                fresh_document(&style, ("usageStats", Fresh::Object(Vec::new())))
                    .map_err(|error| broken(profile, &error))?,
            ),
        };
        let before = ["version", "profiles", "order", "lastGood"];
        let made = if doc.at(&["usageStats"]).is_some_and(Value::is_object) {
            doc.set(&path, &zero, None, &style)
        } else {
            let stats = Fresh::Object(vec![(profile.as_str().to_owned(), zero)]);
            doc.set(&["usageStats"], &stats, Some(&before), &style)
        };
        made.map_err(|error| broken(profile, &error))
    }
}

/// Takes away what an authentication failure has left, and leaves what billing and rate limits have.
fn clear_auth_marks(doc: &mut Document, profile: &ProfileId, style: &Style) -> Result<(), Malformed> {
    let at = |field: &'static str| ["usageStats", profile.as_str(), field];
    let auth = |doc: &Document, field| {
        doc.at(&at(field)).and_then(Value::as_str).is_some_and(keyshoal_core::observation::is_auth)
    };
    if auth(doc, "cooldownReason") {
        for field in ["cooldownUntil", "cooldownReason", "cooldownModel"] {
            doc.remove(&at(field))?;
        }
    }
    if auth(doc, "disabledReason") {
        for field in ["disabledUntil", "disabledReason"] {
            doc.remove(&at(field))?;
        }
    }
    for reason in ["auth", "auth_permanent"] {
        doc.remove(&["usageStats", profile.as_str(), "failureCounts", reason])?;
    }
    if doc.at(&at("failureCounts")).is_some_and(|counts| counts.is_object() && counts.keys().is_empty()) {
        doc.remove(&at("failureCounts"))?;
    }
    // Where nothing counts errors, nothing is to be counted anew.
    let zero = doc.at(&at("errorCount")).map(|count| count.as_f64(doc));
    if zero.is_some_and(|count| count != Some(0.0)) {
        doc.set(&at("errorCount"), &Fresh::Number(0), None, style)?;
    }
    Ok(())
}

fn fresh_document(style: &Style, section: (&str, Fresh)) -> Result<Document, Malformed> {
    let root =
        Fresh::Object(vec![("version".to_owned(), Fresh::Number(1)), (section.0.to_owned(), section.1)]);
    let end = if style.indent.is_some() { "\n" } else { "" };
    Document::parse(format!("{}{end}", root.render(style, 0)))
}

fn secret_fields(kind: &CredentialKind) -> &'static [&'static str] {
    match kind {
        CredentialKind::ApiKey => &SECRET_FIELDS_OF_KEYS,
        CredentialKind::Token => &SECRET_FIELDS_OF_TOKENS,
        CredentialKind::OAuth | CredentialKind::Unknown(_) => &[],
    }
}

/// Returns the field that holds this secret in a profile of this type, and its value.
fn secret_field(
    profile: &ProfileId,
    kind: &CredentialKind,
    secret: &StoredSecret,
) -> Result<(&'static str, Fresh), Refusal> {
    let (value_field, ref_field) = match kind {
        CredentialKind::ApiKey => ("key", "keyRef"),
        CredentialKind::Token => ("token", "tokenRef"),
        CredentialKind::OAuth => return Err(Refusal::OAuth(profile.clone())),
        CredentialKind::Unknown(_) => return Err(invalid(profile, "its new `type` is unknown")),
    };
    match secret {
        StoredSecret::Inline(secret) if secret.reveal_secret().trim().is_empty() => {
            Err(invalid(profile, "its new secret is blank"))
        }
        StoredSecret::Inline(secret) if environment_name(secret.reveal_secret(), true).is_some() => {
            Err(invalid(profile, "its new secret would be taken for the name of an environment variable"))
        }
        StoredSecret::Inline(secret) => Ok((value_field, Fresh::string(secret.reveal_secret()))),
        StoredSecret::Ref(reference) => Ok((ref_field, fresh_ref(reference))),
        StoredSecret::OAuth { .. } | StoredSecret::Fenced => Err(Refusal::OAuth(profile.clone())),
        StoredSecret::Absent => Err(invalid(profile, "there is no secret to set")),
    }
}

fn fresh_ref(reference: &SecretRef) -> Fresh {
    let source = match &reference.source {
        SecretSource::Env => "env",
        SecretSource::File => "file",
        SecretSource::Exec => "exec",
        SecretSource::Store => "store",
        SecretSource::Other(other) => other,
    };
    Fresh::Object(vec![
        ("source".to_owned(), Fresh::string(source)),
        ("provider".to_owned(), Fresh::string(&reference.provider)),
        ("id".to_owned(), Fresh::string(&reference.id)),
    ])
}

/// Returns a profile's entry with another value, or a reference, in place of what it holds. `None` for an entry that can have none.
pub fn with_secret(
    profile: &ProfileId,
    kind: &CredentialKind,
    entry: &Secret,
    secret: StoredSecret,
) -> Option<Secret> {
    let style = Style::cell();
    let empty = fresh_document(&style, ("profiles", Fresh::Object(Vec::new()))).ok()?;
    let mut texts = Texts { store: Some(empty), state: State::Embedded, style };
    texts.apply(&Edit::PutRaw { profile: profile.clone(), json: entry.clone() }).ok()?;
    texts
        .apply(&Edit::SetSecret { profile: profile.clone(), kind: kind.clone(), secret, expires: None })
        .ok()?;
    let document = texts.store?;
    let entry = document.at(&["profiles", profile.as_str()])?;
    Some(Secret::new(document.text_of(entry).to_owned()))
}

fn is_fenced(entry: &Value) -> bool {
    ["access", "refresh"].iter().any(|field| {
        let value = entry.get(field).and_then(Value::as_str);
        value.is_some_and(|value| value.starts_with("openclaw-oauth-refresh-fence:"))
    })
}

fn named(profile: &ProfileId) -> Result<(), Refusal> {
    if is_personal(profile.as_str()) {
        return Err(invalid(profile, "it is a person's own account, which OpenClaw keeps elsewhere"));
    }
    if profile.as_str() == "__proto__" || profile.as_str().trim().is_empty() {
        return Err(invalid(profile, "OpenClaw ignores a profile of that id"));
    }
    Ok(())
}

fn invalid(profile: &ProfileId, reason: &str) -> Refusal {
    Refusal::Invalid { profile: profile.clone(), reason: reason.to_owned() }
}

fn broken(profile: &ProfileId, error: &Malformed) -> Refusal {
    invalid(profile, &error.to_string())
}
