//! One agent of the roster: what it needs, may send, and whom it asks; and the plaintext copies in its directory.

use super::Held;
use super::agents::unreadable;
use keyshoal_core::observation::Notice;
use keyshoal_core::{
    AgentView, Endpoint, Fingerprint, Fingerprints, Layout, Material, Need, ProfileId, ProviderId, StoreId,
    Timestamp,
};
use keyshoal_openclaw::candidates::{self, CandidateInput};
use keyshoal_openclaw::config::{Config, model::AgentEntry};
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::models_file::{self, ModelsFile};
use keyshoal_openclaw::store::{StoreContents, model::secret_fingerprint};
use keyshoal_openclaw::{Environment, sessions};
use std::collections::{BTreeMap, BTreeSet};

/// What the view of every agent rests on.
pub(super) struct Viewer<'a> {
    pub config: &'a Config,
    pub locations: &'a Locations,
    pub prints: &'a dyn Fingerprints,
    pub layout: Layout,
    pub version: Option<&'a str>,
    pub stores: &'a BTreeMap<StoreId, Held>,
    pub base: &'a StoreContents,
    pub other_logins: &'a BTreeSet<ProviderId>,
    pub env: &'a Environment,
    pub now: Timestamp,
}

/// One agent, the residue that its directory holds, and the earlier values that it teaches.
pub(super) struct Viewed {
    pub agent: AgentView,
    pub residue: Vec<Notice>,
    pub earlier: Vec<(ProfileId, Fingerprint)>,
}

impl Viewer<'_> {
    /// Shows one agent, whose store this is.
    pub fn view(&self, entry: &AgentEntry, store: Option<&StoreId>) -> Viewed {
        let store = store.cloned().unwrap_or_else(|| StoreId::Agent(entry.id.clone()));
        let (base, prints) = (self.base, self.prints);
        let mut notices = Vec::new();
        let models_file = models_file::read(&entry.agent_dir).unwrap_or_else(|error| {
            notices.push(Notice { code: "unreadable".into(), message: error.to_string(), fix: None });
            ModelsFile::default()
        });
        let nothing = StoreContents::default();
        let local = (store != StoreId::Base)
            .then(|| self.stores.get(&store).map_or(&nothing, |held| &held.read.contents));
        let renewed = self.layout != Layout::SharedRow;
        notices.extend(residue(prints, entry, &models_file, [local.unwrap_or(base), base], renewed));
        let earlier = match store {
            StoreId::Base => copies(prints, &models_file, base),
            StoreId::Agent(_) => Vec::new(),
        };
        let own = self.stores.get(&store).map(|held| (&held.file, &held.read));
        let unknown = unreadable(self.stores, &store);
        let pins = sessions::pins(self.locations, self.config, entry, own);
        let input = CandidateInput {
            config: self.config,
            layout: self.layout,
            version: self.version,
            agent: entry,
            base,
            local,
            models_file: &models_file,
            other_logins: self.other_logins,
            sessions: &pins,
            env: self.env,
            prints,
            now: self.now,
        };
        let (candidates, unneeded) = match unknown {
            Some(_) => (BTreeMap::new(), BTreeMap::new()),
            None => candidates::with_unneeded(&input),
        };
        let needs = needs(entry);
        let stored =
            base.profiles.values().chain(local.into_iter().flat_map(|local| local.profiles.values()));
        let providers: BTreeSet<_> = needs
            .keys()
            .chain(candidates.keys())
            .chain(stored.map(|profile| &profile.provider))
            .cloned()
            .collect();
        let endpoints = providers
            .into_iter()
            .map(|provider| (provider.clone(), self.endpoint(&models_file, &provider, entry)))
            .collect();
        let agent = AgentView {
            id: entry.id.clone(),
            name: entry.name.clone(),
            default: entry.default,
            enabled: true,
            store,
            agent_dir: entry.agent_dir.display().to_string(),
            needs,
            unknown,
            candidates,
            unneeded,
            endpoints,
        };
        Viewed { agent, residue: notices, earlier }
    }

    /// The agent's own endpoint: the config's, else what its generated models.json says, else the provider's public one.
    fn endpoint(&self, file: &ModelsFile, provider: &ProviderId, entry: &AgentEntry) -> Endpoint {
        let mut endpoint = self.config.endpoint(provider, self.prints);
        if endpoint.base_url.is_none() {
            endpoint.base_url = file.providers.get(provider).and_then(|entry| entry.base_url.clone());
        }
        let own = entry.models.iter().find(|used| used.chat && used.provider == *provider);
        if let Some(own) = own {
            endpoint.model = Some(own.model.clone());
        }
        endpoint
    }
}

fn needs(entry: &AgentEntry) -> BTreeMap<ProviderId, Vec<Need>> {
    let mut needs: BTreeMap<ProviderId, Vec<Need>> = BTreeMap::new();
    for used in &entry.models {
        let need = Need { model: used.model.clone(), purpose: used.purpose.map(str::to_owned) };
        needs.entry(used.provider.clone()).or_default().push(need);
    }
    needs
}

/// Plaintext keys in models.json, which nothing updates. An agent holds what its own store has and what it inherits.
fn residue(
    prints: &dyn Fingerprints,
    entry: &AgentEntry,
    file: &ModelsFile,
    held: [&StoreContents; 2],
    renewed: bool,
) -> Option<Notice> {
    let is_held = |print| {
        let mut all = held.iter().flat_map(|contents| contents.profiles.values());
        all.any(|profile| profile.material(prints) == Material::Inline(print))
    };
    let keys = file.providers.iter().filter_map(|(provider, one)| Some((provider, one.api_key.as_ref()?)));
    let copied: Vec<_> = keys.map(|(provider, key)| (provider, secret_fingerprint(prints, key))).collect();
    let earlier = copied.iter().any(|(_, print)| !is_held(*print));
    let shown: Vec<_> = copied
        .iter()
        .map(|(provider, print)| {
            let gone = if is_held(*print) { "" } else { ", which its stores hold no more" };
            format!("{provider} {print}{gone}")
        })
        .collect();
    (!shown.is_empty()).then(|| Notice {
        code: "residue".into(),
        message: format!(
            "{} holds plaintext copies of keys ({}); requests do not use them",
            entry.agent_dir.join("models.json").display(),
            shown.join("; ")
        ),
        fix: (earlier || !renewed).then(|| "keyshoal scrub".into()),
    })
}

/// Earlier values of the base store's profiles, as the generated models.json of its own agent still has them.
pub(super) fn copies(
    prints: &dyn Fingerprints,
    file: &ModelsFile,
    base: &StoreContents,
) -> Vec<(ProfileId, Fingerprint)> {
    let mut found = Vec::new();
    for (provider, entry) in &file.providers {
        let Some(key) = &entry.api_key else { continue };
        let print = secret_fingerprint(prints, key);
        // The program copies the first profile's key, so one profile of the provider is certain and several are not.
        let mut profiles = base.profiles.iter().filter(|(_, profile)| profile.provider == *provider);
        if let (Some((id, profile)), None) = (profiles.next(), profiles.next())
            && profile.material(prints) != Material::Inline(print)
        {
            found.push((id.clone(), print));
        }
    }
    found
}
