//! `keyshoal route`: which agent answers a message, and bindings that never do.

use super::Context;
use crate::document::RouteDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::program::Program;
use crate::ui::Ui;
use crate::view::route::{BindingView, RouteView, RoutedMessage};
use crate::{render, root};
use keyshoal_openclaw::config::{self, Config};
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::routing::{self, Query, Rules};
use keyshoal_openclaw::{Environment, layout, sessions};

/// Arguments of `route`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal route channel=telegram,peer=direct:123
  keyshoal route channel=discord,account=main,guild=4711,roles=mods+staff,peer=channel:99,parent=channel:7
  keyshoal route --all

A query is channel=… and any of account, peer and parent (direct:ID, group:ID or channel:ID), guild, team, roles (with + between them).
Names that nothing in the config has stand for all others: --all calls them any.")]
#[group(required = true, multiple = false)]
pub struct RouteArgs {
    /// The message: channel=…,account=…,peer=kind:id,parent=kind:id,guild=…,team=…,roles=a+b
    pub query: Option<String>,
    /// Every message that bindings, configured channels and known sessions tell of, and what is wrong with the bindings
    #[arg(long)]
    pub all: bool,
}

/// Reads the config and tells. Nothing is written, also not to the memory.
pub fn cmd_route(ui: &mut Ui, context: &Context<'_>, args: &RouteArgs) -> Result<Outcome, CommandError> {
    let query = args.query.as_deref().map(read).transpose()?;
    let mut ways = Ways::read(ui, context)?;
    match query {
        Some(query) => {
            let route = routing::resolve(&ways.config, &ways.rules, &query);
            ways.view.routes.push(RoutedMessage {
                query,
                route,
                origins: Vec::new(),
                target: Err("nobody asked for it"),
            });
            ui.data(&render::route::one(&ways.view));
        }
        None => {
            ways.add_all(&context.world.environment);
            ui.data(&render::route::all(&ways.view, ui.width()));
        }
    }
    ui.document(&RouteDocument::of(&ways.view))?;
    Ok(Outcome::attention_if(ways.view.needs_attention()))
}

/// Returns every message that there may be and where it goes, and what is wrong with the bindings.
pub fn all(ui: &mut Ui, context: &Context<'_>) -> Result<RouteView, CommandError> {
    let mut ways = Ways::read(ui, context)?;
    ways.add_all(&context.world.environment);
    Ok(ways.view)
}

/// The config, its rules, and what is shown of it.
struct Ways {
    locations: Locations,
    config: Config,
    rules: Rules,
    view: RouteView,
}

impl Ways {
    fn read(ui: &mut Ui, context: &Context<'_>) -> Result<Self, CommandError> {
        let locations = root::locations(context.world, context.globals)?;
        let config = config::load_with_places(&locations, &context.world.environment).map_err(|error| {
            CommandError::config(error.to_string()).hint("mend the config as the message says")
        })?;
        let resolved = layout::resolve(&locations, &config, None, &|| {
            Some(Program::find(&context.world.environment, None).ok()??.version)
        });
        if let Err(error) = &resolved {
            ui.warn(&format!(
                "which release this is cannot be told, so the newest one's rules count: {error}"
            ));
        }
        let version = resolved.ok().and_then(|resolved| resolved.version);
        let rules = Rules::of(version.as_deref().and_then(layout::Release::parse), &config);
        let view = RouteView {
            openclaw_version: version,
            default_agent: routing::default_agent(&config, &rules),
            routes: Vec::new(),
            findings: Vec::new(),
            bindings: BindingView::all(&config),
        };
        Ok(Self { locations, config, rules, view })
    }

    fn add_all(&mut self, env: &Environment) {
        let Self { locations, config, rules, view } = self;
        let sessions: Vec<_> =
            config.agents.iter().flat_map(|agent| sessions::known(locations, config, agent)).collect();
        let derived = routing::derive(config, rules, &sessions);
        view.findings = routing::examine(config, rules, &derived, &sessions, env);
        view.findings.extend(routing::default_moved(config, rules, locations, env));
        let routed = derived.into_iter().map(|one| {
            let route = routing::decide(config, rules, &one.query);
            RoutedMessage { query: one.query, route, origins: one.origins, target: one.target }
        });
        view.routes = routed.collect();
    }
}

fn read(text: &str) -> Result<Query, CommandError> {
    text.parse().map_err(|error: routing::QueryError| {
        CommandError::usage(format!("the query cannot be read at {error}"))
            .hint("for example: keyshoal route channel=telegram,account=default,peer=direct:123")
    })
}
