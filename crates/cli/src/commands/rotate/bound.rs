//! Where a way back, or forward again, leads from where a rotation stands, in words.

use keyshoal_core::{AgentId, Fingerprint, ProfileId};
use keyshoal_engine::rotate::Stage;

/// Where it leads.
pub struct Bound {
    /// The value to which agents go; `None` where no agent is given anything.
    pub to: Option<Fingerprint>,
    /// What becomes of them, and of the other value.
    pub words: String,
}

impl Bound {
    /// A way back, from the newer value to the one before. The newer one is kept where that is `kept`.
    pub fn back(
        stage: Stage,
        whom: &str,
        (old, new): (Option<Fingerprint>, Option<Fingerprint>),
        kept: bool,
    ) -> Self {
        let what = match stage {
            Stage::Staged | Stage::Tested => "given up: no agent has the new value yet".to_owned(),
            Stage::Publishing => "given up: the new value is retired".to_owned(),
            Stage::RolledBack => format!("{whom} gets it"),
            Stage::Published | Stage::Proven | Stage::Finished => {
                let becomes = if kept { "stays at hand for the grace time" } else { "is retired" };
                format!("the present one ({}) {becomes}", shown_as(new))
            }
        };
        match old.filter(|_| !matches!(stage, Stage::Staged | Stage::Tested)) {
            Some(to) => Self { to: Some(to), words: format!("{whom} goes back to {to}; {what}") },
            None => Self { to: None, words: what },
        }
    }

    /// A way forward again, from the value before to the newer one.
    pub fn forward(whom: &str, old: Option<Fingerprint>, new: Option<Fingerprint>) -> Self {
        let words = format!(
            "{whom} goes forward to {} again; the present one ({}) stays at hand for the grace time",
            shown_as(new),
            shown_as(old)
        );
        Self { to: new, words }
    }

    /// Says in a dry run what would be done, for everybody or for one agent alone. Where somebody else has put another value, that stays.
    pub fn would(&self, profile: &ProfileId, alone: Option<&AgentId>, back: bool, strangers: bool) -> String {
        let Some(to) = self.to else {
            return format!("would give up the rotation of {profile}, and write no store");
        };
        let way = if back { format!("back to {to}") } else { format!("forward to {to} again") };
        let whom = match (alone, strangers) {
            (Some(agent), false) => format!("for {agent}"),
            (Some(agent), true) => {
                format!("for {agent} in the vault, and leave what somebody else has put there")
            }
            (None, false) => "everywhere".to_owned(),
            (None, true) => "everywhere but where somebody else has put another value".to_owned(),
        };
        format!("would bring {profile} {way}, {whom}")
    }
}

fn shown_as(value: Option<Fingerprint>) -> String {
    value.map_or_else(|| "a value".to_owned(), |value| value.to_string())
}
