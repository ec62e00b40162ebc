//! Logins that move here with an import: each is written once and whole, into a store that has none of that name.

use crate::Installation;
use keyshoal_core::{AgentId, Fingerprint, Observation, ProfileId, Secret, StoreHealth, StoreId};
use keyshoal_engine::ports::{Observe as _, PortError};
use keyshoal_openclaw::store::{Edit, StoreError, StoredProfile};

/// A login on its way into a store.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// Whose own it is; `None`: it goes where agents inherit from.
    pub agent: Option<&'a AgentId>,
    /// The profile.
    pub profile: &'a ProfileId,
    /// Its whole entry, as JSON text.
    pub entry: &'a Secret,
}

impl Installation {
    /// Returns the fingerprints that logins have in stores which hold them whole.
    pub fn prints_of(&self, logins: &[Login<'_>]) -> Result<Vec<Fingerprint>, PortError> {
        let print = |login: &Login<'_>| Ok(parsed(login)?.material(self.prints()).fingerprint());
        logins.iter().filter_map(|login| print(login).transpose()).collect()
    }

    /// Writes logins into the stores of an installation that was just made. Returns for each of them why no store can have it, where
    /// that is so. What fails otherwise is an error, and the caller takes everything back.
    pub fn move_in(&self, logins: &[Login<'_>]) -> Result<Vec<Option<String>>, PortError> {
        if logins.is_empty() {
            return Ok(Vec::new());
        }
        self.require_memory()?;
        let observed = self.observe()?;
        self.begin_writes(self.run_lock("import")?);
        let done = logins.iter().map(|login| self.move_one(&observed, login)).collect();
        self.end_writes();
        done
    }

    fn move_one(&self, observed: &Observation, login: &Login<'_>) -> Result<Option<String>, PortError> {
        let Login { agent, profile, entry } = login;
        let store = match agent.map(|id| (id, observed.agent(id))) {
            None => StoreId::Base,
            Some((id, None)) => return Ok(Some(format!("{id} is in no roster"))),
            Some((id, Some(view))) => {
                let others = observed.agents.iter().any(|other| other.id != *id && other.store == view.store);
                if others || view.store == StoreId::Base {
                    return Ok(Some(format!("other agents use what stands in the store of {id}")));
                }
                view.store.clone()
            }
        };
        let seen = self.seen();
        let held = seen.as_ref().and_then(|seen| seen.stores.get(&store));
        let Some(held) =
            held.filter(|held| held.read.health != StoreHealth::Absent || observed.capabilities.makes_stores)
        else {
            return Ok(Some("OpenClaw makes this store itself, and has not".to_owned()));
        };
        let stored = parsed(login)?;
        let edit = Edit::MoveIn { profile: (*profile).clone(), json: (*entry).clone() };
        let written = held.file.update(&self.rules(), &mut |_| Ok(vec![edit.clone()])).map_err(failed)?;
        match written.contents.profiles.get(*profile).is_some_and(|there| there.secret == stored.secret) {
            true => Ok(None),
            false => Err(PortError {
                message: format!("{profile} was written, and the store does not hold it when read back"),
                hint: None,
                retryable: false,
            }),
        }
    }
}

fn parsed(login: &Login<'_>) -> Result<StoredProfile, PortError> {
    StoredProfile::parse(login.profile, login.entry).map_err(|why| PortError {
        message: format!("{}: {why}", login.profile),
        hint: None,
        retryable: false,
    })
}

fn failed(error: StoreError) -> PortError {
    PortError { message: error.to_string(), hint: None, retryable: error.retryable() }
}
