//! Progress on stderr: a line that changes where a person looks at it; elsewhere only what takes long is said.

use super::{Stream, Text};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyshoal_engine::Progress as Step;

/// Says what is being done. Clones share the line.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    /// Where what takes long is said when nothing is drawn.
    plain: Option<Stream>,
}

impl Progress {
    /// Draws on a terminal; without one, `plain` gets a line for each long wait.
    pub(super) fn new(shown: bool, plain: Option<Stream>) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg:.dim}") {
            bar.set_style(style);
        }
        Self { bar, plain }
    }

    /// Shows what the engine does now.
    pub fn show(&self, step: &Step) {
        let text = match step {
            Step::Looking => "looking …".to_owned(),
            Step::Asking { questions } => format!("asking providers about {questions} …"),
            Step::Applying { done, total } => format!("writing {done}/{total} …"),
            Step::Activating { may_restart: false } => {
                "making the gateway read its stores again …".to_owned()
            }
            Step::Activating { may_restart: true } => {
                return self.wait(
                    "making the gateway read its stores again, by a restart if nothing else helps; that may take minutes …",
                );
            }
            Step::WaitingForCooldown { seconds } => {
                return self.wait(&format!(
                    "waiting {seconds} s for a cooldown in the gateway's memory, which this release keeps …"
                ));
            }
            Step::Prompting { done, total } => {
                format!("asking agents through the gateway: {done} of {total} …")
            }
            Step::Verifying => "reading back and verifying …".to_owned(),
            Step::Again { round } => format!("something changed meanwhile; round {round} …"),
        };
        self.say(&text);
    }

    /// Says that something takes long, also where nothing is drawn.
    pub fn wait(&self, text: &str) {
        if let Some(plain) = &self.plain {
            let mut plain = plain.clone();
            plain.line(&Text::of(text));
            plain.flush();
        }
        self.say(text);
    }

    /// Says what is done now, where progress is drawn.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Captured;

    #[test]
    fn long_waits_are_said_without_a_terminal_and_nothing_else() {
        let captured = Captured::default();
        let stream = Stream::new(Box::new(captured.clone()), false);
        let progress = Progress::new(false, Some(stream));
        progress.show(&Step::Looking);
        progress.show(&Step::Activating { may_restart: false });
        assert_eq!(captured.text(), "");
        progress.show(&Step::WaitingForCooldown { seconds: 21 });
        assert_eq!(
            captured.text(),
            "waiting 21 s for a cooldown in the gateway's memory, which this release keeps …\n"
        );
        progress.show(&Step::Activating { may_restart: true });
        assert!(captured.text().contains("by a restart"));
    }
}
