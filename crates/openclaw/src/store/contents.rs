//! From JSON text to what Keyshoal understands of a store, by the rules of OpenClaw's own readers.

use super::json_text::{Document, Value};
use super::{StoreContents, StoredProfile, StoredSecret};
use keyshoal_core::{
    CredentialKind, Layout, ProfileId, ProviderId, Secret, SecretRef, SecretSource, Timestamp, UsageView,
};
use std::collections::BTreeMap;

/// OpenClaw puts this in place of an access token while it refreshes an OAuth login.
pub(crate) const FENCE: &str = "openclaw-oauth-refresh-fence:";

/// What the readers of a layout accept beyond what all do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Up to 2026.4.7: a list may stand for no profiles; `$NAME` is no reference; the type `apiKey` is unknown.
    JsonFile,
    /// Up to 2026.6.4: `$NAME` is a reference too.
    JsonWithState,
    /// Since 2026.6.5: `apiKey` is a type too.
    Sqlite,
}

impl Dialect {
    /// Returns the dialect of a layout.
    pub(crate) fn of(layout: Layout) -> Self {
        match layout {
            Layout::JsonFile => Self::JsonFile,
            Layout::JsonWithState => Self::JsonWithState,
            Layout::AgentSqlite | Layout::SharedTable | Layout::SharedRow | Layout::Unknown => Self::Sqlite,
        }
    }
}

/// Reads a store and, where the layout has one, its state; entries of the state go before those embedded in the store.
/// `Err` says why OpenClaw would not take the document for a store.
pub(crate) fn contents(
    store: &Document,
    state: Option<&Document>,
    dialect: Dialect,
) -> Result<StoreContents, String> {
    let root = store.root();
    if !root.is_object() {
        return Err("it holds no JSON object".to_owned());
    }
    let profiles = root.get("profiles").ok_or("it has no `profiles`")?;
    if !(profiles.is_object() || dialect == Dialect::JsonFile && profiles.is_array()) {
        return Err("its `profiles` are no object".to_owned());
    }
    let mut found = StoreContents::default();
    for (id, entry) in profiles.entries() {
        match (id, profile(store, id, entry, dialect)) {
            (Some("__proto__"), _) => {}
            (Some(id), Ok(profile)) => {
                found.sequence.push(ProfileId::new(id));
                found.profiles.insert(ProfileId::new(id), profile);
            }
            (id, Err(reason)) => found.invalid.push((id.unwrap_or("?").to_owned(), reason.to_owned())),
            (None, Ok(_)) => {}
        }
    }
    if !profiles.elements().is_empty() {
        found.invalid.push(("profiles".to_owned(), "a list instead of an object".to_owned()));
    }
    marks(store, &mut found);
    if let Some(state) = state {
        marks(state, &mut found);
    }
    Ok(found)
}

/// Tells whether an id names a person's own account (`personal:<owner>:<uuid>`), which OpenClaw keeps elsewhere: never ours to
/// touch.
pub(crate) fn is_personal(id: &str) -> bool {
    let mut parts = id.split(':');
    parts.next() == Some("personal")
        && parts.next().is_some()
        && parts.next().is_some_and(|account| account.len() == 36 && uuid::Uuid::try_parse(account).is_ok())
        && parts.next().is_none()
}

