//! `keyshoal rollback`: takes a run back, profile by profile.

use super::{Context, identity, restored, shared};
use crate::arguments::ActivateArgs;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_core::StepState;
use keyshoal_local::{Installation, RunDetail};

/// Arguments of `rollback`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal rollback last
  keyshoal rollback 0192f3c4 --yes

A value is only put back where the run's own value still stands. OAuth logins are never put back: their tokens only move forward.")]
pub struct RollbackArgs {
    /// Which run (keyshoal history lists them; the first digits of its id are enough, "last" is the newest)
    pub run: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, do nothing (exit code 2 where there is something to do)
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
}

/// Shows, asks, takes back.
pub fn cmd_rollback(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RollbackArgs,
) -> Result<Outcome, CommandError> {
    let wanted = OpenFor {
        offline: true,
        restart_command: args.activate.restart_command.clone(),
        ..OpenFor::default()
    };
    let installation = shared::open(ui, context, wanted)?;
    let run = shared::find_run(&installation, &args.run)?;
    if run.summary.finished.is_none() {
        return Err(
            CommandError::user("this run did not finish").hint("keyshoal recover --finish, or --undo")
        );
    }
    if !run.files.is_empty() {
        return put_files_back(ui, context, &installation, &run, args);
    }
    if installation.vault_id()?.is_some() {
        return Err(CommandError::user(
            "a vault says what is right here, and the next sync would undo a rollback of the stores",
        )
        .hint(
            "keyshoal rotate PROFILE --rollback   makes the version before current again, everywhere; \
             keyshoal credential set PROFILE   gives a value that you have; keyshoal credential show PROFILE   lists the versions",
        ));
    }
    let plan = installation.rollback_plan(&run)?;
    let possible = plan.iter().filter(|step| step.impossible.is_none()).count();
    let dead = plan.iter().filter(|step| step.impossible.is_none() && step.verdict.is_dead()).count();
    let talk = render::history::rollback(&plan);
    if dead > 0 {
        ui.warn(&format!(
            "{} of what would be put back is rejected by its provider: the agents would fail again",
            render::words::count(dead, "value")
        ));
    }
    if args.dry_run || possible == 0 {
        ui.data(&talk);
        if possible == 0 && plan.iter().any(|step| step.is_back) {
            let said =
                "this run was taken back already: nothing is left to put back, and nothing was written";
            ui.data(&[Text::toned(Tone::Good, "✓ ").plain(said)]);
        }
        ui.document(&restored::Document::planned("rollback", &run.summary.id, &plan))?;
        return Ok(Outcome::attention_if(possible > 0));
    }
    talk.iter().for_each(|line| ui.say(line));
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let question = format!("put {} back?", render::words::count(possible, "value"));
    if !args.yes && !agrees(ui, &question, dead == 0, &talk)? {
        ui.document(&restored::Document::planned("rollback", &run.summary.id, &plan))?;
        return Ok(Outcome::Attention);
    }
    let done = installation.rollback(&run)?;
    for one in done.iter().filter(|one| one.kept) {
        ui.say(&Text::of(format!(
            "{} {} differs from the source again and counts as a deliberate override now; keyshoal keep --undo {} {} ends that",
            one.store, one.profile, one.store, one.profile
        )));
    }
    let what =
        restored::What { command: "rollback", run: &run.summary.id, values: &done, config: None, files: &[] };
    restored::show(ui, &installation, what, args.activate.activate.mode())
}

/// The same for a run that changed files which are no stores. No gateway needs to be told.
fn put_files_back(
    ui: &mut Ui,
    context: &Context<'_>,
    installation: &Installation,
    run: &RunDetail,
    args: &RollbackArgs,
) -> Result<Outcome, CommandError> {
    let plan = installation.files_back(run);
    let possible = plan.iter().filter(|file| file.impossible.is_none()).count();
    let talk = render::scrub::back(&plan);
    let planned = restored::Document::planned_files(&run.summary.id, &plan);
    if args.dry_run || possible == 0 {
        ui.data(&talk);
        ui.document(&planned)?;
        return Ok(Outcome::attention_if(possible > 0));
    }
    talk.iter().for_each(|line| ui.say(line));
    if !identity::settle(ui, context, installation)? {
        return Ok(Outcome::Attention);
    }
    let question = format!("put {} back?", render::words::count(possible, "file"));
    if !args.yes && !agrees(ui, &question, true, &talk)? {
        ui.document(&planned)?;
        return Ok(Outcome::Attention);
    }
    let done = installation.put_files_back(run)?;
    ui.data(&render::scrub::restored(&done));
    ui.document(&restored::Document::done_files(&run.summary.id, &done))?;
    Ok(Outcome::attention_if(done.iter().any(|one| one.state != StepState::Done)))
}

/// Asks. Where nobody can be asked the answer is no, and what would have been done is the data.
fn agrees(ui: &mut Ui, question: &str, preset: bool, talk: &[Text]) -> Result<bool, CommandError> {
    match ui.ask(&[Text::of(question)], preset)? {
        Some(Answer::Yes) => return Ok(true),
        Some(Answer::No) => ui.data(&[Text::of("nothing was written")]),
        None => {
            ui.data(talk);
            let why = "nobody is there to ask. Run it in a terminal, or agree with --yes";
            ui.data(&[Text::toned(Tone::Doubt, "? nothing was written: ").plain(why)]);
        }
    }
    Ok(false)
}
