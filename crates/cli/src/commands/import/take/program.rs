//! What an import needs of OpenClaw's own program: that it takes the config, and that it makes the stores that nobody else may make.

use crate::commands::fresh::{FirstKey, variables_of};
use crate::error::CommandError;
use crate::root;
use crate::root::program::{PATIENCE, Program};
use keyshoal_core::{AgentId, CredentialKind, Layout, Secret};
use keyshoal_openclaw::config;
use keyshoal_openclaw::layout::Release;
use keyshoal_openclaw::locate::Locations;
use keyshoal_transfer::ImportPlan;
use keyshoal_transfer::manifest::Logins;
use serde_json::Value;

/// Of the keys that it refuses, so many are named.
const MOST_KEYS: usize = 8;
/// Its own command for a config of an earlier release.
const MENDS: &str = "openclaw doctor --fix";

impl Program {
    /// Refuses a program that could not read the payload's config: nothing of it is rewritten for an earlier release.
    pub fn require_fit(&self, plan: &ImportPlan) -> Result<(), CommandError> {
        let has_entries = |text: &Secret| config::has_entries(text.reveal_secret());
        if self.release.has_entries() || !plan.config.as_ref().is_some_and(has_entries) {
            return Ok(());
        }
        let (first, path) = (Release::FIRST_WITH_ENTRIES, self.path.display());
        let from = plan.source.release.as_deref().map(|release| format!(" (it comes from {release})"));
        Err(CommandError::user(format!(
            "the payload's config has its agents under agents.entries, which OpenClaw {first} and later read{}, and {path} is {}",
            from.unwrap_or_default(),
            self.version
        ))
        .hint(format!("update OpenClaw, or name another program of {first} or later: --openclaw PATH"))
        .hint("or import it on a machine that has one"))
    }

    /// Says, before anything is made, that the config is of an earlier release than this program.
    pub fn on_an_earlier_config(&self, plan: &ImportPlan) -> Option<String> {
        let from = plan.source.release.as_deref()?;
        (plan.config.is_some() && Release::parse(from)? < self.release).then(|| {
            format!(
                "the config is of OpenClaw {from}, and {} is {}: what that refuses of it is named once it is there, and {MENDS} brings it to its form",
                self.path.display(),
                self.version
            )
        })
    }

    /// Asks it whether it takes the config that came from another release. Returns what it refuses, and its own way out.
    pub fn refuses(&self, locations: &Locations, plan: &ImportPlan) -> Result<Option<String>, CommandError> {
        let from = plan.source.release.as_deref().unwrap_or("another release");
        if from == self.version {
            return Ok(None);
        }
        let argv = ["config", "validate", "--json"];
        let said = root::run_program(
            &self.path,
            &argv,
            &variables_of(locations, &locations.config_path),
            &[],
            PATIENCE,
        )?;
        let told = said.out.find('{').and_then(|at| serde_json::from_str::<Value>(&said.out[at..]).ok());
        let Some(told) = told.filter(|told| told["valid"] == Value::Bool(false)) else { return Ok(None) };
        let issues = told["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut refused: Vec<String> = issues.iter().filter_map(refused_key).collect();
        let more = refused.len().saturating_sub(MOST_KEYS);
        refused.truncate(MOST_KEYS);
        if more > 0 {
            refused.push(format!("{more} more"));
        }
        Ok(Some(format!(
            "OpenClaw {} refuses the config that came from {from} ({}): {MENDS} brings it to its form; then keyshoal sync",
            self.version,
            refused.join(", ")
        )))
    }

    /// Has it make the stores for what an import brings: the one that agents share, and one for every agent with a credential of its own.
    /// Returns why none were made, where that is so.
    pub fn make_stores_of(
        &self,
        locations: &Locations,
        plan: &ImportPlan,
    ) -> Result<Option<String>, CommandError> {
        let mut shared = plan.shared().filter(|one| one.kind == CredentialKind::ApiKey);
        let first = shared.find_map(|one| FirstKey::of(&one.provider, &one.profile, &one.entry));
        let mut own: Vec<AgentId> = plan
            .overrides()
            .filter_map(|one| plan.agent(one.agent?))
            .filter(|agent| agent.enabled)
            .map(|agent| agent.id.clone())
            .collect();
        own.sort();
        own.dedup();
        self.make_stores(locations, first.as_ref(), &own)
    }

    /// Tells whether it keeps credentials in databases, which it makes itself.
    pub fn has_databases(&self) -> bool {
        !matches!(self.release.layout(), Layout::JsonFile | Layout::JsonWithState)
    }
}

/// Says, before anything is made, that the logins which move have no place without the program.
pub fn no_place_for_logins(program: Option<&Program>, plan: &ImportPlan) -> Option<String> {
    let files = matches!(plan.source.layout, Layout::JsonFile | Layout::JsonWithState);
    let names = plan.logins();
    if program.is_some() || files || plan.logins != Logins::Move || names.is_empty() {
        return None;
    }
    Some(format!(
        "OpenClaw's program, which makes the databases for the logins {}, is not on this machine: install it before this import, or sign in afterwards",
        names.join(", ")
    ))
}

/// Returns the key that an issue of `config validate` is about, without any value.
fn refused_key(issue: &Value) -> Option<String> {
    let at = issue["path"].as_str().filter(|at| !at.is_empty());
    let unknown = issue["message"].as_str().and_then(|text| text.strip_prefix("Unrecognized key: \""));
    let key = unknown.and_then(|rest| rest.strip_suffix('"'));
    match (at, key) {
        (Some(at), Some(key)) => Some(format!("{at}.{key}")),
        (at, key) => at.or(key).map(str::to_owned),
    }
}
