//! The config by a vault's will: what would become of it, and writing that as part of a run.

use crate::Installation;
use keyshoal_core::{AgentId, Fingerprint, Layout, RunId, Secret, StepState};
use keyshoal_core::{ConfigChange, ConfigEdit, ConfigHeld, HeldWhy};
use keyshoal_engine::ports::PortError;
use keyshoal_ledger::JournalConfig;
use keyshoal_openclaw::config::by_hand::{self, Decided};
use keyshoal_openclaw::config::edit::Wrote;
use keyshoal_openclaw::config::generate::{self, Digest, Generated, Left, Sources, Wanted, generate};
use keyshoal_openclaw::config::import::import;
use keyshoal_openclaw::{files, layout::Release};
use std::collections::BTreeSet;

/// A config file is never longer than this.
const LONGEST: u64 = 64 * 1024 * 1024;
/// By which release a config is made where nobody says which one runs: both read the form that stands there.
const EARLY: &str = "2026.3.28";
const LATE: &str = "2026.9.6";

/// What a vault wants of the config.
#[derive(Clone, Debug)]
pub struct ConfigWish {
    /// What it shall hold.
    pub wanted: Wanted,
    /// Every agent that the vault knows, enabled or not, by all the ids that it has had here. Others are somebody else's, and stay.
    pub known: BTreeSet<AgentId>,
    /// What it decided when the config was last so; nobody knows who has changed what where that is not known.
    pub last: Option<Decided>,
}

/// A config that is ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    edit: ConfigEdit,
    expected: Digest,
    before: Secret,
    generated: Generated,
}

impl Installation {
    /// Works out what would become of the config, and remembers it for a run that is to write it.
    pub(crate) fn prepare_config(&self) -> Result<Option<ConfigEdit>, PortError> {
        self.forget_by_hand();
        let Some(wish) = self.state().config_wish.clone() else { return Ok(None) };
        let bytes =
            files::read(&self.locations.config_path, LONGEST).map_err(|error| failed(&error, None))?;
        let sources = Sources::of(&self.locations, bytes.as_deref()).map_err(|error| failed(&error, None))?;
        let mut wanted = self.with_what_is_there(&sources, wish)?;
        wanted.secret_files.extend(self.wanted_secret_files());
        let generated = generate(&self.locations, &sources, self.release(&sources), &wanted)
            .map_err(|error| failed(&error, Some("nothing was changed; mend it, and run keyshoal sync")))?;
        self.state().held.extend(generated.held.iter().map(left));
        let of_file = self.told_of_delivered();
        if generated.changes.is_empty() && of_file.is_none() {
            self.state().prepared = None;
            return Ok(None);
        }
        let before = Secret::new(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned());
        let edit = ConfigEdit {
            expect: self.config_print(&before),
            becomes: self.config_print(&generated.text),
            changes: of_file
                .into_iter()
                .chain(generated.changes.iter().map(change))
                .chain(self.told_of_leaving())
                .collect(),
            notes: generated.notes.iter().cloned().chain(self.notes_of_delivered()).collect(),
        };
        let expected = sources.digest();
        self.state().prepared = Some(Prepared { edit: edit.clone(), expected, before, generated });
        Ok(Some(edit))
    }

    /// Returns what the prepared config takes out of the roster, to be kept for when it comes back.
    pub fn leaving_entries(&self) -> Vec<Left> {
        self.state().prepared.as_ref().map(|ready| ready.generated.left.clone()).unwrap_or_default()
    }

    /// Names a text of the config.
    pub(crate) fn config_print(&self, text: &Secret) -> Fingerprint {
        self.prints().of(&["config", text.reveal_secret()])
    }

    /// What the journal keeps of the config that a plan changes.
    pub(crate) fn journal_config(&self, edit: &ConfigEdit) -> Option<JournalConfig> {
        let prepared = self.prepared(edit)?;
        Some(JournalConfig {
            before_fingerprint: edit.expect,
            after_fingerprint: edit.becomes,
            before: prepared.before,
            after: prepared.generated.text,
        })
    }

    /// Returns the text that an edit would put there.
    pub(crate) fn prepared_text(&self, edit: &ConfigEdit) -> Option<Secret> {
        self.prepared(edit).map(|ready| ready.generated.text)
    }

