//! The journal: what a run is about to do, with what was there before, written down before anything is done.

mod config;
mod files;
pub(crate) mod images;
pub(crate) mod read;
mod write;

use keyshoal_core::{Fingerprint, ProfileId, RunId, Secret, StepState, StoreId, Timestamp};

/// One step that a run is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalStep {
    /// The store that it writes.
    pub store: StoreId,
    /// The profile that it changes.
    pub profile: ProfileId,
    /// What it does: the action's word (`replace`, `remove_shadow`, …).
    pub action: String,
    /// What stands there before; `None` when nothing does.
    pub pre_fingerprint: Option<Fingerprint>,
    /// What shall stand there afterwards; `None` when nothing shall.
    pub post_fingerprint: Option<Fingerprint>,
    /// What the base store must hold of this profile for the step to be right, where that matters: what an agent inherits once its
    /// own copy is gone, or of what it gets a copy.
    pub rests_on: Option<Fingerprint>,
    /// The profile before, as text to put back. `None` for OAuth logins, which are never stored.
    pub pre_image: Option<Secret>,
    /// The profile afterwards, as text to finish with. Forgotten when the run is finished.
    pub post_image: Option<Secret>,
}

/// The change of the config file that a run is about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// What stands there before.
    pub before_fingerprint: Fingerprint,
    /// What shall stand there afterwards.
    pub after_fingerprint: Fingerprint,
    /// The text before.
    pub before: Secret,
    /// The text afterwards. Forgotten when the run is finished.
    pub after: Secret,
}

/// What a run is about to do to a file that is no store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFile {
    /// The file.
    pub path: String,
    /// What is done: `remove`, `clean`, `rewrite` or `restore`.
    pub action: String,
    /// What stands there before; `None` when nothing does, and for a database.
    pub before_fingerprint: Option<Fingerprint>,
    /// What shall stand there afterwards; `None` when nothing shall, and for a database.
    pub after_fingerprint: Option<Fingerprint>,
    /// The text before.
    pub before: Option<Secret>,
    /// The text afterwards. Forgotten when the run is finished.
    pub after: Option<Secret>,
}

/// What a run did to a file that is no store, or was to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDetail {
    /// Its place among the run's files, from 0.
    pub index: usize,
    /// The file.
    pub path: String,
    /// What is done.
    pub action: String,
    /// What stood there before.
    pub before_fingerprint: Option<Fingerprint>,
    /// What was to stand there afterwards.
    pub after_fingerprint: Option<Fingerprint>,
    /// Whether the text before can be had from [`crate::Ledger::file_images`].
    pub before: ImageState,
    /// How it went; `None` until that is known.
    pub outcome: Option<StepState>,
}

/// The change of the config file that a run made or was to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigDetail {
    /// What stood there before.
    pub before_fingerprint: Fingerprint,
    /// What was to stand there afterwards.
    pub after_fingerprint: Fingerprint,
    /// Whether the text before can be had from [`crate::Ledger::config_images`].
    pub before: ImageState,
    /// Whether the text afterwards can.
    pub after: ImageState,
    /// How it went; `None` until that is known.
    pub outcome: Option<StepState>,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Which run.
    pub id: RunId,
    /// The command that began it.
    pub command: String,
    /// When it was begun.
    pub begun: Timestamp,
    /// When it was finished; `None` while it is open.
    pub finished: Option<Timestamp>,
    /// How many steps it has.
    pub steps: usize,
    /// How many of them are done.
    pub done: usize,
    /// How many found something else than expected, and wrote nothing.
    pub conflicts: usize,
    /// How many failed.
    pub failed: usize,
    /// How many have no outcome.
    pub pending: usize,
    /// How many values from before can still be put back.
    pub restorable: usize,
}

/// A run with its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDetail {
    /// Its line of the history.
    pub summary: RunSummary,
    /// The receipts that were given when it was finished, as JSON.
    pub receipts: Option<String>,
    /// Its steps, in order.
    pub steps: Vec<StepDetail>,
    /// What it does to the config file, if anything.
    pub config: Option<ConfigDetail>,
    /// What it does to files that are no stores.
    pub files: Vec<FileDetail>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDetail {
    /// Its number in the run, from 0.
    pub index: usize,
    /// The store that it writes.
    pub store: StoreId,
    /// The profile that it changes.
    pub profile: ProfileId,
    /// What it does.
    pub action: String,
    /// What stood there before.
    pub pre_fingerprint: Option<Fingerprint>,
    /// What was to stand there afterwards.
    pub post_fingerprint: Option<Fingerprint>,
    /// What the base store must hold of this profile for the step to be right, where that matters: what an agent inherits once its
    /// own copy is gone, or of what it gets a copy.
    pub rests_on: Option<Fingerprint>,
    /// Whether the profile before can be had from [`crate::Ledger::images`].
    pub pre_image: ImageState,
    /// Whether the profile afterwards can.
    pub post_image: ImageState,
    /// How it went; `None` until that is known.
    pub outcome: Option<StepState>,
}

/// Says whether an image can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// There never was one (nothing stood there, or it was an OAuth login).
    None,
    /// It is there, sealed.
    Sealed,
    /// It has expired, or is not needed any more.
    Gone,
}

/// The images of one step, opened.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Images {
    /// The profile before.
    pub pre: Option<Secret>,
    /// The profile afterwards.
    pub post: Option<Secret>,
}

/// The run that was begun and not finished, with all that recovery needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRunDetail {
    /// The run.
    pub run: RunDetail,
    /// The images, one entry for each step.
    pub images: Vec<Images>,
    /// The texts of the config.
    pub config_images: Images,
    /// The texts of the files, one entry for each.
    pub file_images: Vec<Images>,
}
