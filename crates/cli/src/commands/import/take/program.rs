//! OpenClaw's own program: which release it is, and the stores that nobody else may make.

use crate::commands::{Context, bundle};
use crate::error::CommandError;
use crate::root::{self, Heard, variables};
use keyshoal_core::{AgentId, CredentialKind, Layout, ProfileId, Secret};
use keyshoal_openclaw::init::{self, RunWith, Stdin, Step};
use keyshoal_openclaw::layout::Release;
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::store::{StoredProfile, StoredSecret};
use keyshoal_openclaw::{config, files};
use keyshoal_transfer::ImportPlan;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A start of the program takes seconds on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Of what it says when it ends badly, so many characters are told.
const LONGEST_REASON: usize = 400;
/// Of the keys that it refuses, so many are named.
const MOST_KEYS: usize = 8;
/// Its own command for a config of an earlier release.
const MENDS: &str = "openclaw doctor --fix";
/// What has so much of a key in it is not told.
const PART: usize = 6;

/// The program on this machine.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// Which release it is.
    pub release: Release,
    /// The same, as it says it.
    pub version: String,
}

/// Finds it where it is named, or on the PATH. One that is named has to be one.
pub fn find(context: &Context<'_>, named: Option<&Path>) -> Result<Option<Program>, CommandError> {
    let on_path = || {
        let dirs = context.world.environment.get(variables::PATH)?;
        let mut places =
            dirs.split(':').filter(|dir| dir.starts_with('/')).map(|dir| Path::new(dir).join("openclaw"));
        places.find(|path| files::exists(path) && !files::is_dir(path))
    };
    let Some(path) = named.map(Path::to_owned).or_else(on_path) else { return Ok(None) };
    // Its own directory, that it finds nothing of this machine's.
    let scratch = root::scratch_dir()?;
    let elsewhere = [
        ("OPENCLAW_STATE_DIR", scratch.path().to_owned()),
        ("OPENCLAW_CONFIG_PATH", scratch.path().join("openclaw.json")),
    ];
    let elsewhere: Vec<(&str, &Path)> =
        elsewhere.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let said = root::run_program(&path, &["--version"], &elsewhere, &[], PATIENCE);
    let found = said.as_ref().ok().filter(|said| said.fine).and_then(|said| {
        said.out.split_whitespace().find_map(|word| Some((Release::parse(word)?, word.to_owned())))
    });
    match (found, named) {
        (Some((release, version)), _) => Ok(Some(Program { path, release, version })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(said.err().unwrap_or_else(|| {
            CommandError::user(format!("{} does not say which release of OpenClaw it is", path.display()))
        })),
    }
}

/// Returns the release of the program on the PATH, as it says it.
pub fn installed_release(context: &Context<'_>) -> Result<Option<String>, CommandError> {
    Ok(find(context, None)?.map(|program| program.version))
}

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

    /// Has it make the stores that it alone may make: the one that agents share, and one for every agent with a credential of its own.
    /// Returns why none were made, where that is so.
    pub fn make_stores(
        &self,
        locations: &Locations,
        plan: &ImportPlan,
    ) -> Result<Option<String>, CommandError> {
        let first = first_key(plan);
        let mut own: Vec<AgentId> = plan
            .overrides()
            .filter_map(|one| plan.agent(one.agent?))
            .filter(|agent| agent.enabled)
            .map(|agent| agent.id.clone())
            .collect();
        own.sort();
        own.dedup();
        let shared = first.as_ref().map(|(one, _)| (&one.provider, &one.profile));
        let steps = match init::steps(self.release, shared, &own) {
            Ok(steps) => steps,
            Err(why) => return Ok(Some(why.to_string())),
        };
        for step in steps {
            let key = first.as_ref().map(|(one, key)| (&one.profile, key));
            let said = self.run(locations, &step, key)?;
            if !said.fine {
                let why = reason(&said, key.map(|(_, key)| key));
                let why = why.map(|why| format!("; it said: {why}")).unwrap_or_default();
                return Ok(Some(format!("openclaw {} did not end well{why}", step.argv.join(" "))));
            }
        }
        Ok(None)
    }

    fn run(
        &self,
        locations: &Locations,
        step: &Step,
        key: Option<(&ProfileId, &Secret)>,
    ) -> Result<Heard, CommandError> {
        let scratch = root::scratch_dir()?;
        let nothing = scratch.path().join("openclaw.json");
        let config = match step.config {
            RunWith::Installation => &locations.config_path,
            RunWith::Nothing => &nothing,
        };
        let mut stdin = zeroize::Zeroizing::new(Vec::new());
        if let (Stdin::ApiKey(wanted), Some((profile, key))) = (&step.stdin, key)
            && wanted == profile
        {
            stdin.extend_from_slice(key.reveal_secret().as_bytes());
            stdin.push(b'\n');
        }
        let argv: Vec<&str> = step.argv.iter().map(String::as_str).collect();
        let variables = variables_of(locations, config);
        root::run_program(&self.path, &argv, &variables, &stdin, PATIENCE)
    }

    /// Tells whether it keeps credentials in databases, which it makes itself.
    pub fn has_databases(&self) -> bool {
        !matches!(self.release.layout(), Layout::JsonFile | Layout::JsonWithState)
    }
}

/// Has the program look at the new installation.
fn variables_of<'a>(locations: &'a Locations, config: &'a Path) -> [(&'static str, &'a Path); 3] {
    [
        ("OPENCLAW_STATE_DIR", locations.state_dir.as_path()),
        ("OPENCLAW_CONFIG_PATH", config),
        ("NO_COLOR", Path::new("1")),
    ]
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

/// Returns why the program ended badly, in its own words: the reason that it names, else its last lines; without any secret, and without
/// where in itself that was.
fn reason(said: &Heard, key: Option<&Secret>) -> Option<String> {
    let text = if said.err.trim().is_empty() { &said.out } else { &said.err };
    let text = anstream::adapter::strip_str(text).to_string();
    let inner = |line: &str| line.is_empty() || line.starts_with("at ") || line.starts_with("Node.js v");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !inner(line)).collect();
    let mut room = LONGEST_REASON;
    let last = lines.iter().rev().take_while(|line| {
        let fits = room == LONGEST_REASON || line.len() <= room;
        room = room.saturating_sub(line.len());
        fits
    });
    let told = match lines.iter().find_map(|line| line.split_once("Reason: ")) {
        Some((_, reason)) => reason.to_owned(),
        None => last.copied().collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" "),
    };
    let key = key.map(|key| key.reveal_secret().as_bytes()).unwrap_or_default();
    // It may repeat a part of the key.
    let of_key = |word: &str| key.windows(PART).any(|part| word.as_bytes().windows(PART).any(|w| w == part));
    let clean = |word: &'_ str| if of_key(word) { "(redacted)".to_owned() } else { word.to_owned() };
    let words: Vec<String> = bundle::without_secrets(&told).split_whitespace().map(clean).collect();
    let said: String = words.join(" ").chars().take(LONGEST_REASON).collect();
    (!said.is_empty()).then_some(said)
}

/// Returns the first API key that all agents share, with its value.
fn first_key(plan: &ImportPlan) -> Option<(&keyshoal_transfer::PlannedCredential, Secret)> {
    plan.shared().filter(|one| one.kind == CredentialKind::ApiKey).find_map(|one| match StoredProfile::parse(
        &one.profile,
        &one.entry,
    )
    .ok()?
    .secret
    {
        StoredSecret::Inline(key) => Some((one, key)),
        _ => None,
    })
}