    fn prepared(&self, edit: &ConfigEdit) -> Option<Prepared> {
        self.state().prepared.clone().filter(|ready| ready.edit == *edit)
    }

    /// Writes the config of a plan, and notes how it went.
    pub(crate) fn write_config(&self, run: &RunId, edit: &ConfigEdit) -> StepState {
        let state = match self.prepared(edit) {
            None => StepState::Failed { reason: "the config that was planned is not known any more".into() },
            // Only the file of secrets changes.
            Some(ready) if ready.generated.changes.is_empty() => StepState::Done,
            Some(ready) if let Some(reason) = self.holds_config_back() => {
                drop(ready);
                StepState::Skipped { reason }
            }
            Some(ready) => match self.put_whole_config(ready.expected, &ready.generated) {
                Ok(Wrote::Done(_) | Wrote::Nothing) => StepState::Done,
                Ok(Wrote::Meanwhile) => {
                    StepState::Conflict { found: "somebody else has changed the config meanwhile".into() }
                }
                Err(error) => StepState::Failed { reason: error.to_string() },
            },
        };
        // The file is the truth: a journal that lags is what recovery is for.
        let _ = self.ledger.config_done(run, &state);
        state
    }

    /// What a config that is there says of channels is the person's: no command changes them. So is what somebody has changed since it was
    /// last as the vault wants it, until a person decides. Agents that the vault has never heard of
    /// stay in the roster, with their bindings. Profiles that the config does not declare work
    /// without that, and a gateway of 2026.3.28 restarts for whatever changes below `auth`: none is added.
    fn with_what_is_there(&self, sources: &Sources, wish: ConfigWish) -> Result<Wanted, PortError> {
        let there = import(&self.locations, sources).map_err(|error| failed(&error, None))?;
        let mut wanted = wish.wanted;
        let ours: BTreeSet<AgentId> = wanted.agents.iter().map(|agent| agent.id.clone()).collect();
        let renamed: BTreeSet<AgentId> = wanted.renamed.values().cloned().collect();
        let is_stranger =
            |id: &AgentId| !ours.contains(id) && !wish.known.contains(id) && !renamed.contains(id);
        if sources.digest().is_there() {
            wanted.channels.clear();
            let found = wish.last.map(|last| by_hand::changed(&wanted, &there, &last)).unwrap_or_default();
            found.iter().for_each(|one| one.leave(&mut wanted));
            let strangers = there.agents.iter().map(|agent| agent.id.clone()).filter(is_stranger);
            self.note_by_hand(found, strangers.collect());
        }
        wanted.profiles.retain(|id, _| there.profiles.contains_key(id));
        let has_default = wanted.agents.iter().any(|agent| agent.default);
        let strangers: Vec<_> = there.agents.into_iter().filter(|agent| is_stranger(&agent.id)).collect();
        let bindings: Vec<_> = there.bindings.into_iter().filter(|one| is_stranger(&one.agent)).collect();
        for mut agent in strangers {
            agent.default &= !has_default;
            wanted.agents.push(agent);
        }
        wanted.bindings.extend(bindings);
        Ok(wanted)
    }

    /// The release by which a config is made.
    fn release(&self, sources: &Sources) -> Release {
        let seen = self.seen();
        let observed = seen.as_ref().map(|seen| &seen.observed.instance);
        let told = observed.and_then(|instance| Release::parse(instance.openclaw_version.as_deref()?));
        let late = observed.is_some_and(|instance| matches!(instance.layout, Layout::SharedRow));
        let late = late || observed.is_none() && sources.has_entries();
        told.or_else(|| Release::parse(if late { LATE } else { EARLY }))
            .unwrap_or_else(|| unreachable!("both are releases"))
    }
}

fn change(one: &generate::ConfigChange) -> ConfigChange {
    ConfigChange { path: one.path.clone(), what: one.what.clone() }
}

fn left(held: &generate::Held) -> ConfigHeld {
    let why = HeldWhy::Included { place: held.place.clone() };
    ConfigHeld { why, changes: held.changes.iter().map(change).collect() }
}

pub(crate) fn failed(error: &dyn std::fmt::Display, hint: Option<&str>) -> PortError {
    PortError { message: error.to_string(), hint: hint.map(str::to_owned), retryable: false }
}
