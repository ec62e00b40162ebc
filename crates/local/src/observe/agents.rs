//! The agents of the roster, and what lies about of them: earlier values, plaintext archives, orders that name nothing.

use super::Held;
use super::at_once::at_once;
use super::one_agent::{Viewer, copies};
use crate::Installation;
use keyshoal_core::observation::Notice;
use keyshoal_core::{
    AgentId, AgentView, CredentialKind, Fingerprint, Fingerprints, GatewayView, Layout, Material, ProfileId,
    StoreHealth, StoreId, Timestamp,
};
use keyshoal_openclaw::candidates;
use keyshoal_openclaw::config::Config;
use keyshoal_openclaw::gateway::key_environment;
use keyshoal_openclaw::layout::Resolved;
use keyshoal_openclaw::models_file;
use keyshoal_openclaw::other_logins;
use keyshoal_openclaw::store::{StoreContents, archives};
use std::collections::{BTreeMap, HashMap};
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
    for value in candidates::loose_values(config, env) {
        installation.book.enter_loose(value, installation.prints());
    }
    let nothing = StoreContents::default();
    let viewer = Viewer {
        config,
        locations: &installation.locations,
        prints: installation.prints(),
        layout: resolved.layout,
        version: resolved.version.as_deref(),
        stores,
        base: stores.get(&StoreId::Base).map_or(&nothing, |held| &held.read.contents),
        other_logins: &other_logins::found(&installation.locations.home, env),
        env,
        now,
    };
    let store_of: HashMap<&AgentId, &StoreId> =
        resolved.agents.iter().map(|(id, store, _)| (id, store)).collect();
    let entries: Vec<_> =
        config.agents.iter().map(|entry| (entry, store_of.get(&entry.id).copied())).collect();
    let mut agents = Vec::with_capacity(entries.len());
    let mut notices = Vec::new();
    let mut earlier = Vec::new();
    for viewed in at_once(&entries, |(entry, store)| viewer.view(entry, *store)) {
        agents.push(viewed.agent);
        notices.extend(viewed.residue);
        earlier.extend(viewed.earlier);
    }
    let (prints, base) = (viewer.prints, viewer.base);
    if resolved.layout == Layout::SharedRow || resolved.layout == Layout::SharedTable {
        // The shared row is no agent's, but main's generated file held its values before the move.
        let main = AgentId::from("main");
        if let Some(entry) = config.agents.iter().find(|entry| entry.id == main)
            && let Ok(models_file) = models_file::read(&entry.agent_dir)
        {
            earlier.extend(copies(prints, &models_file, base));
        }
    }
    if resolved.layout.is_sqlite() {
        let main_dir = &resolved.main_agent_dir;
        earlier.extend(archived(prints, main_dir, base));
        let dirs = config.agents.iter().map(|entry| &entry.agent_dir).filter(|dir| *dir != main_dir);
        let dirs: Vec<_> = std::iter::once(main_dir).chain(dirs).collect();
        notices.extend(at_once(&dirs, |dir| archive_notice(dir)).into_iter().flatten());
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
    prints: &dyn Fingerprints,
    main_dir: &Path,
    base: &StoreContents,
) -> Vec<(ProfileId, Fingerprint)> {
    let mut found = Vec::new();
    for archive in archives(main_dir) {
        for (id, old) in &archive.contents.profiles {
            let (old, now) = (old, base.profiles.get(id));
            let old_value = old.material(prints);
            if let (Material::Inline(print), Some(now)) = (&old_value, now)
                && old.kind != CredentialKind::OAuth
                && old.provider == now.provider
                && now.material(prints) != old_value
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
        fix: Some("keyshoal scrub".into()),
    })
}

/// Says which store of an agent cannot be read, if so: then nobody can tell what it may send, and least of all nothing.
pub(super) fn unreadable(stores: &BTreeMap<StoreId, Held>, own: &StoreId) -> Option<String> {
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
