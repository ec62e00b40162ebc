//! `keyshoal rotate`: a new value for one credential, in safe steps.

mod alone;
mod at_work;
mod back;
mod book;
mod bound;
mod due;
mod foreseen;
mod half;
mod meanwhile;
mod over;
mod planned;
mod said;
mod show;
mod stands;
mod stop;
mod strangers;
mod together;
mod ways;
mod whom;

use super::credential::ValueArgs;
use super::flow::{self, FlowArgs};
use super::{Context, shared};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;
use book::{Part, VaultBook};
pub use due::{Age, Part as DuePlace};
pub use half::{half_done, half_done_here, refuse_half_done};
use keyshoal_core::AgentId;
use keyshoal_engine::rotate::{RotateOptions, Sizes, Stage};
pub use over::retire;
use std::collections::BTreeSet;
use stop::Stop;
pub use ways::with_others;
use ways::{command_of, out_of};

/// Arguments of `rotate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal rotate anthropic                       stage → test → publish in waves → prove → finish
  keyshoal rotate anthropic --canary academic --percent 25 --percent 50
  keyshoal rotate anthropic --resume              go on with one that halted, or whose process ended
  keyshoal rotate anthropic --rollback            the version before becomes current again, everywhere; needs no network
  keyshoal rotate anthropic --finish              retire the version before now
  keyshoal rotate --due --max-age 90              what is older than 90 days, and what is half rotated
  keyshoal rotate anthropic --due                 the same of one provider or profile
  keyshoal rotate anthropic --instances all       one new value for every instance of the vault that has the credential

The new value is in the vault, and tested, before any agent has it. Agents with copies of their own get it first, a few at a time; where
agents share one row or file, that is one step for all who inherit. When more agents than --error-budget are shown to fail with it, all
get the version before again, unless its provider rejects that one by now. Agents of which nobody can tell (the provider is down, or
limits) count as well, and only halt it; so does a wave of which nobody is shown to work. The version before stays at hand until the grace
time is over; then the next sync, or a watch that repairs, retires it.

With --instances, one instance comes first, then growing parts of all of them, then the rest; each has its own waves inside. One that
fails brings all back, in one step of the vault. One that cannot be reached from here is left as it is and never counts as proven.")]
pub struct RotateArgs {
    /// The provider (anthropic) or profile (anthropic:default)
    #[arg(value_name = "PROVIDER|PROFILE", required_unless_present = "due")]
    pub name: Option<String>,
    /// This agent's override
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Go on with the rotation that is under way; of one that was taken back, go forward to the newer value again
    #[arg(long, conflicts_with_all = ["rollback", "finish", "due"])]
    pub resume: bool,
    /// Go back to the version before; the newer one stays at hand for the grace time
    #[arg(long, conflicts_with_all = ["finish", "due"])]
    pub rollback: bool,
    /// Retire the version before (of one that was taken back: the newer one), whatever is left of the grace time
    #[arg(long, conflicts_with = "due")]
    pub finish: bool,
    /// Report what is due, and what is half rotated
    #[arg(long)]
    pub due: bool,
    /// What is older is due, in days
    #[arg(long, value_name = "DAYS", default_value_t = 90, requires = "due")]
    pub max_age: u32,
    /// Instances of the vault that get one new value together, by their names, or all
    #[arg(long, value_name = "all|NAME,…", value_delimiter = ',', conflicts_with = "agent")]
    pub instances: Vec<String>,
    /// An agent of the first wave (can be repeated) [default: the first that has a copy of its own]; with --instances, the instance that comes first
    #[arg(long, value_name = "AGENT", conflicts_with = "agent")]
    pub canary: Vec<String>,
    /// How far a wave reaches, in percent of the agents with copies of their own, and of the instances (can be repeated) [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub percent: Vec<u8>,
    /// How many agents may fail, or not be told of, before everybody goes back, or it halts
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub error_budget: usize,
    /// Put a prompt to every agent through the running gateway as well
    #[arg(long)]
    pub through_gateway: bool,
    /// How long the version before stays at hand, in hours [default: 24; of one that goes on, what it was begun with]
    #[arg(long, value_name = "HOURS")]
    pub grace: Option<u32>,
    /// Where the value comes from.
    #[command(flatten)]
    pub value: ValueArgs,
    /// How it is done.
    #[command(flatten)]
    pub flow: FlowArgs,
}

