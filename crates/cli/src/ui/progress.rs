//! Progress on stderr, only where a person looks at it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyshoal_engine::Progress as Step;

/// A line that says what is being done; silent where nobody looks. Clones share it.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg:.dim}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Shows what the engine does now.
    pub fn show(&self, step: &Step) {
        let text = match step {
            Step::Looking => "looking …".to_owned(),
            Step::Asking { questions } => format!("asking providers about {questions} …"),
            Step::Applying { done, total } => format!("writing {done}/{total} …"),
            Step::Activating => "making the gateway read its stores again …".to_owned(),
            Step::WaitingForCooldown { seconds } => {
                format!(
                    "waiting {seconds} s for a cooldown in the gateway's memory, which this release keeps …"
                )
            }
            Step::Verifying => "reading back and verifying …".to_owned(),
            Step::Again { round } => format!("something changed meanwhile; round {round} …"),
        };
        self.say(&text);
    }

    /// Shows a text.
    pub fn say(&self, text: &str) {
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_message(text.to_owned());
        self.bar.tick();
    }

    /// Takes the line away, so that something else can be written.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
