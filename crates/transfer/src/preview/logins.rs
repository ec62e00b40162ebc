//! Logins that move: each goes whole into one store, and the vault only knows that it is there.

use super::plan::ImportPlan;
use crate::entry;
use crate::gather::stores::without_refresh;
use crate::manifest::Logins;
use keyshoal_core::{AgentId, CredentialKind, ProfileId, Secret};
use keyshoal_openclaw::store::StoredSecret;
use std::fmt;

/// A login that moves here.
#[derive(Clone, Debug)]
pub struct MovedLogin {
    /// Whose own it is; `None`: all share it.
    pub agent: Option<AgentId>,
    /// The profile.
    pub profile: ProfileId,
    /// Its whole entry, as JSON text.
    pub entry: Secret,
}

impl fmt::Display for MovedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.agent {
            Some(agent) => write!(f, "{} of {agent}", self.profile),
            None => write!(f, "{}", self.profile),
        }
    }
}

/// What moves, and why something does not.
#[derive(Clone, Debug, Default)]
pub struct Moving {
    /// What goes into a store.
    pub logins: Vec<MovedLogin>,
    /// What goes into none, as sentences.
    pub left: Vec<String>,
}

impl ImportPlan {
    /// Returns the names of the logins, each once.
    pub fn logins(&self) -> Vec<&str> {
        let asked = self.questions.iter().flat_map(|question| &question.overrides);
        let all = self.credentials.iter().chain(asked).filter(|one| one.kind == CredentialKind::OAuth);
        let mut names: Vec<&str> = all.map(|one| one.profile.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes out what goes into stores here: the logins of a machine that stops. The credentials keep what they hold without refresh tokens,
    /// and no two logins that are returned have the same one.
    pub fn take_logins(&mut self) -> Moving {
        let mut moving = Moving::default();
        if self.logins != Logins::Move {
            return moving;
        }
        let mut spent: Vec<(Secret, String)> = Vec::new();
        for at in 0..self.credentials.len() {
            let one = &self.credentials[at];
            let (whose, profile) = (one.agent.and_then(|uid| self.agent(uid)), one.profile.clone());
            let agent = whose.map(|agent| agent.id.clone());
            let login = MovedLogin { agent, profile, entry: one.entry.clone() };
            let Ok(StoredSecret::OAuth { refresh, .. }) =
                entry::check(&login.profile, &login.entry).map(|stored| stored.secret)
            else {
                continue;
            };
            let enabled = whose.is_none_or(|agent| agent.enabled);
            // Who holds another's token would end it for both by the first renewal.
            let holder = refresh.as_ref().and_then(|token| spent.iter().find(|(of, _)| of == token));
            match holder {
                _ if !enabled => moving.left.push(format!("{login}: its agent is disabled")),
                Some((_, holder)) => {
                    moving.left.push(format!("{login}: it is the login of {holder} copied, which has it"));
                }
                None => {
                    spent.extend(refresh.map(|token| (token, login.to_string())));
                    moving.logins.push(login);
                }
            }
            if let Some((rest, true)) = without_refresh(&self.credentials[at].entry) {
                self.credentials[at].entry = rest;
            }
        }
        moving
    }
}
