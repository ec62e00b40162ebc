//! Setting a new value everywhere: the whole rotation in one command.

mod target;

use crate::decide::Decide;
use crate::look::{Look, LookError, LookOptions, look_at};
use crate::ports::{PortError, Ports};
use crate::progress::Progress;
use crate::source::{SourceError, desired_of};
use crate::sync::{SyncError, SyncOptions, SyncReport, go};
use keyshoal_core::{
    Action, AgentId, CredentialKind, Endpoint, Fingerprint, ProfileId, ProviderId, SourceOf, SourceValue,
    StoreHealth, StoreId, Timestamp, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};
pub use target::Target;

/// Asks for a new value. The port that applies it must know the secret of this fingerprint.
#[derive(Clone, Debug)]
pub struct SetRequest {
    /// A profile id, or a provider's name. A provider stands for its one profile in the store that agents inherit from.
    pub target: String,
    /// The new value.
    pub fingerprint: Fingerprint,
    /// Its type, when the person says so; else what the profile has or the config demands, else `api_key`.
    pub kind: Option<CredentialKind>,
    /// When its time is over.
    pub expires: Option<Timestamp>,
    /// The rest, as for `sync`. With [`crate::AskPolicy::Offline`] the value is not tested first.
    pub sync: SyncOptions,
}

/// Says why nothing was set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// Several profiles could be meant.
    #[error("{target} has several profiles: {}; name one", list(.profiles))]
    Ambiguous {
        /// What was asked for.
        target: String,
        /// What it could mean.
        profiles: Vec<ProfileId>,
    },
    /// The profile holds an OAuth login, which is renewed by signing in.
    #[error(
        "{profile} is an OAuth login, which no key can take the place of; sign in again, or name another profile"
    )]
    IsOAuth {
        /// Which.
        profile: ProfileId,
    },
    /// The profile cannot be written.
    #[error("{profile} cannot be set: {reason}")]
    NotWritable {
        /// Which.
        profile: ProfileId,
        /// Why.
        reason: String,
    },
    /// There is no store into which the value may go; nothing was changed.
    #[error("{profile} has nowhere to go: {reason}; nothing was changed")]
    Nowhere {
        /// Which.
        profile: ProfileId,
        /// Why.
        reason: String,
        /// The way out.
        hint: String,
    },
    /// Only OpenClaw can make the store that agents inherit from, and it has not yet; nothing was changed.
    #[error(
        "{profile} has nowhere to go: OpenClaw has made no store for credentials here yet, and nobody else may; nothing was changed"
    )]
    NoStoreYet {
        /// Which.
        profile: ProfileId,
        /// Of which provider.
        provider: ProviderId,
        /// Its type.
        kind: CredentialKind,
    },
    /// Its provider rejects the new value; nothing was changed.
    #[error("{}; nothing was changed", .0.words())]
    Rejected(Box<Rejection>),
    /// Its provider could not be asked; nothing was changed.
    #[error("the new value could not be tested: {} gave no answer ({}); nothing was changed", .0.endpoint.provider, .0.verdict.kind.short())]
    Untested(Box<Rejection>),
    /// Looking failed.
    #[error(transparent)]
    Look(#[from] LookError),
    /// There is no source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Something outside of the engine failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The run failed.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

/// Says who rejected a new value, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Who.
    pub endpoint: Endpoint,
    /// How.
    pub verdict: Verdict,
}

impl Rejection {
    /// Says it in words.
    fn words(&self) -> String {
        let provider = &self.endpoint.provider;
        match self.verdict.kind {
            keyshoal_core::VerdictKind::MalformedKey => {
                format!("the new value cannot be a key of {provider}")
            }
            kind => format!("{provider} does not accept the new value: {}", kind.clause()),
        }
    }
}

fn list(profiles: &[ProfileId]) -> String {
    profiles.iter().map(ProfileId::as_str).collect::<Vec<_>>().join(", ")
}

/// Holds what came of it.
#[derive(Clone, Debug)]
pub struct SetReport {
    /// Which profile was meant.
    pub target: Target,
    /// What the provider said of the new value before anything was written, per endpoint.
    pub verdicts: Vec<(Endpoint, Verdict)>,
    /// The rest.
    pub sync: SyncReport,
}

