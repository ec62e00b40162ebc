//! `keyshoal scrub`: plaintext of credentials outside of the stores goes, where that is certainly safe.

use super::{Context, identity, shared};
use crate::document::ScrubDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_core::StepState;
use keyshoal_engine::LookOptions;
use keyshoal_engine::doctor::{Case, Examine as _};
use keyshoal_engine::scrub::{self, Scrub};
use keyshoal_local::Installation;
use keyshoal_local::scrub::Scrubbed;

/// Arguments of `scrub`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal scrub --dry-run         what would go, what stays, and why
  keyshoal scrub
  keyshoal rollback last           brings the files back

What goes: archives of migrations whose profiles a store holds, earlier keys in models.json, and free pages of databases (only while
no gateway runs). What went is kept sealed for 30 days. What may be the only copy of a credential, and what OpenClaw would still
migrate, stays. Without a terminal and without --yes nothing is written, and the exit code is 2.")]
pub struct ScrubArgs {
    /// Show what would be done, do nothing (exit code 2 where there is something to do)
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
}

/// What came of offering a scrub.
#[derive(Debug)]
pub enum Offered {
    /// Nothing was to be done.
    Nothing,
    /// Somebody said no, or nobody was there to be asked.
    Declined,
    /// It was done.
    Done(Scrubbed),
}

impl Offered {
    /// Tells whether something was not done as planned.
    pub fn needs_attention(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Declined => true,
            Self::Done(done) => done.states.iter().any(|state| *state != StepState::Done),
        }
    }
}

/// Shows, asks, scrubs.
pub fn cmd_scrub(ui: &mut Ui, context: &Context<'_>, args: &ScrubArgs) -> Result<Outcome, CommandError> {
    let installation = shared::open(ui, context, OpenFor { offline: true, ..OpenFor::default() })?;
    let look = shared::look(ui, &installation, &LookOptions::default())?;
    let facts = installation.examine(&look.observed, false)?;
    let plan = scrub::plan(&Case { look: &look, facts: &facts });
    if args.dry_run || plan.steps.is_empty() {
        ui.data(&render::scrub::plan(&plan));
        ui.document(&ScrubDocument::of(look.now, &plan, None))?;
        return Ok(Outcome::attention_if(!plan.steps.is_empty()));
    }
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let offered = offer(ui, &installation, "scrub", &plan, args.yes)?;
    let done = match &offered {
        Offered::Done(done) => Some(done),
        Offered::Nothing | Offered::Declined => None,
    };
    ui.document(&ScrubDocument::of(look.now, &plan, done))?;
    Ok(Outcome::attention_if(offered.needs_attention()))
}

/// Shows a plan, asks about it unless that was agreed to, does it, and shows what came of it.
pub fn offer(
    ui: &mut Ui,
    installation: &Installation,
    command: &str,
    plan: &Scrub,
    agreed: bool,
) -> Result<Offered, CommandError> {
    if plan.steps.is_empty() {
        return Ok(Offered::Nothing);
    }
    let talk = render::scrub::plan(plan);
    if !agreed {
        if ui.can_ask() {
            talk.iter().for_each(|line| ui.say(line));
        }
        let question = Text::of(format!("scrub {}?", render::words::count(plan.steps.len(), "file")));
        match ui.ask(&[question], true)? {
            Some(Answer::Yes) => {}
            Some(Answer::No) => {
                ui.data(&[Text::of("nothing was written")]);
                return Ok(Offered::Declined);
            }
            None => {
                ui.data(&talk);
                let why = "nobody is there to ask. Run it in a terminal, or agree with --yes";
                ui.data(&[Text::toned(Tone::Doubt, "? nothing was written: ").plain(why)]);
                return Ok(Offered::Declined);
            }
        }
    }
    let done = installation.scrub(command, &plan.steps)?;
    ui.data(&render::scrub::done(plan, &done.states));
    if let Some(run) = &done.run {
        let back =
            format!("keyshoal rollback {}   brings files back, for 30 days", render::history::short_id(run));
        ui.say(&Text::of(back));
    }
    Ok(Offered::Done(done))
}
