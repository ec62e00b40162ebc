//! What the engine says while it works.

/// Names what is being done now. For a line on the terminal or in a log; nothing depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Reading config and stores.
    Looking,
    /// Asking providers about so many values.
    Asking {
        /// How many questions.
        questions: usize,
    },
    /// Putting prompts to agents through the gateway.
    Prompting {
        /// How many agents have answered.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Writing.
    Applying {
        /// How many actions are done.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Making the gateway read its stores again.
    Activating {
        /// Whether it may be restarted for that, which takes a while.
        may_restart: bool,
    },
    /// Waiting until a cooldown in the gateway's memory ends, which this release cannot be made to forget.
    WaitingForCooldown {
        /// For how long.
        seconds: u64,
    },
    /// Reading back and asking agents.
    Verifying,
    /// A store changed under our hands; planning again for it.
    Again {
        /// Which round this is, from 2.
        round: usize,
    },
}
