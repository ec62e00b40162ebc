//! Reading an installation, in every layout and without touching it, into a payload.

mod closed;
mod context;
mod origin;
mod settings;
pub(crate) mod stores;

use crate::manifest::{LeftOut, Logins, Manifest, Named, Source, Totals, ValueRef};
use crate::payload::Payload;
use keyshoal_core::vault::{Delivery, REFERENCES, VaultAgent};
use keyshoal_core::{InstanceId, Secret, Timestamp};
use keyshoal_openclaw::artifacts::RefsFile;
use keyshoal_openclaw::config::{self, Config, ConfigError, RawConfig};
use keyshoal_openclaw::delivered::{self, DeliveredError};
use keyshoal_openclaw::layout::{self, LayoutError, Resolved};
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::store::StoreError;
use keyshoal_openclaw::{Environment, PathError};

/// What shall come along.
#[derive(Clone, Debug)]
pub struct GatherOptions {
    /// Workspaces and sessions too.
    pub context: bool,
    /// What becomes of logins.
    pub logins: Logins,
    /// The installation goes on where it is: a refresh token that is left out is not left behind.
    pub in_place: bool,
    /// Our id of the instance, where it is known.
    pub instance: Option<InstanceId>,
    /// When this is.
    pub now: Timestamp,
    /// Nothing comes along to which a link leads out of the state directory: it was copied, and the link is not its own any more.
    pub closed: bool,
}

/// Says why an installation cannot be read whole. Nothing half is ever gathered.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The config.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Where the profiles are.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A layout that nobody here knows.
    #[error(
        "{state_dir}: it is not known how OpenClaw keeps its credentials here ({evidence}); use a newer keyshoal"
    )]
    UnknownLayout {
        /// Where.
        state_dir: String,
        /// What was seen.
        evidence: String,
    },
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store that cannot be understood.
    #[error(
        "{path}: cannot be read ({reason}); mend or remove it first, so that nothing is left behind unnoticed"
    )]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// A link of a copied directory.
    #[error(
        "{path} is a link that leads out of {dir} (to {to}), so what it leads to is not of that installation; copy it with what its links lead to (cp -aL), and import that"
    )]
    LeadsOut {
        /// The link.
        path: String,
        /// Where it leads.
        to: String,
        /// The state directory.
        dir: String,
    },
    /// A file.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Reads an installation. It is opened for reading only, and nothing is written anywhere, our own memory of it included.
pub fn gather(
    locations: &Locations,
    env: &Environment,
    options: &GatherOptions,
) -> Result<Payload, GatherError> {
    let mut payload = gather_open(locations, env, options)?;
    payload.close();
    Ok(payload)
}

/// Reads one likewise, for which a vault may know what references that lead nowhere stand for. [`Payload::close`] ends it.
pub fn gather_open(
    locations: &Locations,
    env: &Environment,
    options: &GatherOptions,
) -> Result<Payload, GatherError> {
    gather_from(Read::of(locations, env)?, locations, env, options)
}

/// Reads a state directory that may have been copied from another place: what its config names there is then the copy's, and that place is
/// the source's.
pub fn gather_copy(
    locations: &Locations,
    env: &Environment,
    options: &GatherOptions,
) -> Result<Payload, GatherError> {
    let mut read = Read::of(locations, env)?;
    let origin = read.raw.as_ref().and_then(|raw| origin::of(raw, &locations.state_dir));
    if let Some(origin) = &origin {
        for agent in &mut read.config.agents {
            let there = origin::in_copy(&agent.agent_dir, origin, &locations.state_dir);
            agent.agent_dir = there.unwrap_or_else(|| std::mem::take(&mut agent.agent_dir));
        }
        read.resolved = resolve(locations, &read.config)?;
    }
    let mut payload = gather_from(read, locations, env, options)?;
    if let Some(origin) = origin {
        payload.manifest.source.state_dir = origin.display().to_string();
    }
    payload.close();
    Ok(payload)
}

fn gather_from(
    read: Read,
    locations: &Locations,
    env: &Environment,
    options: &GatherOptions,
) -> Result<Payload, GatherError> {
    if options.closed {
        read.require_closed(locations)?;
    }
    let payload = Payload {
        manifest: empty(locations, &read.resolved, options),
        values: Vec::new(),
        files: Vec::new(),
        draft: None,
    };
    let mut gathering = read.gathering(locations, env, payload);
    gathering.settings();
    gathering.profiles(options)?;
    gathering.context(options.context)?;
    let mut payload = gathering.payload;
    if payload.refers() {
        payload.manifest.delivery = Delivery::Refs;
        payload.resolve(&delivered(locations)?);
    }
    if options.context {
        count(&mut payload);
    }
    Ok(payload)
}

