//! Forgets values whose time is over.

use crate::apply::Work;
use crate::load::load;
use crate::session::values;
use crate::{Author, Vault, VaultError, events, queries};
use keyshoal_core::vault::{VaultVersion, VersionState};
use keyshoal_core::{InstanceId, ProfileId, Timestamp};
use std::time::Duration;

/// For how many days the value of a retired version is kept.
pub const KEPT_DAYS: u16 = 30;

/// A version whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// What its instance is called.
    pub instance: String,
    /// Of which profile.
    pub profile: ProfileId,
    /// Its number.
    pub number: u32,
    /// Since when it is retired.
    pub since: Timestamp,
}

impl Vault {
    /// Lists what [`Self::forget_expired`] would forget.
    pub fn expired(&self, now: Timestamp, days: u16) -> Result<Vec<Expired>, VaultError> {
        let before = limit(now, days);
        self.database.read(|db| {
            let mut all = Vec::new();
            for row in db.query(queries::STALE_INSTANCES, &values![before])? {
                let instance = load(db, &self.tags, &InstanceId::new(row.string(0)?))?;
                for one in &instance.credentials {
                    let over = one.versions.iter().filter(|version| is_over(version, before));
                    all.extend(over.map(|version| Expired {
                        instance: instance.name.clone(),
                        profile: one.profile.clone(),
                        number: version.number,
                        since: version.since,
                    }));
                }
            }
            Ok(all)
        })
    }

    /// Makes the file as small as what it holds, so that nothing of what was forgotten is in it.
    pub fn compact(&self) -> Result<(), VaultError> {
        self.database.compact().map_err(VaultError::at(self.path()))?;
        self.empty_log()
    }

    /// Forgets the retired versions that have been retired for more than so many days, with their values, and dropped
    /// credentials of which nothing is left. Returns how many versions that were. An instance that loses one has a new revision.
    pub fn forget_expired(&self, who: &Author, now: Timestamp, days: u16) -> Result<u64, VaultError> {
        let before = limit(now, days);
        let forgotten = self.write(now, |pen| {
            let mut forgotten = 0;
            for row in pen.db.query(queries::STALE_INSTANCES, &values![before])? {
                let id = InstanceId::new(row.string(0)?);
                let instance = load(pen.db, pen.tags, &id)?;
                let mut work = Work::new(instance.clone(), who, now);
                let mut here = 0;
                for credential in &mut work.instance.credentials {
                    let all = credential.versions.len();
                    credential.versions.retain(|version| !is_over(version, before));
                    here += all - credential.versions.len();
                }
                work.instance.credentials.retain(|credential| !credential.versions.is_empty());
                work.instance.revision += 1;
                pen.write(&instance, &work)?;
                let said = format!("{here} values forgotten that were retired before {before}");
                events::add(pen.db, pen.tags, Some(&id), who, &[said], now)?;
                forgotten += here as u64;
            }
            Ok(forgotten)
        })?;
        if forgotten > 0 {
            self.empty_log()?;
        }
        Ok(forgotten)
    }
}

fn limit(now: Timestamp, days: u16) -> Timestamp {
    now - Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}

fn is_over(version: &VaultVersion, before: Timestamp) -> bool {
    version.state == VersionState::Retired && version.since < before
}
