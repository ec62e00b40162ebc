//! `keyshoal doctor`: examines everything, explains one check, mends what is safe.

use super::consent::{Agreed, Consent};
use super::rotate::half_done;
use super::{Context, identity, report, restarting, scrub, shared};
use crate::arguments::ActivateArgs;
use crate::document::DoctorDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::render::doctor::Beside;
use crate::root::holdings::Need;
use crate::root::{self, OpenFor};
use crate::ui::{Text, Ui};
use keyshoal_core::{Severity, Timestamp};
use keyshoal_engine::doctor::{self, Case, Diagnosis, Examine as _, Remedy};
use keyshoal_engine::scrub::Scrub;
use keyshoal_engine::{AskPolicy, LookOptions, SyncOptions};
use keyshoal_local::Installation;

/// Arguments of `doctor`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal doctor                    what is wrong, and what mends it
  keyshoal doctor residue            one check, with everything that it saw
  keyshoal doctor --online           ask the providers, look up their hosts, compare clocks
  keyshoal doctor --fix              mend what is safe to mend, after one question

Nothing is written without --fix, and with it only what keyshoal sync writes, and, after a question of its own, what keyshoal scrub
removes: overrides stay, and everything can be taken back.")]
pub struct DoctorArgs {
    /// Explain this check, with its present evidence
    pub check: Option<String>,
    /// Ask the providers, look up their hosts, compare clocks
    #[arg(long)]
    pub online: bool,
    /// Mend what is safe to mend
    #[arg(long, conflicts_with = "check")]
    pub fix: bool,
    /// Agree to what is proposed
    #[arg(long, short, requires = "fix")]
    pub yes: bool,
    /// Do not ask providers while mending
    #[arg(long, requires = "fix", conflicts_with = "online")]
    pub offline: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Examines, and explains or mends.
pub fn cmd_doctor(ui: &mut Ui, context: &Context<'_>, args: &DoctorArgs) -> Result<Outcome, CommandError> {
    let wanted = args.check.as_deref().map(find).transpose()?;
    let asks = args.online || args.fix && !args.offline;
    let open = OpenFor {
        offline: !asks,
        restart_command: args.activate.restart_command.clone(),
        // What mends goes by the vault's word, where there is one.
        vault: if args.fix { Need::Certainly } else { Need::IfAtHand },
        ..OpenFor::default()
    };
    let (installation, held) = shared::open_held(ui, context, open)?;
    let import = root::unfinished_import(installation.state_dir());
    let rotations = || held.as_ref().map(half_done).transpose().map(Option::unwrap_or_default);
    let (at, running, mut diagnoses) = examine(ui, &installation, args.online)?;
    let state_dir = installation.state_dir().display().to_string();
    if let Some(check) = wanted {
        diagnoses.retain(|one| one.check.id == check.id);
        let lines: Vec<Text> =
            diagnoses.iter().flat_map(|one| render::doctor::explained(one, ui.width())).collect();
        ui.data(&lines);
        ui.document(&DoctorDocument::of(at, &state_dir, &diagnoses))?;
        return Ok(outcome(&diagnoses));
    }
    let of =
        |remedy| diagnoses.iter().flat_map(|one| &one.told.symptoms).any(|one| one.remedy == Some(remedy));
    let (by_sync, by_scrub) = (of(Remedy::Sync), of(Remedy::Scrub));
    if !args.fix || !by_sync && !by_scrub {
        let beside = Beside { rotations: rotations()?, unfinished: false, import, running };
        ui.data(&render::doctor::screen(&diagnoses, &beside, ui.width()));
        if args.fix && outcome(&diagnoses) == Outcome::Attention {
            ui.say(&Text::of("nothing of this is safe to mend without you: the lines with → say how"));
        }
        ui.document(&DoctorDocument::of(at, &state_dir, &diagnoses).beside(&beside))?;
        return Ok(outcome(&diagnoses).max(Outcome::attention_if(beside.needs_attention())));
    }
    render::doctor::intent(&diagnoses).iter().for_each(|line| ui.say(line));
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let report = by_sync.then(|| mend(ui, &installation, args)).transpose()?;
    if let Some(report) = &report {
        ui.data(&report::lines(report, ui.width()));
        if report.run.is_some() {
            ui.has_changed();
        }
    }
    // What was replaced just now may be residue by now.
    let plan = plan_scrub(ui, &installation)?;
    let scrubbed = scrub::offer(ui, &installation, "doctor", &plan, args.yes)?;
    let (at, running, diagnoses) = examine(ui, &installation, false)?;
    let unfinished = report.as_ref().is_some_and(|report| report.outcome.needs_attention());
    let unfinished = unfinished || scrubbed.needs_attention();
    let beside = Beside { rotations: rotations()?, unfinished, import, running };
    ui.data(&render::doctor::screen(&diagnoses, &beside, ui.width()));
    let document = DoctorDocument::of(at, &state_dir, &diagnoses).beside(&beside);
    ui.document(&document.fixed(report.as_ref()).scrubbed(&scrubbed))?;
    Ok(outcome(&diagnoses).max(Outcome::attention_if(beside.needs_attention())))
}

fn plan_scrub(ui: &mut Ui, installation: &Installation) -> Result<Scrub, CommandError> {
    let look = shared::look(ui, installation, &LookOptions::default())?;
    let facts = installation.examine(&look.observed, false)?;
    Ok(keyshoal_engine::scrub::plan(&Case { look: &look, facts: &facts }))
}

fn find(id: &str) -> Result<&'static doctor::Check, CommandError> {
    doctor::check(id).ok_or_else(|| {
        let known: Vec<&str> = doctor::CHECKS.iter().map(|check| check.id).collect();
        CommandError::user(format!("there is no check {id:?}"))
            .hint(format!("the checks are: {}", known.join(", ")))
    })
}

/// Returns when it was looked at, whether a gateway runs, and what every check told.
fn examine(
    ui: &mut Ui,
    installation: &Installation,
    online: bool,
) -> Result<(Timestamp, Option<bool>, Vec<Diagnosis>), CommandError> {
    let ask = if online { AskPolicy::Now } else { AskPolicy::Offline };
    let options = LookOptions { ask, ask_all: online, ..LookOptions::default() };
    let look = shared::look(ui, installation, &options)?;
    let facts = installation.examine(&look.observed, online)?;
    let running = look.observed.instance.gateway.running;
    Ok((look.now, running, doctor::diagnose(&Case { look: &look, facts: &facts })))
}

/// Goes the way of `sync`, with its plan and its question.
fn mend(
    ui: &mut Ui,
    installation: &Installation,
    args: &DoctorArgs,
) -> Result<keyshoal_engine::SyncReport, CommandError> {
    let options = SyncOptions {
        look: LookOptions { ask: shared::ask_policy(args.offline), ..LookOptions::default() },
        activate: args.activate.activate.mode(),
        command: "doctor".to_owned(),
        ..SyncOptions::default()
    };
    let progress = ui.progress();
    let agreed = if args.yes { Agreed::Proposals } else { Agreed::Nothing };
    let mut consent = Consent::new(ui, progress.clone(), agreed);
    let report = keyshoal_engine::sync(installation, &options, &mut consent, &mut shared::shown(&progress));
    consent.finish()?;
    drop(progress);
    let mut report = report?;
    restarting::offer(ui, installation, &mut report, options.activate, &options.look)?;
    Ok(report)
}

fn outcome(diagnoses: &[Diagnosis]) -> Outcome {
    Outcome::attention_if(diagnoses.iter().any(|one| one.severity() == Severity::Attention))
}