/// Adds workspaces and sessions of agents that only a vault has: it has disabled them, and the config knows them no more. Where those of
/// the others stay, it is said where theirs are.
pub fn gather_disabled(
    payload: Payload,
    locations: &Locations,
    env: &Environment,
    agents: &[VaultAgent],
) -> Result<Payload, GatherError> {
    let along = payload.manifest.files.is_some();
    let read = Read::of(locations, env)?;
    let absent: Vec<&VaultAgent> =
        agents.iter().filter(|agent| !agent.enabled && read.config.agent(&agent.id).is_none()).collect();
    let mut gathering = read.gathering(locations, env, payload);
    gathering.context_of_absent(along, &absent)?;
    let mut payload = gathering.payload;
    if along {
        count(&mut payload);
    }
    Ok(payload)
}

fn count(payload: &mut Payload) {
    let bytes = payload.files.iter().map(|file| file.size).sum();
    payload.manifest.files = Some(Totals { files: payload.files.len() as u64, bytes });
}

/// What is read of an installation before anything is gathered.
struct Read {
    config: Config,
    raw: Option<RawConfig>,
    resolved: Resolved,
}

impl Read {
    fn of(locations: &Locations, env: &Environment) -> Result<Self, GatherError> {
        let config = config::load(locations, env)?;
        let raw = config::raw(locations)?;
        let resolved = resolve(locations, &config)?;
        Ok(Self { config, raw, resolved })
    }

    fn gathering<'a>(
        &'a self,
        locations: &'a Locations,
        env: &'a Environment,
        payload: Payload,
    ) -> Gathering<'a> {
        let (config, raw, resolved) = (&self.config, self.raw.as_ref(), &self.resolved);
        Gathering { locations, env, config, raw, resolved, payload }
    }
}

/// Finds out where the stores are.
fn resolve(locations: &Locations, config: &Config) -> Result<Resolved, GatherError> {
    let resolved = layout::resolve(locations, config, None, &|| None)?;
    match resolved.layout {
        keyshoal_core::Layout::Unknown => Err(GatherError::UnknownLayout {
            state_dir: locations.state_dir.display().to_string(),
            evidence: resolved.evidence.join("; "),
        }),
        _ => Ok(resolved),
    }
}

/// Reads the private file to which stores refer; an empty one where there is none.
fn delivered(locations: &Locations) -> Result<RefsFile, GatherError> {
    let path = delivered::path(&locations.state_dir);
    let unreadable = |error: DeliveredError| GatherError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    Ok(delivered::read(&path, REFERENCES).map_err(unreadable)?.unwrap_or_default())
}

fn empty(locations: &Locations, resolved: &Resolved, options: &GatherOptions) -> Manifest {
    Manifest {
        made: options.now,
        source: Source {
            instance: options.instance.clone(),
            state_dir: locations.state_dir.display().to_string(),
            config: locations.config_path.display().to_string(),
            release: resolved.version.clone(),
            layout: resolved.layout,
        },
        agents: Vec::new(),
        models: keyshoal_core::vault::ModelChoice::default(),
        bindings: Vec::new(),
        channels: Vec::new(),
        providers: Vec::new(),
        profiles: Vec::new(),
        order: Vec::new(),
        config: None,
        included: Vec::new(),
        variables: Vec::new(),
        delivery: Delivery::Inline,
        entries: Vec::new(),
        logins: options.logins,
        left_out: Vec::new(),
        stays: Vec::new(),
        values: 0,
        files: None,
    }
}

/// A payload in the making.
struct Gathering<'a> {
    locations: &'a Locations,
    env: &'a Environment,
    config: &'a Config,
    raw: Option<&'a RawConfig>,
    resolved: &'a Resolved,
    payload: Payload,
}

impl Gathering<'_> {
    fn value(&mut self, value: Secret) -> ValueRef {
        self.payload.add(value)
    }

    fn named(&mut self, name: &str, value: Secret) -> Named {
        Named { name: name.to_owned(), value: self.value(value) }
    }

    fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.payload.manifest.left_out.push(LeftOut { what: what.into(), why: why.into() });
    }
}
