//! The command line, as clap reads it.

use crate::commands::{
    agent, alerts, artifacts, binding, bundle, completions, credential, demo, diff, doctor, explain, export,
    history, import, instance, keep, man, model, quarantine, recipient, recover, replace, restart, rollback,
    rotate, route, scrub, set, status, sync, trace, vault, verify, watch,
};
use clap::{Parser, Subcommand, ValueEnum};
use keyshoal_core::ActivationMode;
use std::path::PathBuf;

/// Keeps the credentials of every agent of an OpenClaw instance right, and proves it.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "keyshoal",
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  keyshoal demo                    see everything on a throwaway installation
  keyshoal status                  who holds what, and what is wrong; changes nothing of OpenClaw's
  keyshoal sync                    make every agent hold the right credential; shows the plan, and asks first
  keyshoal set anthropic           paste a new key; it is tested, then everywhere

Exit codes:
  0   fine, or nothing to do (kept overrides are fine)
  1   the command failed
  2   something needs attention (drift, rejected, unproven, a question is open)
  64  wrong usage
  130 it was stopped with Ctrl-C (128 and the number of the signal that ended it; `watch` ends with 0)"
)]
pub struct Cli {
    /// Options for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do; `status` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options for every command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options for every command")]
pub struct Globals {
    /// OpenClaw's state directory [default: $OPENCLAW_STATE_DIR, else ~/.openclaw]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// OpenClaw's config [default: $OPENCLAW_CONFIG_PATH, else openclaw.json in the state directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// No talk on stderr but warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Where Keyshoal keeps its keys and policy [default: keyshoal in the user's config directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub keys_dir: Option<PathBuf>,
    /// The vault, where there is one [default: $KEYSHOAL_VAULT, else keyshoal/vault.sqlite in the user's data directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub vault: Option<PathBuf>,
    /// Read the vault's passphrase from this descriptor, where its key comes from one [default: a prompt]
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<u32>,
    /// A file with the gateway's token [default: OpenClaw's config or environment]
    #[arg(long, global = true, value_name = "FILE")]
    pub gateway_token_file: Option<PathBuf>,
    /// Allow pairing a device identity with the gateway (kept 0600), for releases that give no rights without one
    #[arg(long, global = true)]
    pub allow_device: bool,
    /// Send at most so many requests to providers; the rest is said to be not asked
    #[arg(long, global = true, value_name = "N")]
    pub max_requests: Option<u32>,
    /// Further root certificates for asking providers, as a PEM file
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Say whose a copied state directory is, where nobody can be asked
    #[arg(long, global = true, value_name = "WHOSE")]
    pub adopt: Option<AdoptWord>,
    /// Seconds to wait for another keyshoal that is at work
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10)]
    pub wait: u64,
}

/// Says when to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Says whose a copied or moved state directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AdoptWord {
    /// An instance of its own: it gets an id of its own.
    New,
    /// The same instance at another place.
    Moved,
}

/// Says how a running gateway may be made to read its stores again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Activate {
    /// Reload where that is enough; say so where only a restart would help.
    #[default]
    Auto,
    /// Only ever reload.
    Reload,
    /// A restart is allowed.
    Restart,
    /// Touch nothing; the report says "not activated".
    None,
}

impl Activate {
    /// Returns the engine's word.
    pub fn mode(self) -> ActivationMode {
        match self {
            Self::Auto => ActivationMode::Auto,
            Self::Reload => ActivationMode::Reload,
            Self::Restart => ActivationMode::Restart,
            Self::None => ActivationMode::None,
        }
    }
}

/// How commands that write make the gateway see it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ActivateArgs {
    /// How a running gateway may be made to read its stores again
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub activate: Activate,
    /// Your own command that restarts the gateway (run by sh -c; used only where a restart is allowed)
    #[arg(long, value_name = "CMD")]
    pub restart_command: Option<String>,
}

/// What to limit a plan to, and what it may touch.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ScopeArgs {
    /// The agent whose values are right (base: the store that agents inherit from)
    #[arg(long, value_name = "AGENT")]
    pub from: Option<String>,
    /// Only this agent (can be repeated)
    #[arg(long, value_name = "AGENT")]
    pub agent: Vec<String>,
    /// Only this provider (can be repeated)
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Vec<String>,
    /// Only this profile (can be repeated)
    #[arg(long, value_name = "PROFILE")]
    pub profile: Vec<String>,
    /// Also replace values of unknown origin
    #[arg(long, value_name = "WHAT")]
    pub include: Option<Include>,
    /// Do not ask providers
    #[arg(long)]
    pub offline: bool,
}

