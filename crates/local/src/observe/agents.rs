//! The agents of the roster: what they need, may send, and whom they ask; and the plaintext copies that lie about.

use super::Held;
use crate::Installation;
use keyshoal_core::observation::Notice;
use keyshoal_core::{
    AgentId, AgentView, CredentialKind, Endpoint, Fingerprint, GatewayView, Layout, Material, Need,
    ProfileId, ProviderId, StoreHealth, StoreId, Timestamp,
};
use keyshoal_openclaw::candidates::{self, CandidateInput};
use keyshoal_openclaw::config::{Config, model::AgentEntry};
use keyshoal_openclaw::gateway::key_environment;
use keyshoal_openclaw::layout::Resolved;
use keyshoal_openclaw::models_file::{self, ModelsFile};
use keyshoal_openclaw::store::{StoreContents, archives, model::secret_fingerprint};
use keyshoal_openclaw::{other_logins, sessions};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Views = (Vec<AgentView>, Vec<Notice>, Vec<(ProfileId, Fingerprint)>);

/// Shows every agent, and returns the residue that its directory holds and the earlier values that it teaches.
pub fn views(
    installation: &Installation,
    config: &Config,
    resolved: &Resolved,
    stores: &BTreeMap<StoreId, Held>,
    gateway: &GatewayView,
    now: Timestamp,
) -> Views {
    // Our own environment is only a guess at the gateway's; where its process can be seen, that is what counts.
    let seen = gateway.pid.filter(|_| gateway.other_state_dir.is_none()).and_then(key_environment);
    let env = seen.as_ref().unwrap_or(&installation.env);
    let nothing = StoreContents::default();
    let other_logins = other_logins::found(&installation.locations.home, env);
    let contents = |id: &StoreId| stores.get(id).map_or(&nothing, |held| &held.read.contents);
    let base = contents(&StoreId::Base);
    let mut agents = Vec::new();
    let mut notices = Vec::new();
    let mut earlier = Vec::new();
    for entry in &config.agents {
        let store = resolved
            .agents
            .iter()
            .find(|(id, _, _)| *id == entry.id)
            .map_or_else(|| StoreId::Agent(entry.id.clone()), |(_, store, _)| store.clone());
        let models_file = models_file::read(&entry.agent_dir).unwrap_or_else(|error| {
            notices.push(Notice { code: "unreadable".into(), message: error.to_string(), fix: None });
            ModelsFile::default()
        });
        let local = (store != StoreId::Base).then(|| contents(&store));
        notices.extend(residue(installation, entry, &models_file, local.unwrap_or(base)));
        if store == StoreId::Base {
            earlier.extend(copies(installation, &models_file, base));
        }
        let unknown = unreadable(stores, &store);
        let candidates = match unknown {
            Some(_) => BTreeMap::new(),
            None => candidates::of_agent(&CandidateInput {
                config,
                layout: resolved.layout,
                version: resolved.version.as_deref(),
                agent: entry,
                base,
                local,
                models_file: &models_file,
                other_logins: &other_logins,
                sessions: &sessions::pins(&installation.locations, config, entry),
                env,
                prints: installation.prints(),
                now,
            }),
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
            .map(|provider| (provider.clone(), endpoint(config, &models_file, &provider, entry)))
            .collect();
        agents.push(AgentView {
            id: entry.id.clone(),
            name: entry.name.clone(),
            default: entry.default,
            enabled: true,
            store,
            agent_dir: entry.agent_dir.display().to_string(),
            needs,
            unknown,
            candidates,
            endpoints,
        });
    }
    if resolved.layout == Layout::SharedRow || resolved.layout == Layout::SharedTable {
        // The shared row is no agent's, but main's generated file held its values before the move.
        let main = AgentId::from("main");
        if let Some(entry) = config.agents.iter().find(|entry| entry.id == main)
            && let Ok(models_file) = models_file::read(&entry.agent_dir)
        {
            earlier.extend(copies(installation, &models_file, base));
        }
    }
    if resolved.layout.is_sqlite() {
        let main_dir = &resolved.main_agent_dir;
        earlier.extend(archived(installation, main_dir, base));
        let dirs = config.agents.iter().map(|entry| &entry.agent_dir).filter(|dir| *dir != main_dir);
        notices.extend(std::iter::once(main_dir).chain(dirs).filter_map(|dir| archive_notice(dir)));
    }
    (agents, notices, earlier)
}

/// Says which orders name profiles that are nowhere. Where a store cannot be read, nobody knows.
pub fn order_notices(config: &Config, stores: &BTreeMap<StoreId, Held>) -> Vec<Notice> {
    if stores.keys().any(|id| unreadable(stores, id).is_some()) {
        return Vec::new();
    }
    let contents = stores.iter().map(|(id, held)| (id.clone(), &held.read.contents)).collect();
    candidates::order_gaps(config, &contents)
}

/// Earlier values of the base store's profiles, as the archives of main's migrated file still have them.
fn archived(
    installation: &Installation,
    main_dir: &Path,
    base: &StoreContents,
) -> Vec<(ProfileId, Fingerprint)> {
    let mut found = Vec::new();
    for archive in archives(main_dir) {
        for (id, old) in &archive.contents.profiles {
            let (old, now) = (old, base.profiles.get(id));
            let old_value = old.material(installation.prints());
            if let (Material::Inline(print), Some(now)) = (&old_value, now)
                && old.kind != CredentialKind::OAuth
                && old.provider == now.provider
                && now.material(installation.prints()) != old_value
            {
                found.push((id.clone(), *print));
            }
        }
    }
    found
}

/// Plaintext archives that OpenClaw's migrations leave for good.
fn archive_notice(dir: &Path) -> Option<Notice> {
    let found = archives(dir);
    let first = found.first()?;
    Some(Notice {
        code: "residue".into(),
        message: format!(
            "{}{} holds the plaintext keys of a migrated store; OpenClaw does not read it",
            first.path.display(),
            if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() },
        ),
        fix: None,
    })
}

