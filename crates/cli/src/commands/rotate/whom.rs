//! Whom a rotation is about, and whom it passes by.

use crate::error::CommandError;
use keyshoal_core::vault::{VaultAgent, VaultCredential};
use keyshoal_core::{AgentId, ProfileId};
use keyshoal_engine::rotate::RotateReport;
use keyshoal_engine::verify::left_behind;
use std::collections::BTreeSet;

/// Refuses to bring a value to an agent that is disabled: no store would hold it, and nobody could say that the agent works with it.
pub fn require_enabled(
    agent: &VaultAgent,
    credential: &VaultCredential,
    begins: bool,
) -> Result<(), CommandError> {
    if agent.enabled {
        return Ok(());
    }
    let VaultAgent { id, .. } = agent;
    let error = CommandError::user(format!(
        "{id} is disabled: no store would hold the new value, and nobody could say that it works; nothing was changed"
    ))
    .hint(format!("keyshoal agent enable {id}   brings the agent back; then this again"));
    Err(match begins {
        true => error.hint(format!(
            "keyshoal credential override {id} {}   gives it another value in the vault, which no store holds until then",
            credential.profile
        )),
        false => error,
    })
}

/// Returns the agents that a person's mark has left on an earlier value of the profile that all share.
pub fn left(report: &RotateReport, profile: &ProfileId) -> BTreeSet<AgentId> {
    let told = report.runs.last().into_iter().flat_map(|run| left_behind(&run.after));
    told.filter(|one| one.profile.as_ref() == Some(profile)).filter_map(|one| one.agent.clone()).collect()
}

/// Returns the agents that were shown to fail.
pub fn failing(report: &RotateReport) -> BTreeSet<AgentId> {
    report.failures.iter().map(|one| one.agent.clone()).collect()
}

/// Tells whether the agent whose override it is holds nothing of the vault's, because the vault has disabled it.
pub fn is_disabled(report: &RotateReport, agent: Option<&AgentId>) -> bool {
    let wish = report.runs.last().and_then(|run| run.after.desired.wish.as_ref());
    agent.zip(wish).is_some_and(|(agent, wish)| wish.leaving.contains(agent))
}

/// What a rotation is about, for its last line.
pub struct What {
    /// The value that it gives.
    pub new: String,
    /// The one before, where that is known.
    pub old: Option<String>,
    /// It was current, and agents had it.
    pub was_given: bool,
    /// The command that goes on with it.
    pub command: String,
    /// Who keeps a value of its own.
    pub keeping: BTreeSet<AgentId>,
    /// Who of them keeps an earlier value of what all share.
    pub left: BTreeSet<AgentId>,
    /// To whom the vault gives another.
    pub overridden: BTreeSet<AgentId>,
    /// Who was not shown to work, and was allowed not to.
    pub failing: BTreeSet<AgentId>,
    /// The agents were looked at now. Else nothing is said of them.
    pub looked: bool,
    /// Whose override it is.
    pub alone: Option<AgentId>,
    /// That agent is in no roster, and no store holds anything of it.
    pub disabled: bool,
    /// Who has what came from neither version, with how the vault comes to have it.
    pub strange: Vec<String>,
}

impl What {
    /// Names the agents of which "works with" is said.
    pub fn everybody(&self) -> String {
        if let Some(agent) = &self.alone {
            return agent.to_string();
        }
        let names = |all: &BTreeSet<AgentId>| all.iter().map(AgentId::as_str).collect::<Vec<_>>().join(", ");
        let mut others = Vec::new();
        let own = self.keeping.difference(&self.left).cloned().collect::<BTreeSet<_>>();
        if !own.is_empty() {
            others.push(format!(
                "not {}, with a value of its own that was kept: it does not change with this one",
                names(&own)
            ));
        }
        if !self.left.is_empty() {
            others.push(format!(
                "not {}, left on an earlier value that a person kept: keyshoal status names the ways out",
                names(&self.left)
            ));
        }
        if !self.overridden.is_empty() {
            others.push(format!("not {}, with an override of its own", names(&self.overridden)));
        }
        if !self.strange.is_empty() {
            others.push(format!(
                "not where somebody else has put another value, which stays: {}",
                self.strange.join("; ")
            ));
        }
        if !self.failing.is_empty() {
            others.push(format!("not {}, as --error-budget allows", names(&self.failing)));
        }
        match others.is_empty() {
            true => "every agent".to_owned(),
            false => format!("every agent that shares it ({})", others.join("; ")),
        }
    }
}