/// Says what else may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Include {
    /// Values that differ without anybody having said whether on purpose.
    Foreign,
}

/// Says what a given value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GivenType {
    /// A provider's API key.
    #[default]
    ApiKey,
    /// A bearer token.
    Token,
}

/// Says what `watch` may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PolicyWord {
    /// Say what is wrong, write nothing.
    #[default]
    Report,
    /// Repair what is certain.
    Repair,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show agents × profiles, who fails and since when, and what each agent really sends
    Status(status::StatusArgs),
    /// Show what sync would do, by fingerprints
    Diff(diff::DiffArgs),
    /// Tell why an agent sends what it sends
    Explain(explain::ExplainArgs),
    /// Examine everything: what is wrong, why, and what mends it
    Doctor(doctor::DoctorArgs),
    /// Make every agent hold the right credentials
    Sync(sync::SyncArgs),
    /// Ask the providers whether what every agent sends is accepted
    Verify(verify::VerifyArgs),
    /// Run a command of yours, and tell what it did to the stores and whom it missed
    Trace(trace::TraceArgs),
    /// Give a new value: tested at the provider, then to all agents
    Set(set::SetArgs),
    /// Look again whenever the installation changes; repair where the policy allows it
    Watch(watch::WatchArgs),
    /// Show whom a watch tells of alarms, and try whether they hear it
    Alerts(alerts::AlertsArgs),
    /// Apply, restart the gateway, wait until it is ready, verify
    Restart(restart::RestartArgs),
    /// Mark an agent's differing value as deliberate
    Keep(keep::KeepArgs),
    /// Say that an agent's differing value may be replaced
    Replace(replace::ReplaceArgs),
    /// Tell which agent answers a message and by which binding, and find bindings that never do
    Route(route::RouteArgs),
    /// Move the credentials of an agent that is no longer in the roster aside, and back
    Quarantine(quarantine::QuarantineArgs),
    /// Remove plaintext of credentials that lies outside of the stores
    Scrub(scrub::ScrubArgs),
    /// List the runs that wrote something
    History(history::HistoryArgs),
    /// Take a run back, profile by profile
    Rollback(rollback::RollbackArgs),
    /// Finish or undo a run that was interrupted
    Recover(recover::RecoverArgs),
    /// Put everything of the instance that moves to another machine into one payload
    Export(export::ExportArgs),
    /// Show what an exported payload, or a copied state directory, would become here, and make it
    Import(import::ImportArgs),
    /// Make or show the key by which others seal payloads for this machine
    Recipient(recipient::RecipientArgs),
    /// Put the evidence of before and after into one archive without secrets
    Bundle(bundle::BundleArgs),
    /// Keep the roster in the vault: add, rename, enable, disable agents
    Agent(agent::AgentArgs),
    /// Keep credentials in the vault: what all agents share, and overrides
    Credential(credential::CredentialArgs),
    /// Keep in the vault which models the agents use
    Model(model::ModelArgs),
    /// Keep in the vault which messages go to which agent
    Binding(binding::BindingArgs),
    /// Give a credential of the vault a new value: staged, tested, in waves, proven, with a way back
    Rotate(rotate::RotateArgs),
    /// Take an installation into the vault, whose word counts from then on
    Instance(instance::InstanceArgs),
    /// List what every agent gets of the vault's credentials, and how
    Artifacts(artifacts::ArtifactsArgs),
    /// Make a vault, look at it, back it up, restore it, repair it, give it another key
    Vault(vault::VaultArgs),
    /// Show status → sync → status on a throwaway installation, without OpenClaw
    Demo(demo::DemoArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write all of them into a directory
    Man(man::ManArgs),
}

impl Command {
    /// Tells whether the command lives long and waits most of that time.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Watch(watch) if watch.action.is_none() && !watch.once)
    }

    /// Tells whether the command works on an installation of the user's, or on the vault or the keys of that user.
    pub fn needs_installation(&self) -> bool {
        !matches!(self, Self::Demo(_) | Self::Completions(_) | Self::Man(_) | Self::Import(_))
    }

    /// Tells whether the command makes an installation where none is.
    pub fn makes_installation(&self) -> bool {
        matches!(self, Self::Import(_))
    }
}
