//! `keyshoal restart`: apply, restart the gateway, wait until it is ready, verify.

use super::consent::{Agreed, Consent};
use super::{Context, identity, report, restarting, shared};
use crate::arguments::ScopeArgs;
use crate::document::RunDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::{self, age};
use crate::root::OpenFor;
use crate::root::holdings::Need;
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome, Plan};
use keyshoal_engine::{LookOptions, SyncOptions};

/// Arguments of `restart`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal restart
  keyshoal restart --yes --restart-command 'systemctl --user restart openclaw-gateway'

Without --restart-command the gateway is asked to restart itself, on the releases that can. No signal is ever sent.")]
pub struct RestartArgs {
    /// Your own command that restarts the gateway (run by sh -c)
    #[arg(long, value_name = "CMD")]
    pub restart_command: Option<String>,
    /// Agree to what is proposed, and to the restart
    #[arg(long, short)]
    pub yes: bool,
    /// Do not ask providers
    #[arg(long)]
    pub offline: bool,
}

/// Goes the whole way, with a restart.
pub fn cmd_restart(ui: &mut Ui, context: &Context<'_>, args: &RestartArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor {
        offline: args.offline,
        restart_command: args.restart_command.clone(),
        vault: Need::Certainly,
        ..OpenFor::default()
    };
    let installation = shared::open(ui, context, wanted)?;
    let before = shared::look(ui, &installation, &LookOptions::default())?;
    if let Some(why) = before.observed.config_refused() {
        let text =
            format!("nothing was restarted: with this config the gateway would not start again: {why}");
        ui.data(&Text::toned(Tone::Bad, "✗ ").plain(&text).wrapped(ui.width(), 2));
        let refused = ActivationOutcome::NotDone { reason: text, needs_restart: false };
        let document = RunDocument::new("restart", &Plan::default()).attention(true);
        ui.document(&document.because(&refused))?;
        return Ok(Outcome::Attention);
    }
    let gateway = &before.observed.instance.gateway;
    if gateway.running == Some(false) {
        ui.data(&[Text::toned(Tone::Bad, "✗ ")
            .plain("no gateway runs here, so none can be restarted; start it as you always do")]);
        let document = RunDocument::new("restart", &Plan::default()).attention(true);
        ui.document(&document.because(&ActivationOutcome::GatewayDown))?;
        return Ok(Outcome::Attention);
    }
    let started = gateway.started;
    ui.say(&Text::of(match (started, &gateway.unknown_because) {
        (Some(started), _) => format!("the gateway has run {}", age::since(started, before.now)),
        (None, None) => "the gateway runs; since when is not known".to_owned(),
        (None, Some(why)) => format!("whether a gateway runs is not known: {why}"),
    }));
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    if !args.yes {
        let certain = Plan { questions: Vec::new(), activation: ActivationNeed::None, ..before.plan() };
        if !certain.actions.is_empty() {
            render::plan::lines(&certain).iter().for_each(|line| ui.say(line));
        }
        let question =
            Text::of("requests that are on their way may fail: apply what is needed and restart it?");
        if ui.ask(&[question], true)? != Some(Answer::Yes) {
            ui.data(&[Text::of(
                "nothing was written, nothing was restarted (--yes agrees without a terminal)",
            )]);
            return Ok(Outcome::Attention);
        }
    }
    let scope = ScopeArgs { offline: args.offline, ..ScopeArgs::default() };
    // Writes first, and one restart for all of them.
    let options =
        SyncOptions { activate: ActivationMode::None, command: "restart".to_owned(), ..scope.sync_options() };
    let progress = ui.progress();
    // What is certain was agreed to together with the restart.
    let agreed = if args.yes { Agreed::Proposals } else { Agreed::Certain };
    let mut consent = Consent::new(ui, progress.clone(), agreed);
    let report = keyshoal_engine::sync(&installation, &options, &mut consent, &mut shared::shown(&progress));
    consent.finish()?;
    drop(progress);
    let mut report = report?;
    let options = LookOptions { ask: shared::ask_policy(args.offline), ..LookOptions::default() };
    restarting::restart(ui, &installation, &mut report, &options)?;
    let now = report.after.observed.instance.gateway.started;
    let proven = matches!(report.activation, ActivationOutcome::Done { .. });
    if proven && let Some(now) = now.filter(|now| Some(*now) != started) {
        ui.say(&Text::of(format!("it runs again {}", age::since(now, report.after.now))));
    }
    report::show(ui, "restart", &report)
}
