//! `keyshoal alerts`: whom a watch tells of alarms, and whether they hear it.

use super::Context;
use super::watch::{alarm, policy};
use crate::document::{AddresseeDocument, AlertsDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::{Text, Ui};
use keyshoal_alerts::{About, Message, Sender};
use keyshoal_core::Timestamp;
use std::path::Path;

/// Arguments of `alerts`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal alerts list
  keyshoal alerts test
  keyshoal alerts test ops --json

Whom keyshoal watch tells is in keyshoal.toml, one table each (the README shows every key):

  [[alert]]
  name = \"ops\"
  kind = \"webhook\"                              # or slack, telegram, ntfy, command
  url_file = \"/home/me/.config/keyshoal/ops.url\"
  secret_file = \"/home/me/.config/keyshoal/ops.secret\"
  quiet = \"22:00-07:00\"                         # then only what is urgent is sent")]
pub struct AlertsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: AlertsAction,
}

/// What `alerts` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum AlertsAction {
    /// Show whom a watch tells
    List,
    /// Send a test message, and say what was answered
    Test {
        /// Only this one
        name: Option<String>,
    },
}

/// Shows the addressees, or tries them.
pub fn cmd_alerts(ui: &mut Ui, context: &Context<'_>, args: &AlertsArgs) -> Result<Outcome, CommandError> {
    let path = policy::path(context)?;
    let policy = policy::read(&path)?;
    let only = match &args.action {
        AlertsAction::List | AlertsAction::Test { name: None } => None,
        AlertsAction::Test { name } => name.as_deref(),
    };
    if let Some(name) = only
        && !policy.alerts.iter().any(|alert| alert.name == name)
    {
        return Err(CommandError::user(format!("there is no alert {name:?} in {}", path.display()))
            .hint("`keyshoal alerts list` shows what there is"));
    }
    let test = matches!(args.action, AlertsAction::Test { .. });
    let mut shown = Vec::new();
    for alert in policy.alerts.iter().filter(|alert| only.is_none_or(|name| alert.name == name)) {
        shown.push(one(ui, context, alert, &path, test));
    }
    let letters = alarm::dead_letters(&path).count();
    if shown.is_empty() {
        ui.say(&Text::of(format!("nobody is told of alarms: {} has no [[alert]]", path.display())));
    }
    let lines: Vec<Text> = shown.iter().map(render::alarm::addressee).collect();
    ui.data(&lines);
    if letters > 0 {
        ui.say(&Text::of(format!(
            "{letters} dead letters are in {}",
            alarm::dead_letters(&path).dir().display()
        )));
    }
    let wrong = shown.iter().any(|one| matches!(one.state, "unusable" | "failed"));
    ui.document(&AlertsDocument::new(shown, letters))?;
    Ok(Outcome::attention_if(wrong))
}

fn one(
    ui: &mut Ui,
    context: &Context<'_>,
    alert: &policy::alert::Alert,
    path: &Path,
    test: bool,
) -> AddresseeDocument {
    let mut shown = AddresseeDocument {
        name: alert.name.clone(),
        kind: alert.kind,
        to: None,
        quiet: alert.quiet.clone(),
        state: "unusable",
        reason: None,
    };
    let target = match alert.target(path) {
        Ok((target, notes)) => {
            notes.iter().for_each(|note| ui.warn(note));
            target
        }
        Err(error) => return AddresseeDocument { reason: Some(error.message), ..shown },
    };
    shown.to = Some(target.kind.shown());
    if !test {
        return AddresseeDocument { state: "usable", ..shown };
    }
    let now = keyshoal_local::clock::now();
    let (state, reason) = match tried(context, &target, now) {
        Ok(answer) => ("arrived", answer),
        Err(reason) => ("failed", reason),
    };
    AddresseeDocument { state, reason: Some(reason), ..shown }
}

/// Sends a test message once. Quiet hours do not count: somebody waits for it.
fn tried(context: &Context<'_>, target: &keyshoal_alerts::Target, now: Timestamp) -> Result<String, String> {
    let sender = Sender::new(&target.kind, &alarm::variables(context)).map_err(|error| error.to_string())?;
    let message = Message::test(&About::default(), &alarm::scrub(context), now);
    sender.send(&message, now).map_err(|failure| failure.reason)
}
