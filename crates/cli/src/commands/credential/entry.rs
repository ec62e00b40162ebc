//! A profile's entry as OpenClaw writes it, with another secret in it; and one that stands in a store, for the vault.

use crate::commands::flow::Flow;
use crate::commands::{rotate, shared};
use crate::error::CommandError;
use crate::ui::{Text, Tone};
use keyshoal_core::vault::CredentialUid;
use keyshoal_core::{AgentId, CredentialKind, Fingerprint, ProfileId, ProviderId, Secret, StoreId};
use keyshoal_engine::ports::Observe as _;
use keyshoal_openclaw::store::StoredProfile;
use keyshoal_vault::{Change, NewCredential};
use serde_json::{Map, Value};

/// What a secret may stand in; the rest of an entry stays.
const SECRETS: [&str; 6] = ["key", "apiKey", "keyRef", "token", "tokenRef", "expires"];

/// Refuses a new value for a login: whoever has signed in has it, and no key can take its place.
pub fn require_key(
    profile: &ProfileId,
    provider: &ProviderId,
    kind: &CredentialKind,
) -> Result<(), CommandError> {
    match kind {
        CredentialKind::OAuth => Err(CommandError::user(format!(
            "{profile} is a login, which no key can take the place of"
        ))
        .hint(format!(
            "sign in with OpenClaw's own command, or name another profile: keyshoal set {provider}:key"
        ))),
        _ => Ok(()),
    }
}

/// Returns an entry with this secret: the one before, or a new one.
pub fn with_secret(
    before: Option<&Secret>,
    provider: &ProviderId,
    kind: &CredentialKind,
    secret: &Secret,
) -> Result<Secret, CommandError> {
    let mut entry: Map<String, Value> = match before {
        Some(text) => serde_json::from_str(text.reveal_secret())
            .map_err(|_| CommandError::internal("the vault's present version is no entry"))?,
        None => Map::new(),
    };
    for field in SECRETS {
        entry.remove(field);
    }
    entry.remove("mode");
    entry.insert("type".to_owned(), Value::from(kind.as_str()));
    entry.insert("provider".to_owned(), Value::from(provider.as_str()));
    let field = if *kind == CredentialKind::Token { "token" } else { "key" };
    entry.insert(field.to_owned(), Value::from(secret.reveal_secret()));
    Ok(Secret::new(Value::Object(entry).to_string()))
}

/// Tells whether two entries of a profile hold the same secret, as the same type.
pub fn is_same(profile: &ProfileId, before: Option<&Secret>, now: &Secret) -> bool {
    let read = |entry: &Secret| StoredProfile::parse(profile, entry).ok().map(|one| (one.kind, one.secret));
    before.and_then(read).is_some_and(|before| Some(before) == read(now))
}

/// What a store holds, on its way into the vault.
pub struct Adopted {
    /// What that changes there; nothing where it is the current value there already.
    pub changes: Vec<Change>,
    profile: ProfileId,
    value: Option<Fingerprint>,
    /// Whose own it becomes; `None`: all share it.
    whose: Option<AgentId>,
}

impl Adopted {
    /// Says what becomes of it.
    pub fn said(&self) -> Text {
        let value = self.value.map(|value| format!(" ({value})")).unwrap_or_default();
        if self.changes.is_empty() {
            let said = format!("{value}: this is the current value already; the vault stays as it is");
            return Text::toned(Tone::Strong, self.profile.as_str()).plain(said);
        }
        let becomes = match &self.whose {
            Some(agent) => format!("{agent}'s own"),
            None => "what all share".to_owned(),
        };
        Text::toned(Tone::Strong, self.profile.as_str())
            .plain(format!("{value}: goes into the vault as {becomes}"))
    }
}

/// Returns the changes that take what a store holds into the vault.
pub fn adopted(flow: &Flow<'_>, agent: &str, profile: &str) -> Result<Adopted, CommandError> {
    let observed = flow.installation.observe()?;
    let profile = ProfileId::new(profile);
    let store = match agent {
        "base" if observed.agent(&shared::agent(agent)).is_none() => StoreId::Base,
        name => shared::find_agent(&observed, name)?.store.clone(),
    };
    let entry = flow.installation.entry_in(&store, &profile).ok_or_else(|| {
        CommandError::user(format!("{agent} has no {profile} of its own"))
            .hint("keyshoal status   shows who holds what")
    })?;
    let stored = StoredProfile::parse(&profile, &entry)
        .map_err(|why| CommandError::user(format!("{profile} cannot be taken into the vault: {why}")))?;
    if stored.kind == CredentialKind::OAuth {
        return Err(CommandError::user(format!(
            "{profile} is a login, which has one owner: the program itself"
        )));
    }
    let whose = match store {
        StoreId::Base => None,
        StoreId::Agent(_) => Some(flow.agent(agent)?),
    };
    let there = flow.credential(profile.as_str(), whose)?;
    let there = there.filter(|one| one.profile == profile && one.provider == stored.provider);
    let value = observed.profile(&store, &profile).and_then(|view| view.material.fingerprint());
    let owner = whose.map(|agent| agent.id.clone());
    let changes = match there {
        Some(one) => {
            rotate::refuse_half_done(&flow.held, one)?;
            let credential = one.uid;
            match is_same(&profile, flow.entry(credential)?.as_ref(), &entry) {
                // A version of its own would take the place of the one before, which is the way back.
                true => Vec::new(),
                false => vec![
                    Change::StageVersion { credential, value: entry, expires: None },
                    Change::Publish(credential),
                ],
            }
        }
        None => vec![Change::PutCredential(NewCredential {
            uid: CredentialUid(uuid::Uuid::new_v4()),
            profile: profile.clone(),
            provider: stored.provider,
            kind: stored.kind,
            agent: whose.map(|agent| agent.uid),
            value: entry,
            expires: None,
            origin: None,
        })],
    };
    Ok(Adopted { changes, profile, value, whose: owner })
}