pub(super) fn profile(
    doc: &Document,
    id: Option<&str>,
    entry: &Value,
    dialect: Dialect,
) -> Result<StoredProfile, &'static str> {
    match id {
        None => return Err("its id holds half of a surrogate pair"),
        Some(id) if is_personal(id) => return Err("a person's own account, which OpenClaw keeps elsewhere"),
        Some(_) => {}
    }
    if !entry.is_object() {
        return Err("it is no object");
    }
    let kind = kind(entry).ok_or("it has no `type`")?;
    let later_word = text(entry, "type") == Some("apiKey") && dialect != Dialect::Sqlite;
    if matches!(kind, CredentialKind::Unknown(_)) || later_word {
        return Err("its `type` is unknown");
    }
    let provider = text(entry, "provider").ok_or("it has no `provider`")?;
    Ok(StoredProfile {
        provider: ProviderId::new(provider.trim().to_lowercase()),
        secret: secret(entry, &kind, dialect)?,
        kind,
        expires: entry.get("expires").map(|value| {
            // A float beyond the range of i64 saturates, which is as far away as it gets.
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds; saturates")]
            value.as_f64(doc).map(|millis| millis as i64).ok_or_else(|| shown(doc.text_of(value)))
        }),
        email: text(entry, "email").map(str::to_owned),
        account_id: text(entry, "accountId").map(str::to_owned),
        copy_to_agents: entry.get("copyToAgents").and_then(Value::as_bool) == Some(true),
        raw: Secret::new(doc.text_of(entry)),
    })
}

/// Returns the type of an entry; `mode` stands in where there is no `type`.
pub(super) fn kind(entry: &Value) -> Option<CredentialKind> {
    let word = match entry.get("type") {
        Some(word) => word.as_str(),
        None => entry.get("mode").and_then(Value::as_str),
    };
    word.map(CredentialKind::parse)
}

fn secret(entry: &Value, kind: &CredentialKind, dialect: Dialect) -> Result<StoredSecret, &'static str> {
    match kind {
        CredentialKind::ApiKey => {
            let value = entry.get("key").or_else(|| entry.get("apiKey"));
            value_or_ref(value, entry.get("keyRef"), dialect)
        }
        CredentialKind::Token => value_or_ref(entry.get("token"), entry.get("tokenRef"), dialect),
        CredentialKind::OAuth => {
            if [entry.get("access"), entry.get("refresh")].into_iter().flatten().any(unreadable) {
                return Err(SURROGATE);
            }
            Ok(match text(entry, "access") {
                None => StoredSecret::Absent,
                Some(access) if access.starts_with(FENCE) => StoredSecret::Fenced,
                Some(access) => StoredSecret::OAuth {
                    access: Secret::new(access),
                    refresh: text(entry, "refresh").map(Secret::new),
                },
            })
        }
        CredentialKind::Unknown(_) => Ok(StoredSecret::Absent),
    }
}

const SURROGATE: &str = "its secret holds half of a surrogate pair";

fn unreadable(value: &Value) -> bool {
    value.is_string() && value.as_str().is_none()
}

fn value_or_ref(
    value: Option<&Value>,
    reference: Option<&Value>,
    dialect: Dialect,
) -> Result<StoredSecret, &'static str> {
    let read = |value| reference_of(value, dialect);
    if let Some(found) = reference.and_then(read).or_else(|| value.and_then(read)) {
        return Ok(StoredSecret::Ref(found));
    }
    match value {
        Some(value) if unreadable(value) => Err(SURROGATE),
        Some(value) => Ok(value
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .map_or(StoredSecret::Absent, |text| StoredSecret::Inline(Secret::new(text)))),
        None => Ok(StoredSecret::Absent),
    }
}

/// Reads a reference: `{source, provider, id}`, or `${NAME}` and `$NAME` for an environment variable.
fn reference_of(value: &Value, dialect: Dialect) -> Option<SecretRef> {
    if value.is_object() {
        let source = match text(value, "source")? {
            "env" => SecretSource::Env,
            "file" => SecretSource::File,
            "exec" => SecretSource::Exec,
            "store" => SecretSource::Store,
            other => SecretSource::Other(other.to_owned()),
        };
        let provider = match value.get("provider") {
            None => "default",
            Some(provider) => provider.as_str()?,
        };
        return Some(SecretRef { source, provider: provider.to_owned(), id: text(value, "id")?.to_owned() });
    }
    environment_name(value.as_str()?, dialect != Dialect::JsonFile).map(|name| SecretRef {
        source: SecretSource::Env,
        provider: "default".to_owned(),
        id: name.to_owned(),
    })
}

