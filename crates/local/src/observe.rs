//! Looking at an installation: config, gateway, layout, stores, candidates, put together without a secret in the result.

mod agents;
mod at_once;
mod beside;
mod one_agent;
mod referred;
mod stores;

use crate::{Installation, book::Book, clock};
use keyshoal_core::observation::Notice;
use keyshoal_core::{
    Endpoint, Fingerprints, GatewayView, Instance, Material, Observation, ProviderId, StoreId,
};
use keyshoal_engine::ports::{Observe, PortError};
use keyshoal_openclaw::config::{self, Config};
use keyshoal_openclaw::gateway;
use keyshoal_openclaw::jobs;
use keyshoal_openclaw::layout::{self, Resolved};
use keyshoal_openclaw::store::{ReadStore, StoreFile};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One look, with what only this crate may hold: the stores' contents and where they are.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What everybody may see.
    pub observed: Arc<Observation>,
    /// The config.
    pub config: Config,
    /// Every store at its place, as it was read.
    pub stores: BTreeMap<StoreId, Held>,
    /// A store that no agent of the roster has and that a running gateway loads all the same.
    pub also_loaded: Option<StoreFile>,
}

/// A store at its place, as it was read.
#[derive(Clone, Debug)]
pub struct Held {
    /// The place.
    pub file: StoreFile,
    /// What was read.
    pub read: ReadStore,
}

impl Observe for Installation {
    fn observe(&self) -> Result<Arc<keyshoal_core::Observation>, PortError> {
        // What references lead to is told apart by the vault's values: the news come first.
        self.hear()?;
        let snapshot = self.look()?;
        let observed = snapshot.observed.clone();
        self.state().seen = Some(Arc::new(snapshot));
        Ok(observed)
    }

    fn config_edit(&self) -> Result<Option<keyshoal_core::ConfigEdit>, PortError> {
        self.prepare_config()
    }

    fn observe_after(&self, edit: &keyshoal_core::ConfigEdit) -> Result<Option<Arc<Observation>>, PortError> {
        self.look_after(edit)
    }

    fn config_held(&self) -> Vec<keyshoal_core::ConfigHeld> {
        self.state().held.clone()
    }

    fn wish(&self) -> Result<Option<keyshoal_core::Wish>, PortError> {
        Ok(self.state().wish.clone())
    }
}

impl Installation {
    /// Reads config, stores and gateway afresh and enters every value in the book.
    pub fn look(&self) -> Result<Snapshot, PortError> {
        let config = config::load(&self.locations, &self.env).map_err(|error| PortError {
            message: error.to_string(),
            hint: Some("mend the config as the message says; nothing was changed".into()),
            retryable: false,
        })?;
        let gateway = gateway::discover(&self.locations, &config, &self.env);
        self.look_by(config, gateway)
    }

    /// The same by this config, and as this gateway has it.
    fn look_by(&self, mut config: Config, gateway: GatewayView) -> Result<Snapshot, PortError> {
        jobs::add_models(&mut config, &self.locations);
        let word = self.gateway_word(&gateway);
        let resolved = layout::resolve(&self.locations, &config, word.as_ref(), &|| self.installed_release())
            .map_err(|error| PortError {
                message: format!("cannot tell how OpenClaw keeps its credentials here: {error}"),
                hint: None,
                retryable: false,
            })?;
        self.read_delivered();
        let mut stores = stores::read_all(&resolved);
        stores.extend(self.left_behind(&resolved));
        let also_loaded = resolved.also_loaded.clone();
        enter_all(&self.book, &stores, self);
        for secret in config.providers.values().flat_map(|declared| declared.transport.secrets()) {
            self.book.enter_configured(secret, self.prints());
        }
        let observed = Arc::new(self.observation(&config, gateway, resolved, &stores));
        Ok(Snapshot { observed, config, stores, also_loaded })
    }

    fn observation(
        &self,
        config: &Config,
        mut gateway: GatewayView,
        resolved: Resolved,
        stores: &BTreeMap<StoreId, Held>,
    ) -> Observation {
        let at = clock::now();
        if gateway.version.is_none() {
            gateway.version = self.gateway_word(&gateway).and_then(|word| word.version);
        }
        let referred = referred::of(self, config, stores);
        gateway.read = self.last_read(config, &gateway, stores, &referred);
        let gateway_may_run = gateway.running != Some(false);
        let (mut agents, residue, earlier) = agents::views(self, config, &resolved, stores, &gateway, at);
        referred::follow(&mut agents, &referred);
        let mut notices: Vec<Notice> = config
            .warnings
            .iter()
            .map(|warning| {
                let code = if config::is_refusal(warning) { Notice::CONFIG_REFUSED } else { "config" };
                Notice { code: code.into(), message: warning.clone(), fix: None }
            })
            .collect();
        if !config.exists {
            notices.push(Notice {
                code: "no_config".into(),
                message: format!(
                    "there is no {}: OpenClaw would run on its defaults, with the one agent main",
                    config.path.display()
                ),
                fix: Some("name another with --config or --state-dir, unless that is meant".into()),
            });
        }
        if let Some((why, fix)) = self.state().unheard.clone() {
            notices.push(Notice {
                code: Notice::VAULT_UNHEARD.into(),
                message: format!(
                    "the vault that says what is right here could not be opened: {why}; this was judged by the stores alone"
                ),
                fix: Some(fix),
            });
        }
        notices.extend(resolved.notices);
        notices.extend(agents::order_notices(config, stores));
        notices.extend(residue);
        Observation {
            at,
            instance: Instance {
                id: self.instance_id(),
                state_dir: self.locations.state_dir.display().to_string(),
                config_path: self.locations.config_path.display().to_string(),
                openclaw_version: resolved.version,
                layout: resolved.layout,
                layout_evidence: resolved.evidence,
                gateway,
            },
            capabilities: resolved.capabilities,
            stores: stores
                .iter()
                .map(|(id, held)| {
                    let mut view = stores::view(held, gateway_may_run, self.prints());
                    view.read_only = view.read_only.or_else(|| resolved.no_new_store.clone());
                    (id.clone(), view)
                })
                .collect(),
            agents,
            program_writes_to: resolved.program_writes_to,
            modes: config.profiles.iter().map(|(id, decl)| (id.clone(), decl.mode.clone())).collect(),
            config_keys: config_keys(config, self.prints()),
            declared: declared(config, self.prints()),
            referred,
            orphans: resolved.orphans,
            notices,
            earlier,
        }
    }
}

fn declared(config: &Config, prints: &dyn Fingerprints) -> BTreeMap<ProviderId, Endpoint> {
    config.providers.keys().map(|id| (id.clone(), config.endpoint(id, prints))).collect()
}

fn config_keys(config: &Config, prints: &dyn Fingerprints) -> BTreeMap<ProviderId, Material> {
    let keys = config.providers.iter();
    keys.filter_map(|(id, entry)| Some((id.clone(), entry.api_key.as_ref()?.material(prints)))).collect()
}

/// The base store comes first in the map's order, so its `expires` counts where two stores hold one value.
fn enter_all(book: &Book, stores: &BTreeMap<StoreId, Held>, installation: &Installation) {
    for held in stores.values() {
        book.enter_store(&held.read.contents, installation.prints());
        installation.enter_led(&held.read.contents);
    }
}
