//! The change of what stands by name: `auth.profiles`, `auth.order`, channels, files of secrets, the gateway.

use super::change::Change;
use super::report::{ConfigChange, Report};
use super::view::{self, Strange, View};
use super::wanted::Wanted;
use crate::config::notes::Look;
use keyshoal_core::{ProfileId, ProviderId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Returns the change of `auth`, and says it.
pub(super) fn auth(view: &View, wanted: &Wanted, report: &mut Report) -> Change {
    let mut profiles = Vec::new();
    let mut say = |id: &ProfileId, change: &Change| {
        report.changes.push(ConfigChange::of(format!("auth.profiles[{id}]"), change));
    };
    for (id, (provider, kind)) in &wanted.profiles {
        let change = match view.profiles.get(id) {
            None => Change::Put(json!({ "provider": provider.as_str(), "mode": kind.as_str() })),
            Some((now, mode)) => {
                let mut patch = Vec::new();
                if crate::config::provider_id(now) != *provider {
                    patch.push(("provider".to_owned(), Change::Put(json!(provider.as_str()))));
                }
                if view::kind(mode) != *kind {
                    patch.push(("mode".to_owned(), Change::Put(json!(kind.as_str()))));
                }
                if patch.is_empty() { Change::Keep } else { Change::Patch(patch) }
            }
        };
        if change != Change::Keep {
            say(id, &change);
            profiles.push((id.as_str().to_owned(), change));
        }
    }
    for id in wanted.gone_profiles.iter().filter(|id| view.profiles.contains_key(id)) {
        say(id, &Change::Drop);
        profiles.push((id.as_str().to_owned(), Change::Drop));
    }
    let profiles = patch(&["auth", "profiles"], profiles);
    profiles.and(patch(&["auth", "order"], order(view, wanted, report)))
}

fn order(view: &View, wanted: &Wanted, report: &mut Report) -> Vec<(String, Change)> {
    let providers: BTreeSet<&ProviderId> = view.order.keys().chain(wanted.order.keys()).collect();
    let mut changes = Vec::new();
    for provider in providers {
        let (key, now) = match view.order.get(provider) {
            Some((key, now)) => (key.clone(), Some(now)),
            None => (provider.as_str().to_owned(), None),
        };
        let mut list = wanted.order.get(provider).or(now).cloned().unwrap_or_default();
        list.retain(|id| !wanted.gone_profiles.contains(id));
        let change = match now {
            Some(now) if *now == list => continue,
            None if list.is_empty() => continue,
            _ if list.is_empty() => Change::Drop,
            _ => Change::Put(list.iter().map(ProfileId::as_str).collect()),
        };
        report.changes.push(ConfigChange::of(format!("auth.order.{provider}"), &change));
        changes.push((key, change));
    }
    changes
}

/// Returns the change of the channels, and says it without their values.
pub(super) fn channels(root: &Look<'_>, wanted: &Wanted, report: &mut Report) -> Result<Change, Strange> {
    let now = view::section(root, &["channels"])?;
    let mut changes = Vec::new();
    for (name, text) in &wanted.channels {
        let value: Value = serde_json::from_str(text.reveal_secret()).map_err(|_| Strange {
            steps: root.steps.key("channels").key(name),
            problem: "shall be something that is no JSON".to_owned(),
        })?;
        if now.as_ref().and_then(|now| now.at(name)).is_none_or(|now| *now.value != value) {
            report.changes.push(ConfigChange::secret(format!("channels.{name}")));
            changes.push((name.clone(), Change::Put(value)));
        }
    }
    Ok(patch(&["channels"], changes))
}

/// Returns the change of `secrets.providers`, and says it.
pub(super) fn secret_files(root: &Look<'_>, wanted: &Wanted, report: &mut Report) -> Result<Change, Strange> {
    let now = view::section(root, &["secrets", "providers"])?;
    let mut changes = Vec::new();
    for (name, path) in &wanted.secret_files {
        let now = now.as_ref().and_then(|now| now.at(name)).map(|now| now.value);
        let change = match path {
            None if now.is_none() => continue,
            None => Change::Drop,
            Some(path) => Change::Put(json!({ "source": "file", "path": path, "mode": "json" })),
        };
        if change.applied(now).as_ref() != now {
            let what = path.as_ref().map_or_else(|| "removed".to_owned(), |path| format!("reads {path}"));
            report.changes.push(ConfigChange::new(format!("secrets.providers.{name}"), what));
            changes.push((name.clone(), change));
        }
    }
    Ok(patch(&["secrets", "providers"], changes))
}

/// Returns the change of the gateway, and says it.
pub(super) fn gateway(root: &Look<'_>, wanted: &Wanted, report: &mut Report) -> Result<Change, Strange> {
    let Some(defaults) = &wanted.gateway else { return Ok(Change::Keep) };
    view::section(root, &["gateway", "auth"])?;
    let mut change = Change::Keep;
    let mut set = |way: &[&str], value: Value, secret: bool, report: &mut Report| {
        if root.within(way).is_some_and(|now| *now.value == value) {
            return;
        }
        let path = way.join(".");
        let put = Change::Put(value);
        report.changes.push(if secret { ConfigChange::secret(path) } else { ConfigChange::of(path, &put) });
        let so_far = std::mem::replace(&mut change, Change::Keep);
        change = so_far.and(Change::within(way, put));
    };
    set(&["gateway", "mode"], json!("local"), false, report);
    if let Some(port) = defaults.port {
        set(&["gateway", "port"], json!(port), false, report);
    }
    if let Some(bind) = &defaults.bind {
        set(&["gateway", "bind"], json!(bind), false, report);
    }
    if let Some(token) = &defaults.token {
        set(&["gateway", "auth", "mode"], json!("token"), false, report);
        set(&["gateway", "auth", "token"], json!(token.reveal_secret()), true, report);
    }
    Ok(change)
}

fn patch(way: &[&str], members: Vec<(String, Change)>) -> Change {
    if members.is_empty() { Change::Keep } else { Change::within(way, Change::Patch(members)) }
}

/// What commands of releases before 2026.8 write into every config that they touch, and later ones refuse; only with these values, where
/// some are named. Seen on 2026.3.28 and 2026.6.11, and in the schemas of 2026.8.2 and 2026.9.6.
const RETIRED: [(&str, &str, Option<&str>); 2] =
    [("meta", "lastTouchedAt", None), ("commands", "ownerDisplay", Some("raw"))];

/// Returns the change that takes out what a release with `agents.entries` refuses and earlier ones wrote by themselves.
pub(super) fn retired(root: &Look<'_>, report: &mut Report) -> Change {
    let mut all = Change::Keep;
    for (section, key, only) in RETIRED {
        let Some(found) = root.within(&[section, key]) else { continue };
        if only.is_none_or(|only| found.value.as_str() == Some(only)) {
            report.changes.push(ConfigChange::of(format!("{section}.{key}"), &Change::Drop));
            all = all.and(Change::within(&[section, key], Change::Drop));
        }
    }
    all
}
