//! `keyshoal quarantine`: moves the credentials of an agent that is no more aside, and back.

use super::{Context, identity, shared};
use crate::arguments::ActivateArgs;
use crate::document::QuarantineDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::{self, age};
use crate::root::OpenFor;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::StepState;
use keyshoal_engine::LookOptions;
use keyshoal_engine::carry::carry;
use keyshoal_engine::ports::Clock as _;
use keyshoal_local::Installation;

/// Arguments of `quarantine`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal quarantine                     what is set aside
  keyshoal quarantine retired
  keyshoal quarantine --undo retired
  keyshoal quarantine trading --carry-to stocks    it was renamed: its own keys first

Only the credential directory (agents/ID/agent) of an agent that is in no roster is moved, to .keyshoal/quarantine in the state
directory. Nothing is deleted or replaced. main and OpenClaw's own directories are never moved.")]
pub struct QuarantineArgs {
    /// The id of the agent that is no longer in the roster
    #[arg(required_if_eq("undo", "true"))]
    pub agent: Option<String>,
    /// The agent's new id: give it those keys and tokens of the directory that it does not have, as deliberately its own
    #[arg(long, value_name = "AGENT", requires = "agent", conflicts_with = "undo")]
    pub carry_to: Option<String>,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
    /// Move it back
    #[arg(long)]
    pub undo: bool,
}

/// Moves, moves back, or lists.
pub fn cmd_quarantine(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &QuarantineArgs,
) -> Result<Outcome, CommandError> {
    let installation = shared::open(ui, context, OpenFor { offline: true, ..OpenFor::default() })?;
    let Some(agent) = &args.agent else {
        let aside = installation.aside()?;
        let now = installation.now();
        let line = |one: &keyshoal_core::examination::SetAside| {
            Text::toned(Tone::Strong, &one.agent).plain(format!(
                " {} → {} ({})",
                one.from,
                one.to,
                age::ago(one.at, now)
            ))
        };
        let lines: Vec<Text> = aside.iter().map(line).collect();
        ui.data(if lines.is_empty() { &[] } else { &lines });
        if lines.is_empty() {
            ui.say(&Text::of("nothing is set aside"));
        }
        ui.document(&QuarantineDocument::of(&aside, None))?;
        return Ok(Outcome::Fine);
    };
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    if args.carry_to.is_some() && installation.vault_id()?.is_some() {
        return Err(CommandError::user("a vault says here what an agent has of its own")
            .hint("keyshoal agent rename OLD NEW   keeps its credentials; keyshoal credential override NEW PROFILE   gives it others"));
    }
    if let Some(to) = &args.carry_to
        && !carried(ui, &installation, agent, to, args)?
    {
        return Ok(Outcome::Attention);
    }
    let moved = match args.undo {
        true => installation.put_back_aside(agent)?,
        false => installation.set_aside(agent)?,
    };
    ui.say(&match args.undo {
        true => Text::of(format!("{} is back where it was", moved.from)),
        false => Text::of(format!(
            "{} is in {} now; keyshoal quarantine --undo {agent} moves it back",
            moved.from, moved.to
        )),
    });
    let aside = installation.aside()?;
    ui.document(&QuarantineDocument::of(&aside, Some((&moved, args.undo))))?;
    Ok(Outcome::Fine)
}

/// Carries the values over; what could not be written keeps the directory where it is.
fn carried(
    ui: &mut Ui,
    installation: &Installation,
    from: &str,
    to: &str,
    args: &QuarantineArgs,
) -> Result<bool, CommandError> {
    let look = shared::look(ui, installation, &LookOptions::default())?;
    let to = shared::find_agent(&look.observed, to)?.id.clone();
    let values = installation.values_of_orphan(from)?;
    let report = carry(installation, &to, &values, args.activate.activate.mode())?;
    for receipt in &report.receipts {
        let name = format!("{to} {}: ", receipt.action.profile());
        ui.say(&match &receipt.durable {
            StepState::Done => Text::of(name).and(Tone::Good, "✓ its own now").plain(", and kept"),
            StepState::Conflict { found } => Text::of(name).and(Tone::Bad, format!("✗ {found}")),
            StepState::Failed { reason } | StepState::Skipped { reason } => {
                Text::of(name).and(Tone::Bad, format!("✗ {reason}"))
            }
            StepState::NotAsked => Text::of(name).plain("not tried"),
        });
    }
    for (profile, why) in &report.left {
        ui.say(&Text::of(format!("{profile} was not carried: {why}")));
    }
    if report.run.is_some() {
        ui.say(&render::receipts::activation(&report.activation));
    }
    Ok(report.is_done())
}
