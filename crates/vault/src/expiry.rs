//! Forgets values whose time is over.

use crate::apply::Work;
use crate::load::load;
use crate::session::values;
use crate::{Author, Vault, VaultError, events, queries};
use keyshoal_core::vault::VersionState;
use keyshoal_core::{InstanceId, Timestamp};
use std::time::Duration;

impl Vault {
    /// Forgets the retired versions that have been retired for more than so many days, with their values, and dropped
    /// credentials of which nothing is left. Returns how many versions that were. An instance that loses one has a new revision.
    pub fn forget_expired(&self, who: &Author, now: Timestamp, days: u16) -> Result<u64, VaultError> {
        let before = now - Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        let forgotten = self.write(now, |pen| {
            let mut forgotten = 0;
            for row in pen.db.query(queries::STALE_INSTANCES, &values![before])? {
                let id = InstanceId::new(row.string(0)?);
                let instance = load(pen.db, pen.tags, &id)?;
                let mut work = Work::new(instance.clone(), who, now);
                let mut here = 0;
                for credential in &mut work.instance.credentials {
                    let all = credential.versions.len();
                    credential
                        .versions
                        .retain(|version| version.state != VersionState::Retired || version.since >= before);
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
