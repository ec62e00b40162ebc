//! Setting a new value everywhere: the whole rotation in one command.

mod target;

use crate::decide::Decide;
use crate::look::{Look, LookError, LookOptions, look_at};
use crate::ports::{PortError, Ports};
use crate::progress::Progress;
use crate::source::{SourceError, desired_of};
use crate::sync::{SyncError, SyncOptions, SyncReport, go};
use keyshoal_core::{
    CredentialKind, Endpoint, Fingerprint, ProfileId, ProviderId, SourceOf, SourceValue, Timestamp, Verdict,
};
use std::collections::BTreeMap;
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
    /// Its provider rejects the new value; nothing was changed.
    #[error("{} rejects the new value ({}); nothing was changed", .0.endpoint.provider, .0.verdict.kind)]
    Rejected(Box<Rejection>),
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
    let accepted = verdicts.iter().any(|(_, verdict)| verdict.kind.is_accepted());
    let rejected = verdicts.iter().find(|(_, verdict)| {
        verdict.kind.is_dead() || verdict.kind == keyshoal_core::VerdictKind::MalformedKey
    });
    if let Some((endpoint, verdict)) = rejected.filter(|_| !accepted) {
        let (endpoint, verdict) = (endpoint.clone(), verdict.clone());
        return Err(SetError::Rejected(Box::new(Rejection { endpoint, verdict })));
    }
    let mut options = request.sync.clone();
    if options.command.is_empty() {
        options.command = "set".to_owned();
    }
    let sync = go(ports, look, &options, decide, progress)?;
    Ok(SetReport { target, verdicts, sync })
}

/// Returns what is known of the new value at everybody's endpoint.
fn said_of(look: &Look, provider: &ProviderId, value: Fingerprint) -> Vec<(Endpoint, Verdict)> {
    let mut all: BTreeMap<String, (Endpoint, Verdict)> = BTreeMap::new();
    let owner = keyshoal_core::judge::owner_of(&look.observed, &keyshoal_core::StoreId::Base);
    let owners = keyshoal_core::judge::endpoint_of(&look.observed, &owner, provider);
    let agents = look.observed.agents.iter().filter_map(|agent| agent.endpoints.get(provider).cloned());
    for endpoint in agents.chain([owners]) {
        if let Some(verdict) = look.knowledge.verdict(value, &endpoint) {
            all.insert(endpoint.key(), (endpoint.clone(), verdict.clone()));
        }
    }
    all.into_values().collect()
}
