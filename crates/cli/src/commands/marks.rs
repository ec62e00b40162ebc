//! Finding the value that a mark is about.

use super::shared;
use crate::error::CommandError;
use crate::ui::Ui;
use keyshoal_core::judge::Sight;
use keyshoal_core::{AgentId, Fingerprint, ProfileId, StoreId};
use keyshoal_engine::LookOptions;
use keyshoal_local::Installation;

/// One agent's profile, as a mark names it.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Whose.
    pub agent: AgentId,
    /// Which.
    pub profile: ProfileId,
    /// What stands in the agent's own store.
    pub local: Option<Fingerprint>,
    /// The agent's store is the one that others inherit from.
    pub is_base: bool,
    /// It is marked as kept.
    pub kept: bool,
    /// A vault shares that value with all, or once did.
    pub shared: bool,
    /// A vault has that value for the agent alone.
    pub own: bool,
}

impl Mark {
    /// Returns the value, or why there is none that a mark could be about.
    pub fn value(&self) -> Result<Fingerprint, CommandError> {
        let Self { agent, profile, .. } = self;
        if self.is_base {
            return Err(CommandError::user(format!("{agent}'s {profile} is what the other agents inherit"))
                .hint(format!("to put another value there: keyshoal set {profile}")));
        }
        self.local.ok_or_else(|| {
            CommandError::user(format!("agent {agent} has no {profile} of its own"))
                .hint(format!("`keyshoal explain {agent}` tells what it uses"))
        })
    }
}

/// Looks for it.
pub fn find(
    ui: &mut Ui,
    installation: &Installation,
    agent: &str,
    profile: &str,
) -> Result<Mark, CommandError> {
    let look = shared::look(ui, installation, &LookOptions::default())?;
    let view = shared::find_agent(&look.observed, agent)?;
    let profile = ProfileId::from(profile);
    let local = look.observed.profile(&view.store, &profile).and_then(|one| one.material.fingerprint());
    let kept = look.knowledge.kept.contains_key(&(view.id.clone(), profile.clone()));
    let sight = Sight::new(&look.observed, &look.desired, &look.knowledge, look.now);
    let shared = local.is_some_and(|value| sight.is_of_shared(&profile, value));
    let wish = look.desired.wish.as_ref();
    let own = wish.and_then(|wish| wish.own_value(&view.id, &profile)).map(|own| own.fingerprint);
    let (own, is_base) = (own.is_some() && own == local, view.store == StoreId::Base);
    Ok(Mark { agent: view.id.clone(), profile, local, is_base, kept, shared, own })
}
