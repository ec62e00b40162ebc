//! `keyshoal set`: the whole rotation in one command.

use super::consent::{Agreed, Consent};
use super::credential::{ValueArgs, value};
use super::fresh::{self, FirstKey};
use super::{Context, identity, report, restarting, shape, shared, spelling};
use crate::arguments::{ActivateArgs, GivenType, ScopeArgs};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::OpenFor;
use crate::root::holdings::Need;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::{CredentialKind, Fact};
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::{LookOptions, SetError, SetReport, SetRequest, SyncOptions};
use keyshoal_local::Installation;
use keyshoal_providers::registry;
use std::path::PathBuf;

/// Arguments of `set`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal set anthropic                          paste the new key at a hidden prompt
  pass show anthropic | keyshoal set anthropic    or give it on stdin
  keyshoal set openai:work --from-file ./key.txt
  keyshoal set anthropic --agent academic         a new value for an override

The value is tested at its provider before anything is written. It goes where agents inherit from, and replaces every copy of
earlier values; deliberate overrides stay. A value is never taken from the command line, where others could see it.")]
pub struct SetArgs {
    /// The provider (anthropic) or profile (anthropic:default)
    #[arg(value_name = "PROVIDER|PROFILE")]
    pub name: String,
    /// Read the value from this file instead of the prompt or stdin
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
    /// The type, where the profile is new [default: what the profile has or the config demands]
    #[arg(long, value_name = "TYPE")]
    pub r#type: Option<GivenType>,
    /// Only this agent's own copy, even a deliberate override (can be repeated)
    #[arg(long, value_name = "AGENT")]
    pub agent: Vec<String>,
    /// Do not test it at the provider
    #[arg(long)]
    pub offline: bool,
    /// Agree to what is proposed for values of other agents
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, do nothing (exit code 2 where there is something to do)
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Ask every changed agent through the gateway afterwards (a real completion each)
    #[arg(long)]
    pub ask_agents: bool,
    /// How the gateway is made to see it.
    #[command(flatten)]
    pub activate: ActivateArgs,
    /// The value, once it has come.
    #[arg(skip)]
    pub came: value::Came,
}

impl SetArgs {
    /// Returns the command as it was given, without what is about this once.
    pub fn command(&self) -> String {
        let whose: Vec<String> = self.agent.iter().map(|agent| format!(" --agent {agent}")).collect();
        format!("set {}{}", self.name, whose.concat())
    }
}

/// Tests and applies a value that was read.
fn apply(
    ui: &mut Ui,
    installation: &Installation,
    request: &SetRequest,
    args: &SetArgs,
) -> Result<Result<SetReport, SetError>, CommandError> {
    let progress = ui.progress();
    let agreed = if args.yes { Agreed::Proposals } else { Agreed::Certain };
    let mut consent = Consent::new(ui, progress.clone(), agreed);
    let report = keyshoal_engine::set(installation, request, &mut consent, &mut shared::shown(&progress));
    consent.finish()?;
    Ok(report)
}

/// Reads, tests, applies, verifies.
pub fn cmd_set(ui: &mut Ui, context: &Context<'_>, args: &SetArgs) -> Result<Outcome, CommandError> {
    if let Some(problem) = shape::looks_like_a_secret(&args.name) {
        return Err(CommandError::usage(format!("{problem}; a value is never given on the command line"))
            .hint("name the provider, and give the value at the prompt or on stdin: keyshoal set anthropic")
            .hint("it is in your shell's history now: revoke that key"));
    }
    let wanted = OpenFor {
        offline: args.offline,
        read_only: false,
        restart_command: args.activate.restart_command.clone(),
        ask_agents: args.ask_agents,
        vault: Need::Not,
        release: None,
    };
    let installation = shared::open(ui, context, wanted)?;
    if installation.vault_id()?.is_some() {
        drop(installation);
        return super::credential::set_by_vault(ui, context, args);
    }
    if !args.dry_run && !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let scope = ScopeArgs { agent: args.agent.clone(), offline: args.offline, ..ScopeArgs::default() };
    if !args.agent.is_empty() {
        scope.check(&shared::look(ui, &installation, &LookOptions::default())?)?;
    }
    if registry::find(&args.name).is_none() && !args.name.contains(':') {
        spelling::check(&shared::look(ui, &installation, &LookOptions::default())?.observed, &args.name)?;
    }
    let given = ValueArgs { from_file: args.from_file.clone(), ..ValueArgs::default() };
    let secret = value::given(ui, &given, &args.name)?;
    shape::check(&secret, &args.command())?;
    let fingerprint = installation.enter(secret.clone(), None);
    // A person gives it untested: that its provider once rejected it holds nobody back, in a preview neither.
    let overruled = args.offline.then_some(fingerprint).into_iter().collect();
    let request = SetRequest {
        target: args.name.clone(),
        fingerprint,
        kind: args.r#type.map(|kind| match kind {
            GivenType::ApiKey => CredentialKind::ApiKey,
            GivenType::Token => CredentialKind::Token,
        }),
        expires: None,
        sync: SyncOptions {
            look: LookOptions { overruled, ..scope.look_options() },
            dry_run: args.dry_run,
            activate: args.activate.activate.mode(),
            command: "set".to_owned(),
            ..SyncOptions::default()
        },
    };
    if args.offline && !args.dry_run {
        installation.learn(&[Fact::Overruled { fingerprint: request.fingerprint }])?;
    }
    let mut report = apply(ui, &installation, &request, args)?;
    if let Err(SetError::NoStoreYet { profile, provider, kind }) = &report
        && !args.dry_run
        && args.agent.is_empty()
    {
        let first = FirstKey { provider: provider.clone(), profile: profile.clone(), key: secret };
        let first = (*kind == CredentialKind::ApiKey).then_some(first);
        if fresh::make(ui, &installation, first.as_ref(), &[], args.yes)? {
            report = apply(ui, &installation, &request, args)?;
        }
    }
    let mut report = report?;
    let how = request.sync.activate;
    restarting::offer(ui, &installation, &mut report.sync, how, &request.sync.look)?;
    let target = &report.target;
    let new = if target.is_new { " (new)" } else { "" };
    ui.say(
        &Text::toned(Tone::Strong, target.profile.as_str()).plain(format!("{new}: {}", request.fingerprint)),
    );
    for (endpoint, verdict) in &report.verdicts {
        let line =
            Text::of(format!("  {} says: ", endpoint.provider)).join(&render::words::verdict(verdict.kind));
        ui.say(&line);
    }
    if report.verdicts.is_empty() {
        ui.say(&Text::of("  its provider was not asked"));
    }
    report::show(ui, "set", &report.sync)
}
