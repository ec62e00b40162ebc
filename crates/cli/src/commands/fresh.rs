//! The stores that OpenClaw alone may make: where it has made none yet, its own commands are run for them.

use super::consent::{Agreed, Consent};
use super::{bundle, flow, shared};
use crate::error::CommandError;
use crate::root::holdings::Held;
use crate::root::program::{PATIENCE, Program};
use crate::root::{self, Heard};
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_core::{AgentId, CredentialKind, FindingKind, ProfileId, ProviderId, Secret};
use keyshoal_engine::{SyncOptions, SyncReport};
use keyshoal_local::Installation;
use keyshoal_openclaw::init::{self, RunWith, Stdin, Step};
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::store::{StoredProfile, StoredSecret};
use std::collections::BTreeSet;
use std::path::Path;

/// Of what it says when it ends badly, so many characters are told.
const LONGEST_REASON: usize = 400;
/// What has so much of a key in it is not told.
const PART: usize = 6;

/// An API key that all agents share: with the first one, some releases make the store.
#[derive(Clone, Debug)]
pub struct FirstKey {
    /// Whose it is.
    pub provider: ProviderId,
    /// Under which profile.
    pub profile: ProfileId,
    /// The key.
    pub key: Secret,
}

impl FirstKey {
    /// Reads it from a profile's entry. `None` where that holds no API key.
    pub fn of(provider: &ProviderId, profile: &ProfileId, entry: &Secret) -> Option<Self> {
        match StoredProfile::parse(profile, entry).ok()?.secret {
            StoredSecret::Inline(key) => {
                Some(Self { provider: provider.clone(), profile: profile.clone(), key })
            }
            _ => None,
        }
    }
}

/// Has OpenClaw make the stores for which the vault's values wait, where it has made none, and goes on with what a run could not do then.
pub fn go_on(
    ui: &mut Ui,
    installation: &Installation,
    held: &Held,
    report: SyncReport,
    options: &SyncOptions,
    yes: bool,
) -> Result<SyncReport, CommandError> {
    let findings = &report.after.judgement.findings;
    let waits = findings.iter().any(|one| one.finding == FindingKind::Pending);
    if !waits || !report.after.observed.base_is_to_be_made() || !make_for_vault(ui, installation, held, yes)?
    {
        return Ok(report);
    }
    let progress = ui.progress();
    let agreed = if yes { Agreed::Proposals } else { Agreed::Nothing };
    let mut consent = Consent::new(ui, progress.clone(), agreed);
    let more = keyshoal_engine::sync(installation, options, &mut consent, &mut shared::shown(&progress));
    consent.finish()?;
    drop(progress);
    let more = more?;
    let receipts = report.receipts.into_iter().chain(more.receipts).collect();
    Ok(SyncReport { receipts, config: more.config.or(report.config), ..more })
}

fn make_for_vault(
    ui: &mut Ui,
    installation: &Installation,
    held: &Held,
    yes: bool,
) -> Result<bool, CommandError> {
    // As it is now, with what was just changed.
    let instance = &held.vault.instance(&held.instance.id)?;
    let keys = flow::credentials_of(instance).filter(|one| one.kind == CredentialKind::ApiKey);
    let mut first = None;
    for one in keys.filter(|one| one.agent.is_none()) {
        let entry = flow::entry_of(&held.vault, &instance.id, one.uid)?;
        first = first.or(entry.and_then(|entry| FirstKey::of(&one.provider, &one.profile, &entry)));
    }
    let owner = |uid| instance.agents.iter().find(|agent| agent.uid == uid && agent.enabled);
    let owners = flow::credentials_of(instance).filter_map(|one| owner(one.agent?));
    let own: BTreeSet<AgentId> = owners.map(|agent| agent.id.clone()).collect();
    make(ui, installation, first.as_ref(), &own.into_iter().collect::<Vec<_>>(), yes)
}

/// Asks, and has OpenClaw make them. Tells whether it has; it has not where no program is there, or nobody agrees.
pub fn make(
    ui: &mut Ui,
    installation: &Installation,
    first: Option<&FirstKey>,
    own: &[AgentId],
    yes: bool,
) -> Result<bool, CommandError> {
    let found = Program::find(installation.environment(), None)?;
    // One of the releases with files makes none of what is missing here.
    let Some(program) = found.filter(|program| program.release.layout().is_sqlite()) else {
        return Ok(false);
    };
    let (path, version) = (program.path.display(), &program.version);
    let question = format!(
        "OpenClaw {version} has made no store for credentials here yet, and nobody else may: have {path} make it now?"
    );
    let answer = if yes { Some(Answer::Yes) } else { ui.ask(&[Text::of(&question)], true)? };
    match answer {
        Some(Answer::Yes) => {}
        Some(Answer::No) => {
            ui.say(&Text::of("no store was made"));
            return Ok(false);
        }
        None => {
            ui.say(&Text::of("no store was made: nobody is there to ask. Agree with --yes"));
            return Ok(false);
        }
    }
    let progress = ui.progress();
    progress.say("OpenClaw makes its stores …");
    let failed = program.make_stores(installation.locations(), first, own)?;
    drop(progress);
    if let Some(why) = failed {
        return Err(CommandError::user(format!("OpenClaw {version} has made no store: {why}"))
            .hint("keyshoal sync   tries again"));
    }
    ui.say(&Text::toned(Tone::Good, "✓ ").plain(format!("OpenClaw {version} has made its stores")));
    Ok(true)
}

impl Program {
    /// Has it make the stores that it alone may make: the one that agents share, and one for every agent with a credential of its own.
    /// Returns why none were made, where that is so.
    pub fn make_stores(
        &self,
        locations: &Locations,
        first: Option<&FirstKey>,
        own: &[AgentId],
    ) -> Result<Option<String>, CommandError> {
        let shared = first.map(|one| (&one.provider, &one.profile));
        let steps = match init::steps(self.release, shared, own) {
            Ok(steps) => steps,
            Err(why) => return Ok(Some(why.to_string())),
        };
        for step in steps {
            let said = self.step(locations, &step, first)?;
            if !said.fine {
                let why = reason(&said, first.map(|one| &one.key));
                let why = why.map(|why| format!("; it said: {why}")).unwrap_or_default();
                return Ok(Some(format!("openclaw {} did not end well{why}", step.argv.join(" "))));
            }
        }
        Ok(None)
    }

    fn step(
        &self,
        locations: &Locations,
        step: &Step,
        first: Option<&FirstKey>,
    ) -> Result<Heard, CommandError> {
        let scratch = root::scratch_dir()?;
        let nothing = scratch.path().join("openclaw.json");
        let config = match step.config {
            RunWith::Installation => &locations.config_path,
            RunWith::Nothing => &nothing,
        };
        let mut stdin = zeroize::Zeroizing::new(Vec::new());
        if let (Stdin::ApiKey(wanted), Some(first)) = (&step.stdin, first)
            && *wanted == first.profile
        {
            stdin.extend_from_slice(first.key.reveal_secret().as_bytes());
            stdin.push(b'\n');
        }
        let argv: Vec<&str> = step.argv.iter().map(String::as_str).collect();
        let variables = variables_of(locations, config);
        root::run_program(&self.path, &argv, &variables, &stdin, PATIENCE)
    }
}

/// Has the program look at an installation.
pub fn variables_of<'a>(locations: &'a Locations, config: &'a Path) -> [(&'static str, &'a Path); 3] {
    [
        ("OPENCLAW_STATE_DIR", locations.state_dir.as_path()),
        ("OPENCLAW_CONFIG_PATH", config),
        ("NO_COLOR", Path::new("1")),
    ]
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
