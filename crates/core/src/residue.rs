//! Plaintext of credentials that lies outside of the stores, as a look at the files finds it. No secret is in it.

use crate::{AgentId, Fingerprint, ProfileId, ProviderId};

/// A file that holds plaintext of credentials and is no store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainFile {
    /// The file.
    pub path: String,
    /// What it is.
    pub kind: PlainKind,
    /// The agent in whose directory it lies; `None` where that is the shared store's.
    pub agent: Option<AgentId>,
    /// The fingerprint of its whole text, where that could be read.
    pub text: Option<Fingerprint>,
    /// The values in it.
    pub values: Vec<PlainValue>,
    /// Whether the program would write a present key there again.
    pub renewed: bool,
    /// Why it is left alone whatever it holds, if so.
    pub obstacle: Option<String>,
}

/// Says what such a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlainKind {
    /// What a migration of the program renamed when it had read it. No release reads it to sign in.
    Archive,
    /// A file of an earlier layout that the program would still migrate.
    Leftover,
    /// The whole database as it was before a migration.
    DatabaseBackup,
    /// The generated `models.json`.
    ModelsFile,
}

/// One value in such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainValue {
    /// The provider.
    pub provider: ProviderId,
    /// The profile, where the file names one.
    pub profile: Option<ProfileId>,
    /// The value.
    pub fingerprint: Fingerprint,
}
