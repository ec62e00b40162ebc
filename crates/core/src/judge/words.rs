//! The sentences that people read.

use super::SourceState;
use crate::instance::Capabilities;
use crate::{AgentId, AgentView, FindingKind, Fingerprint, ProfileId, ProviderId, Severity, StoreId};

/// What was concluded about one copy, before it becomes findings.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// What it is.
    pub kind: FindingKind,
    /// How much it matters here.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// One line.
    pub fix: Option<String>,
}

impl Words {
    /// Makes words with the severity that the finding has by itself.
    pub fn new(kind: FindingKind, message: impl Into<String>) -> Self {
        Self { kind, severity: kind.severity(), message: message.into(), fix: None }
    }

    /// Sets how much it matters here.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Adds the command that mends it.
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Adds a clause to the sentence.
    pub fn but(mut self, clause: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(clause);
        self
    }
}

/// Says how old an earlier generation is: "two rotations ago".
pub(super) fn rotations_ago(behind: usize) -> String {
    match behind {
        0 | 1 => "before the last rotation".to_owned(),
        2 => "of two rotations ago".to_owned(),
        3 => "of three rotations ago".to_owned(),
        more => format!("of {more} rotations ago"),
    }
}

/// Returns a time as people read it, to the minute.
pub(super) fn moment(time: crate::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Returns a value as people see it.
pub(super) fn show(value: Option<Fingerprint>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.short())
}

/// Returns the command that says that a differing value is meant. What all inherit is no one agent's, and cannot be marked.
pub(super) fn keep(store: &StoreId, agent: &AgentId, profile: &ProfileId) -> String {
    match store {
        StoreId::Base => format!("keyshoal sync --profile {profile} --from base"),
        StoreId::Agent(_) => format!("keyshoal keep {agent} {profile}"),
    }
}

/// Returns how an agent signs in by itself with this release.
pub fn sign_in(capabilities: &Capabilities, agent: &AgentView, provider: &ProviderId) -> String {
    match (capabilities.signs_in_agents, agent.default) {
        (true, _) => format!("openclaw models auth --agent {} login", agent.id),
        (false, true) => "openclaw models auth login".to_owned(),
        (false, false) => format!(
            "keyshoal set {provider}:key --agent {}   with an API key: this release's openclaw models auth login signs in the default agent alone",
            agent.id
        ),
    }
}

/// Returns the two commands that settle a differing value.
pub(crate) fn settle(
    by_vault: bool,
    source: &SourceState,
    store: &StoreId,
    agent: &AgentId,
    profile: &ProfileId,
) -> String {
    match store {
        StoreId::Base if by_vault => {
            let adopt = format!("keyshoal credential adopt base {profile} (into the vault)");
            match source {
                SourceState::Rejected => format!("{adopt}   or   keyshoal set {profile} (a new value)"),
                _ => format!(
                    "{adopt}   or   keyshoal sync --profile {profile} --include foreign (the vault's value)"
                ),
            }
        }
        StoreId::Base => {
            let keep = keep(store, agent, profile);
            format!("{keep}   or   keyshoal sync --profile {profile} --include foreign")
        }
        StoreId::Agent(_) if by_vault => {
            format!(
                "keyshoal credential adopt {agent} {profile} (into the vault)   or   keyshoal replace {agent} {profile}"
            )
        }
        StoreId::Agent(_) => {
            format!("{}   or   keyshoal replace {agent} {profile}", keep(store, agent, profile))
        }
    }
}