/// Tests a new value at its provider, puts it where it belongs, and then goes the way of [`crate::sync()`]: overrides stay.
pub fn set<P: Ports + ?Sized>(
    ports: &P,
    request: &SetRequest,
    decide: &mut dyn Decide,
    progress: &mut dyn FnMut(Progress),
) -> Result<SetReport, SetError> {
    progress(Progress::Looking);
    let observed = ports.observe()?;
    if ports.wish()?.is_some() {
        return Err(SourceError::HasVault.into());
    }
    let mut desired = desired_of(&observed, None, &request.sync.look.scope)?;
    let target = target::resolve(&observed, request)?;
    let value = SourceValue {
        provider: target.provider.clone(),
        kind: target.kind.clone(),
        fingerprint: request.fingerprint,
        is_ref: false,
        expires: request.expires,
        account: None,
        store: None,
    };
    desired.source = SourceOf::Given;
    desired.values = BTreeMap::from([(target.profile.clone(), value)]);
    desired.include_foreign = request.sync.include_foreign;
    let options = LookOptions { from: None, ..request.sync.look.clone() };
    let look = look_at(ports, observed, desired, &options, progress)?;
    let verdicts = said_of(&look, &target.provider, request.fingerprint);
    crate::trial::require_accepted(&verdicts, options.ask != crate::AskPolicy::Offline)?;
    nowhere(&look, &target, request.fingerprint)?;
    let mut options = request.sync.clone();
    if options.command.is_empty() {
        options.command = "set".to_owned();
    }
    let sync = go(ports, look, &options, decide, progress)?;
    Ok(SetReport { target, verdicts, sync })
}

/// Refuses a value that would be lost: no action puts it anywhere, and no store that it is for holds it already.
fn nowhere(look: &Look, target: &Target, value: Fingerprint) -> Result<(), SetError> {
    let profile = &target.profile;
    let puts = |action: &Action| match action {
        Action::Replace { profile: other, value: put, .. }
        | Action::Insert { profile: other, value: put, .. } => other == profile && *put == value,
        _ => false,
    };
    let only = &look.desired.scope.agents;
    let observed = &look.observed;
    let of_scope = |store: &StoreId| match only.is_empty() {
        true => true,
        false => observed.agents_of(store).any(|agent| only.contains(&agent.id)),
    };
    let holds = |(store, view): (&StoreId, &keyshoal_core::StoreView)| {
        let held = view.profiles.get(profile).and_then(|view| view.material.fingerprint());
        held == Some(value) && of_scope(store)
    };
    let base = observed.store(&StoreId::Base);
    let absent = base.is_some_and(|store| store.health == StoreHealth::Absent);
    let may_come = !observed.capabilities.makes_stores && observed.not_writable(&StoreId::Base).is_none();
    if only.is_empty() && absent && may_come {
        return Err(SetError::NoStoreYet {
            profile: profile.clone(),
            provider: target.provider.clone(),
            kind: target.kind.clone(),
        });
    }
    if look.plan().actions.iter().any(puts) || observed.stores.iter().any(holds) {
        return Ok(());
    }
    let (reason, hint) = match look.observed.not_writable(&StoreId::Base) {
        _ if !only.is_empty() => {
            let names: Vec<&str> = only.iter().map(AgentId::as_str).collect();
            let reason = format!("{} has no {profile} of its own that may be written", names.join(", "));
            // OpenClaw's own commands would give this value to everybody where the row is shared.
            (reason, no_place(observed, only))
        }
        Some(why) => (
            format!("the store that agents inherit from must not be written: {why}"),
            "mend that store first".to_owned(),
        ),
        None => {
            let holders = observed.stores.iter().filter(|(_, view)| view.profiles.contains_key(profile));
            let names: Vec<String> = holders.map(|(store, _)| store.to_string()).collect();
            let reason = format!("only {} has it, which may not be written for everybody", names.join(", "));
            (
                reason,
                format!("keyshoal set {profile} --agent {}", names.first().map_or("AGENT", String::as_str)),
            )
        }
    };
    Err(SetError::Nowhere { profile: profile.clone(), reason, hint })
}

/// Says why an agent's own store takes no profile, and what makes it.
fn no_place(observed: &keyshoal_core::Observation, agents: &BTreeSet<AgentId>) -> String {
    let absent = |id: &&AgentId| {
        let store = observed.agent(id).and_then(|agent| observed.store(&agent.store));
        store.is_some_and(|store| store.health == StoreHealth::Absent)
    };
    match agents.iter().find(absent) {
        Some(id) => format!(
            "OpenClaw makes {id}'s database when {id} is first used: send it a message, then give the value again"
        ),
        None => "without --agent every agent gets the value".to_owned(),
    }
}

/// Returns what is known of the new value at everybody's endpoint.
fn said_of(look: &Look, provider: &ProviderId, value: Fingerprint) -> Vec<(Endpoint, Verdict)> {
    let mut all: BTreeMap<String, (Endpoint, Verdict)> = BTreeMap::new();
    let owner = keyshoal_core::judge::owner_of(&look.observed, &StoreId::Base);
    let owners = keyshoal_core::judge::endpoint_of(&look.observed, &owner, provider);
    let agents = look.observed.agents.iter().filter_map(|agent| agent.endpoints.get(provider).cloned());
    for endpoint in agents.chain([owners]) {
        if let Some(verdict) = look.knowledge.verdict(value, &endpoint) {
            all.insert(endpoint.key(), (endpoint.clone(), verdict.clone()));
        }
    }
    all.into_values().collect()
}
