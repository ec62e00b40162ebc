//! The profiles of all stores, each with its whole entry.

use super::{GatherError, GatherOptions, Gathering, settings::once};
use crate::entry;
use crate::manifest::{Logins, OrderPart, ProfilePart};
use keyshoal_core::{CredentialKind, Secret, StoreHealth, StoreId};
use keyshoal_openclaw::store::{ReadStore, StoreFile};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is left out of a login that stays with its owner.
const LOGIN_STAYS: &str = "it stays with the old machine, as it can be spent once only; sign in on the new one \
                           (export --move-logins takes the login along, and then the old machine must not run any more)";

impl Gathering<'_> {
    pub(super) fn profiles(&mut self, options: &GatherOptions) -> Result<(), GatherError> {
        let base = read(&self.resolved.base)?;
        self.store(&StoreId::Base, &base, options);
        // Agents may share one file; each of them has its own rows here.
        let mut seen: BTreeMap<StoreId, ReadStore> = BTreeMap::new();
        for (agent, store, file) in &self.resolved.agents {
            if *store == StoreId::Base {
                continue;
            }
            let found = match seen.get(store) {
                Some(found) => found.clone(),
                None => read(file)?,
            };
            self.store(&StoreId::Agent(agent.clone()), &found, options);
            seen.insert(store.clone(), found);
        }
        for orphan in &self.resolved.orphans {
            self.leave_out(
                format!("{} profiles in {}", orphan.profiles.len(), orphan.path),
                format!("{} is not in the roster", orphan.id),
            );
        }
        if let Some(file) = &self.resolved.also_loaded {
            let count = read(file)?.contents.profiles.len();
            if count > 0 {
                self.leave_out(
                    format!("{count} profiles in {}", file.path().display()),
                    "main is not in the roster",
                );
            }
        }
        Ok(())
    }

    fn store(&mut self, store: &StoreId, found: &ReadStore, options: &GatherOptions) {
        for (id, why) in &found.contents.invalid {
            self.leave_out(format!("profile {id} of {store}"), why.clone());
        }
        for profile in &found.contents.sequence {
            let Some(stored) = found.contents.profiles.get(profile) else { continue };
            let mut raw = stored.raw.clone();
            if stored.kind == CredentialKind::OAuth && options.logins == Logins::Stay {
                match without_refresh(&raw) {
                    Some((rest, true)) => {
                        if !options.in_place {
                            self.leave_out(format!("the refresh token of {profile} of {store}"), LOGIN_STAYS);
                        }
                        raw = rest;
                    }
                    Some((_, false)) => {}
                    None => {
                        self.leave_out(format!("profile {profile} of {store}"), "its login is no plain JSON");
                        continue;
                    }
                }
            }
            match entry::check(profile, &raw) {
                Ok(_) => {
                    let entry = self.value(raw);
                    let (store, profile) = (store.clone(), profile.clone());
                    let part = ProfilePart { store, profile, entry, meant: None };
                    self.payload.manifest.profiles.push(part);
                }
                Err(why) => self.leave_out(format!("profile {profile} of {store}"), why),
            }
        }
        for (provider, profiles) in &found.contents.order {
            let (store, provider) = (Some(store.clone()), provider.clone());
            self.payload.manifest.order.push(OrderPart { store, provider, profiles: once(profiles) });
        }
    }
}

fn read(file: &StoreFile) -> Result<ReadStore, GatherError> {
    let read = file.read()?;
    let unreadable =
        |reason: String| GatherError::Unreadable { path: file.path().display().to_string(), reason };
    match &read.health {
        StoreHealth::Unreadable(reason) => Err(unreadable(reason.clone())),
        StoreHealth::NewerSchema { found, known } => {
            Err(unreadable(format!("its schema is {found}, and {known} is the newest that is known")))
        }
        _ => Ok(read),
    }
}

/// Takes whatever is called a refresh token out of an entry, and says whether there was any.
pub(crate) fn without_refresh(entry: &Secret) -> Option<(Secret, bool)> {
    fn take(value: &mut Value) -> bool {
        match value {
            Value::Object(fields) => {
                let named: Vec<String> = fields
                    .iter()
                    .filter(|(name, value)| name.to_lowercase().contains("refresh") && value.is_string())
                    .map(|(name, _)| name.clone())
                    .collect();
                for name in &named {
                    fields.shift_remove(name);
                }
                let deeper = fields.values_mut().filter_map(|value| take(value).then_some(())).count() > 0;
                deeper || !named.is_empty()
            }
            // Every one of them, also behind the first that had any.
            Value::Array(all) => all.iter_mut().filter_map(|value| take(value).then_some(())).count() > 0,
            _ => false,
        }
    }
    let mut value: Value = serde_json::from_str(entry.reveal_secret()).ok()?;
    let found = take(&mut value);
    Some((Secret::new(value.to_string()), found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refresh_token_is_left_at_any_depth() {
        let entry = Secret::new(
            r#"{"type":"oauth","refresh":"r1","access":"a","expires":4000000000000,"deep":{"refreshToken":"r2","x":[{"REFRESH":"r3"}]},"refreshedAt":7}"#,
        );
        let (rest, found) = without_refresh(&entry).unwrap();
        assert!(found);
        assert_eq!(
            rest.reveal_secret(),
            r#"{"type":"oauth","access":"a","expires":4000000000000,"deep":{"x":[{}]},"refreshedAt":7}"#
        );
        assert!(!without_refresh(&rest).unwrap().1);
    }
}
