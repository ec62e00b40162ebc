//! `keyshoal verify`: is what every agent sends accepted by its provider?

mod deliver;
mod past;

use super::rotate::half_done;
use super::{Context, route, shared};
use crate::document::VerifyDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::render::page::Form;
use crate::root::{self, OpenFor};
use crate::ui::{Text, Ui};
use crate::view::route::{RouteView, RoutedMessage, is_misled};
use keyshoal_core::{ProviderId, Scope};
use keyshoal_engine::verify::{AgentProof, CheckResult, RouteProof, five};
use keyshoal_engine::{LookOptions, SyncOptions, VerifyOptions, VerifyReport, release, verify};
use keyshoal_local::Installation;
use std::path::PathBuf;

/// Arguments of `verify`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal verify
  keyshoal verify --agent stocks
  keyshoal verify --through-gateway      a real prompt to every agent as well
  keyshoal verify --reset-cooldowns      free what OpenClaw holds back and its provider accepts
  keyshoal verify --routes               and does every channel lead to an agent that answers
  keyshoal verify --routes --deliver     and does a message arrive there (asks, and says where, before it posts)
  keyshoal verify --report proof.html
  keyshoal verify --json | jq .summary

Each agent's own first credential is read back from its store and asked about at the provider, at the agent's own address; where it
is not accepted, what the agent falls back on as well. A value that several agents send is asked about once. `ok` is said only of
what a provider accepted just now; nothing to check is never ok.")]
pub struct VerifyArgs {
    /// Only this agent (can be repeated)
    #[arg(long, value_name = "AGENT")]
    pub agent: Vec<String>,
    /// Only this provider (can be repeated)
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Vec<String>,
    /// Also have each configured model answer with the credential (a token each): does it reach the model, is it paid for
    #[arg(long, conflicts_with = "offline")]
    pub deep: bool,
    /// Also put a real prompt to every agent through the running gateway (costs a few tokens each)
    #[arg(long, conflicts_with = "offline")]
    pub through_gateway: bool,
    /// Take away the authentication cooldowns of credentials that were just accepted, and have the gateway read its stores again
    #[arg(long, conflicts_with = "offline")]
    pub reset_cooldowns: bool,
    /// Also resolve every message that bindings, channels and sessions tell of to its agent; asks the agents through the gateway
    #[arg(long, conflicts_with = "offline")]
    pub routes: bool,
    /// Also post a test message into the conversation of each of those routes that names one: people will see it
    #[arg(long, requires = "routes")]
    pub deliver: bool,
    /// Do not ask before anything is posted
    #[arg(long, requires = "deliver")]
    pub yes: bool,
    /// Also write a report into this file (.html or .md)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Ask nobody: show what would be asked about
    #[arg(long)]
    pub offline: bool,
}

/// Asks and shows.
pub fn cmd_verify(ui: &mut Ui, context: &Context<'_>, args: &VerifyArgs) -> Result<Outcome, CommandError> {
    let form = args.report.as_deref().map(Form::of).transpose()?;
    let wanted = OpenFor { offline: args.offline, ..OpenFor::default() };
    let (installation, held) = shared::open_held(ui, context, wanted)?;
    let options = VerifyOptions {
        scope: Scope {
            agents: args.agent.iter().map(|id| shared::agent(id)).collect(),
            providers: args.provider.iter().map(|id| ProviderId::new(id.trim())).collect(),
            ..Scope::default()
        },
        offline: args.offline,
        deep: args.deep,
        through_gateway: args.through_gateway || args.routes,
    };
    let look = shared::look(ui, &installation, &LookOptions::default())?;
    for id in &args.agent {
        shared::find_agent(&look.observed, id)?;
    }
    shared::check_providers(&look.observed, &args.provider)?;
    let progress = ui.progress();
    let mut report = verify(&installation, look, &options, &mut shared::shown(&progress));
    drop(progress);
    if args.reset_cooldowns && report.agents.iter().any(AgentProof::is_held_back) {
        report = reset(ui, &installation, report, &options)?;
    }
    shared::warn_not_remembered(ui, &report.look);
    let runs = past::runs(&installation, &report)?;
    let mut unasked = false;
    let routes = match args.routes {
        true => {
            let view = route::all(ui, context)?;
            let mut routes = proofs(&view);
            if args.deliver {
                unasked = deliver::all(ui, &installation, &view, &mut routes, args.yes)?;
            }
            Some(routes)
        }
        false => None,
    };
    let checks = five(&report, &runs, routes.as_deref());
    let routes = routes.unwrap_or_default();
    // As it stands now: it may have gone on while providers were asked.
    let rotations = held.as_ref().map(half_done).transpose()?.unwrap_or_default();
    ui.data(&render::verify::lines(&report, &checks, &routes, ui.width()));
    let told = render::status::half_done(&rotations);
    ui.data(&told.iter().flat_map(|line| line.wrapped(ui.width(), 4)).collect::<Vec<_>>());
    let import = root::unfinished_import(installation.state_dir());
    ui.data(&render::status::unfinished_imports(import, ui.width()));
    ui.document(&VerifyDocument::of(&report, &checks, &routes, &rotations, import.is_some()))?;
    if let (Some(path), Some(form)) = (&args.report, form) {
        root::write_file(path, &render::verify_page::page(&report, &checks, &routes).text(form))?;
        ui.say(&Text::of(format!("the report is in {}", path.display())));
    }
    let lost = args.routes
        && checks.iter().any(|check| check.id == "routes_answered" && check.result == CheckResult::No);
    let found = report.look.attention_within(&options.scope).next().is_some();
    let open = import.is_some() || !rotations.is_empty();
    Ok(Outcome::attention_if(unasked || lost || found || open || !report.is_accepted()))
}

/// Says of every message that there may be where it goes.
fn proofs(view: &RouteView) -> Vec<RouteProof> {
    let proof = |message: &RoutedMessage| RouteProof {
        query: message.query.to_string(),
        agent: message.route.answer.agent().cloned(),
        why: render::route::why(view, message),
        misled: is_misled(&message.route),
        unreachable: view.unreachable(message).map(str::to_owned),
        delivery: None,
    };
    view.routes.iter().map(proof).collect()
}

/// Takes the marks away, says what was done, and verifies again.
fn reset(
    ui: &mut Ui,
    installation: &Installation,
    report: VerifyReport,
    options: &VerifyOptions,
) -> Result<VerifyReport, CommandError> {
    let progress = ui.progress();
    let sync = SyncOptions { command: "verify".to_owned(), ..SyncOptions::default() };
    let done = release(installation, report.look, &sync, &mut shared::shown(&progress));
    drop(progress);
    let done = done?;
    for line in render::receipts::lines(&done.receipts) {
        ui.say(&line);
    }
    ui.say(&render::receipts::activation(&done.activation));
    let look = shared::look(ui, installation, &LookOptions::default())?;
    let progress = ui.progress();
    Ok(verify(installation, look, options, &mut shared::shown(&progress)))
}