/// Returns the variable that `${NAME}`, or `$NAME` where that counts, stands for.
pub(crate) fn environment_name(text: &str, bare: bool) -> Option<&str> {
    let name = text.trim().strip_prefix('$')?;
    let name = match name.strip_prefix('{') {
        Some(name) => name.strip_suffix('}')?,
        None if bare => name,
        None => return None,
    };
    let named = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    named.then_some(name)
}

fn text<'a>(entry: &'a Value, key: &str) -> Option<&'a str> {
    entry.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// Shortens what stands in place of a number, for people.
fn shown(text: &str) -> String {
    text.chars().take(24).collect()
}

/// Reads order, lastGood and usageStats, over what is there already.
fn marks(doc: &Document, found: &mut StoreContents) {
    let section = |name| doc.root().get(name).map(Value::entries).unwrap_or_default();
    for (provider, list) in section("order") {
        let ids: Vec<ProfileId> = list
            .elements()
            .iter()
            .filter_map(|id| id.as_str().map(str::trim).filter(|id| !id.is_empty()))
            .map(ProfileId::new)
            .collect();
        if let (Some(provider), false) = (provider, ids.is_empty()) {
            found.order.insert(ProviderId::new(provider.trim().to_lowercase()), ids);
        }
    }
    for (provider, id) in section("lastGood") {
        if let (Some(provider), Some(id)) = (provider, id.as_str()) {
            found
                .last_good
                .insert(ProviderId::new(provider.trim().to_lowercase()), ProfileId::new(id.trim()));
        }
    }
    for (id, entry) in section("usageStats") {
        if let (Some(id), true) = (id.filter(|id| *id != "__proto__"), entry.is_object()) {
            found.usage.insert(ProfileId::new(id), usage(doc, entry));
        }
    }
}

/// Returns `failureCounts`.
fn failures(doc: &Document, entry: &Value) -> BTreeMap<String, u64> {
    let counts = entry.get("failureCounts").filter(|counts| counts.is_object());
    let count = |value: &Value| value.as_f64(doc).filter(|count| *count >= 1.0 && *count < 1e15);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count, checked")]
    let found = |(reason, value): (Option<&str>, &Value)| Some((reason?.to_owned(), count(value)? as u64));
    counts.into_iter().flat_map(Value::entries).filter_map(found).collect()
}

fn usage(doc: &Document, entry: &Value) -> UsageView {
    let number = |key| entry.get(key).and_then(|value| value.as_f64(doc)).filter(|number| number.is_finite());
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds; saturates, and jiff then refuses")]
    let time = |key| number(key).and_then(|millis| Timestamp::from_millisecond(millis as i64).ok());
    let mark = |until, reason| {
        time(until).map(|at| (at, entry.get(reason).and_then(Value::as_str).unwrap_or_default().to_owned()))
    };
    let mut view = UsageView {
        last_used: time("lastUsed"),
        last_failure: time("lastFailureAt"),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count; saturates"
        )]
        error_count: number("errorCount").unwrap_or_default() as u64,
        cooldown: mark("cooldownUntil", "cooldownReason"),
        disabled: mark("disabledUntil", "disabledReason"),
        failures: failures(doc, entry),
    };
    // A third mark, for used-up subscriptions. The view has two places; an authentication mark keeps its own.
    if let Some((until, reason)) = mark("blockedUntil", "blockedReason") {
        let blocked = (until, if reason.is_empty() { "blocked".to_owned() } else { reason });
        let replaceable = |place: &Option<(Timestamp, String)>| match place {
            None => true,
            Some((other, reason)) => *other < until && !reason.starts_with("auth"),
        };
        if replaceable(&view.disabled) {
            view.disabled = Some(blocked);
        } else if replaceable(&view.cooldown) {
            view.cooldown = Some(blocked);
        }
    }
    view
}