/// Does it.
pub fn cmd_rotate(ui: &mut Ui, context: &Context<'_>, args: &RotateArgs) -> Result<Outcome, CommandError> {
    let stop = Stop::listen(ui)?;
    if !args.instances.is_empty() {
        return together::cmd(ui, context, args, &stop);
    }
    let how = FlowArgs { dry_run: args.flow.dry_run || args.due, ..args.flow.clone() };
    let flow = flow::begin(ui, context, &how)?;
    let agent = args.agent.as_ref().map(|agent| flow.agent(agent).cloned()).transpose()?;
    if args.due {
        let of = due::Of { name: args.name.as_deref(), agent: agent.as_ref().map(|agent| agent.uid) };
        return due::report(ui, &flow.held.vault, std::slice::from_ref(flow.instance()), args.max_age, &of);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let credential = flow.credential(name, agent.as_ref())?.cloned();
    let credential = credential.ok_or_else(|| flow.no_credential(name, agent.as_ref()))?;
    super::credential::entry::require_key(&credential.profile, &credential.provider, &credential.kind)?;
    if let Some(agent) = agent.as_ref().filter(|_| !args.rollback && !args.finish) {
        whom::require_enabled(agent, &credential, !args.resume)?;
    }
    args.canary.iter().try_for_each(|name| flow.agent(name).map(drop))?;
    let vault = &flow.held.vault;
    let command = command_of(flow.instance(), &credential);
    let begin = || at_work::begin(vault, flow.author(), credential.profile.as_str(), credential.uid);
    let at_work = (!args.flow.dry_run).then(begin).transpose()?;
    let open = book::open_rotation(vault, flow.instance(), &credential)?;
    let going_on = args.finish || args.resume || args.rollback;
    if let Some(open) = &open
        && let Some(whole) = stands::state_of(open)?.together
    {
        // It is one with the others: none of them goes on, or back, alone.
        drop(at_work);
        return match going_on {
            true => together::go_on(ui, context, args, vault, &whole.id, &stop),
            false => {
                let error = under_way(&flow.instance().name, &command, open);
                Err(match stands::only_waits(open)? {
                    true => error.hint(format!(
                        "keyshoal rotate {} --instances all   takes another value in all of them",
                        credential.profile
                    )),
                    false => error,
                })
            }
        };
    }
    let options = options(args);
    let alone = alone::Alone { flow: &flow, credential: &credential, args, options: &options, stop: &stop };
    if args.rollback {
        drop(at_work);
        return back::back(ui, &alone, open);
    }
    if let Some(open) = open.as_ref().filter(|open| args.resume && stands::keeps_newer(open))
        && stands::of(open, &credential)?.0 == Stage::RolledBack
    {
        drop(at_work);
        return back::forward(ui, &alone, open.clone());
    }
    let part = Part::of(&flow, &credential);
    let (mut book, mut rotation) = match open {
        Some(open) if args.finish && Stage::parse(&open.stage) < Some(Stage::Proven) => {
            return Err(CommandError::user(format!(
                "the rotation of {} stands at {}: not every agent is shown to work with the new value yet",
                credential.profile, open.stage
            ))
            .hint(out_of(&command, &open)));
        }
        Some(open) if going_on => alone::one(VaultBook::resume(vault, flow.author(), vec![(part, open)])?)?,
        Some(open) if !stands::only_waits(&open)? => {
            return Err(under_way(credential.profile.as_str(), &command, &open));
        }
        None if going_on => {
            return Err(CommandError::user(format!("no rotation of {} is under way", credential.profile))
                .hint(format!("{command}   begins one")));
        }
        before => {
            // Nobody waits for a person who is asked for the value.
            drop(at_work);
            return alone.staged(ui, before);
        }
    };
    if rotation.stage < Stage::Proven {
        alone.refuse_strangers(ui, rotation.new, Some(&command))?;
    }
    let grace = if args.finish { Some(0) } else { options.grace };
    let options = RotateOptions { grace, ..options.clone() };
    if args.flow.dry_run {
        return foreseen::show(ui, &alone, &rotation, &options);
    }
    let (report, ended) = alone.go(ui, &mut book, &mut rotation, &options)?;
    alone::shown(ui, &rotation, &report, &ended)
}

/// Says that there is a rotation already.
fn under_way(name: &str, command: &str, open: &keyshoal_vault::Rotation) -> CommandError {
    CommandError::user(format!("{name}: a rotation is under way ({})", open.stage.replace('_', " ")))
        .hint(out_of(command, open))
}

fn options(args: &RotateArgs) -> RotateOptions {
    // With --instances it names an instance, and each of them has its first agent come first.
    let named = args.canary.iter().filter(|_| args.instances.is_empty());
    let canaries: BTreeSet<AgentId> = named.map(|name| shared::agent(name)).collect();
    let percent = if args.percent.is_empty() { Sizes::default().percent } else { args.percent.clone() };
    RotateOptions {
        sizes: Sizes { canaries, percent },
        error_budget: args.error_budget,
        offline: args.flow.offline,
        through_gateway: args.through_gateway,
        grace: args.grace.map(|hours| i64::from(hours) * 3600),
        tested: None,
        activate: args.flow.activate.activate.mode(),
        seen: None,
        together: false,
    }
}