/// Says which store of an agent cannot be read, if so: then nobody can tell what it may send, and least of all nothing.
fn unreadable(stores: &BTreeMap<StoreId, Held>, own: &StoreId) -> Option<String> {
    let told = |id: &StoreId| {
        let held = stores.get(id)?;
        let path = held.file.path().display();
        match &held.read.health {
            StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => None,
            StoreHealth::Unreadable(reason) => Some(format!("{path} cannot be read: {reason}")),
            StoreHealth::NewerSchema { found, known } => {
                Some(format!("{path} has schema {found}, newer than the newest known one, {known}"))
            }
        }
    };
    told(own).or_else(|| told(&StoreId::Base))
}

fn needs(entry: &AgentEntry) -> BTreeMap<ProviderId, Vec<Need>> {
    let mut needs: BTreeMap<ProviderId, Vec<Need>> = BTreeMap::new();
    for used in &entry.models {
        let need = Need { model: used.model.clone(), purpose: used.purpose.map(str::to_owned) };
        needs.entry(used.provider.clone()).or_default().push(need);
    }
    needs
}

/// The agent's own endpoint: the config's, else what its generated models.json says, else the provider's public one.
fn endpoint(config: &Config, file: &ModelsFile, provider: &ProviderId, entry: &AgentEntry) -> Endpoint {
    let mut endpoint = config.endpoint(provider);
    if endpoint.base_url.is_none() {
        endpoint.base_url = file.providers.get(provider).and_then(|entry| entry.base_url.clone());
    }
    let own = entry.models.iter().find(|used| used.chat && used.provider == *provider);
    if let Some(own) = own {
        endpoint.model = Some(own.model.clone());
    }
    endpoint
}

/// Plaintext keys in models.json, which nothing updates.
fn residue(
    installation: &Installation,
    entry: &AgentEntry,
    file: &ModelsFile,
    contents: &StoreContents,
) -> Vec<Notice> {
    let copied: Vec<_> = file
        .providers
        .iter()
        .filter_map(|(provider, one)| {
            let print = secret_fingerprint(installation.prints(), one.api_key.as_ref()?);
            let current = contents
                .profiles
                .values()
                .any(|profile| profile.material(installation.prints()) == Material::Inline(print));
            Some(format!(
                "{provider} {print}{}",
                if current { "" } else { ", which is in its store no more" }
            ))
        })
        .collect();
    if copied.is_empty() {
        return Vec::new();
    }
    vec![Notice {
        code: "residue".into(),
        message: format!(
            "{} holds plaintext copies of keys ({}); requests do not use them",
            entry.agent_dir.join("models.json").display(),
            copied.join("; ")
        ),
        fix: None,
    }]
}

/// Earlier values of the base store's profiles, as the generated models.json of its own agent still has them.
fn copies(
    installation: &Installation,
    file: &ModelsFile,
    base: &StoreContents,
) -> Vec<(ProfileId, Fingerprint)> {
    let mut found = Vec::new();
    for (provider, entry) in &file.providers {
        let Some(key) = &entry.api_key else { continue };
        let print = secret_fingerprint(installation.prints(), key);
        // The program copies the first profile's key, so one profile of the provider is certain and several are not.
        let mut profiles = base.profiles.iter().filter(|(_, profile)| profile.provider == *provider);
        if let (Some((id, profile)), None) = (profiles.next(), profiles.next())
            && profile.material(installation.prints()) != Material::Inline(print)
        {
            found.push((id.clone(), print));
        }
    }
    found
}
