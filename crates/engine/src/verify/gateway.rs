//! Does the running gateway have what the stores hold? A credential that works proves no agent whose gateway sends another one.

use super::proof::AgentProof;
use crate::look::Look;
use keyshoal_core::activation::{self, Held};
use keyshoal_core::{FindingKind, Severity};

/// What is said where none runs.
pub const NOBODY: &str = "no gateway runs, so nobody sends anything now";
/// The ways to know.
const WAY_OUT: &str = "keyshoal verify --through-gateway asks, keyshoal sync has it read its stores again";

/// What is known of the running gateway's memory, next to the stores that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayState {
    /// One runs and has what the stores hold, as far as anything tells.
    Current,
    /// None runs: the next one reads what the stores hold.
    NotRunning,
    /// Whether it has cannot be told without asking it.
    Unknown,
    /// It does not have it yet.
    Behind,
    /// The one on the configured port reads other stores.
    Elsewhere,
}

/// The same, with what a person should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayProof {
    /// What.
    pub state: GatewayState,
    /// One sentence, where there is something to say.
    pub message: Option<String>,
    /// One line: the way out.
    pub fix: Option<String>,
}

impl GatewayProof {
    /// Returns what is to be said, with the way out.
    pub fn words(&self) -> String {
        let fix = self.fix.as_ref().map(|fix| format!(": {fix}"));
        format!("{}{}", self.message.as_deref().unwrap_or_default(), fix.unwrap_or_default())
    }

    /// Tells whether it is known that agents do not send what was asked about.
    pub fn is_behind(&self) -> bool {
        matches!(self.state, GatewayState::Behind | GatewayState::Elsewhere)
    }
}

/// Says what a look tells of the gateway. Who was asked through it speaks for himself.
pub(super) fn of(look: &Look, agents: &[AgentProof]) -> GatewayProof {
    let instance = &look.observed.instance;
    if let Some(other) = &instance.gateway.other_state_dir {
        let message = format!(
            "the running gateway uses {other}, not {}: its agents do not send what was asked about here",
            instance.state_dir
        );
        let fix = format!("keyshoal --state-dir {other} verify   or start the gateway for this directory");
        return said(GatewayState::Elsewhere, message, Some(fix));
    }
    let behind = look
        .judgement
        .of_instance()
        .find(|one| one.finding == FindingKind::NotActivated && one.severity == Severity::Attention);
    if let Some(finding) = behind {
        let mut message = format!(
            "what was asked about is what the stores hold, and the running gateway does not have it yet: {}",
            finding.message
        );
        let answers =
            |agent: &AgentProof| agent.turn.as_ref().is_some_and(|turn| turn.answered_by().is_some());
        if agents.iter().any(answers) {
            message.push_str(
                "; an answer through it does not tell by which value, since an earlier one may still be good",
            );
        }
        return said(GatewayState::Behind, message, finding.fix.clone());
    }
    if let Held::Unknown { written } = activation::held(&look.observed, &look.knowledge) {
        if !agents.is_empty() && agents.iter().all(|agent| agent.turn.is_some()) {
            return GatewayProof { state: GatewayState::Unknown, message: None, fix: None };
        }
        let why = written.map(|(path, at)| {
            format!(" ({path} was written {at:.0}, and nothing tells that it was read since)")
        });
        let message =
            format!("it is not known whether the running gateway sends it{}", why.unwrap_or_default());
        return said(GatewayState::Unknown, message, Some(WAY_OUT.to_owned()));
    }
    match instance.gateway.running {
        Some(true) => GatewayProof { state: GatewayState::Current, message: None, fix: None },
        Some(false) => said(GatewayState::NotRunning, NOBODY.to_owned(), None),
        // What the last one was made to read says nothing of one that cannot be seen.
        None => {
            let why = instance.gateway.unknown_because.as_ref().map(|why| format!(" ({why})"));
            let message =
                format!("it is not known whether a gateway runs and sends it{}", why.unwrap_or_default());
            said(GatewayState::Unknown, message, Some(WAY_OUT.to_owned()))
        }
    }
}

fn said(state: GatewayState, message: String, fix: Option<String>) -> GatewayProof {
    GatewayProof { state, message: Some(message), fix }
}

/// Notes with each agent what is known of its gateway.
pub(super) fn note(gateway: &GatewayProof, agents: &mut [AgentProof]) {
    for agent in agents {
        agent.gateway = gateway.state;
    }
}
