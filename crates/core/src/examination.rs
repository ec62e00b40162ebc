//! What an examination finds beyond an observation: logs, files, locks, logins, references, the machine. No secret is in it.

use crate::residue::PlainFile;
use crate::{Fingerprint, ProfileId, RunId, SecretRef, StoreId, Timestamp};

/// Everything that checks look at besides an observation and what is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Examination {
    /// Runs of ours that wrote something, the newest first.
    pub runs: Vec<PastRun>,
    /// What the program's own log tells.
    pub log: ProgramLog,
    /// The proxy that the running gateway was started with, by host and port.
    pub proxy: Option<String>,
    /// Credential files and the directories that they are in.
    pub paths: Vec<PathFacts>,
    /// The user who owns the state directory.
    pub owner: Option<u32>,
    /// Databases that hold credentials.
    pub databases: Vec<DatabaseFacts>,
    /// Files besides the stores that hold plaintext of credentials.
    pub plain: Vec<PlainFile>,
    /// Rows of the program's register of agents' databases.
    pub registered: Vec<Registered>,
    /// Lock files.
    pub locks: Vec<LockFacts>,
    /// Logins of other programs on this machine.
    pub logins: Vec<OtherLogin>,
    /// References that profiles hold, and whether they lead anywhere.
    pub references: Vec<ReferenceFacts>,
    /// Who sends what for which channel.
    pub bindings: Vec<BoundTo>,
    /// The channels that the config sets up.
    pub channels: Vec<String>,
    /// Other state directories of the same home that hold credentials.
    pub other_state_dirs: Vec<OtherStateDir>,
    /// Processes of this state directory besides its gateway.
    pub processes: Vec<OtherProcess>,
    /// What files and the state database tell of node hosts, one sentence each.
    pub node_hosts: Vec<String>,
    /// Directories that were set aside.
    pub set_aside: Vec<SetAside>,
    /// The file system of the state directory.
    pub disk: Option<Disk>,
    /// Addresses of the providers' hosts; empty when nobody was to be asked.
    pub hosts: Vec<HostFacts>,
}

/// One run of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// Which.
    pub id: RunId,
    /// The command.
    pub command: String,
    /// When it was begun.
    pub begun: Timestamp,
    /// How many of its steps are done.
    pub done: usize,
    /// How many steps it has.
    pub steps: usize,
}

/// What the program's own log tells.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProgramLog {
    /// The files that were read, or read in part.
    pub files: Vec<String>,
    /// Whether only this installation's gateway writes there; else lines may be another's of the same user.
    pub own: bool,
    /// What was found, oldest first.
    pub events: Vec<LogEvent>,
}

/// One line of the program's log that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When; of a read, when it began.
    pub at: Timestamp,
    /// What.
    pub kind: LogEventKind,
}

/// Says what a line of the log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogEventKind {
    /// The gateway was ready.
    Started,
    /// It was told to end or to restart.
    Stopped,
    /// It read its secrets again (`secrets.reload`, `models.authRefresh`).
    SecretsRead,
    /// A change of the config was applied, and the stores were read with it.
    ConfigApplied,
    /// A reload failed or was skipped; the older values stay in force.
    ReloadFailed,
    /// A change needs a restart.
    RestartNeeded,
}

impl LogEventKind {
    /// Tells whether the gateway knows what its stores held at that time.
    pub fn reads_stores(self) -> bool {
        matches!(self, Self::Started | Self::SecretsRead | Self::ConfigApplied)
    }

    /// Returns it in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Started => "gateway ready",
            Self::Stopped => "gateway told to stop or restart",
            Self::SecretsRead => "secrets read again",
            Self::ConfigApplied => "config change applied",
            Self::ReloadFailed => "reload failed or was skipped",
            Self::RestartNeeded => "a change of the config needs a restart",
        }
    }
}

/// Owner and mode of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFacts {
    /// The path.
    pub path: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// Its owner.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// What a database tells without its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// Its file.
    pub path: String,
    /// The directory of the agent that it lies in, where it is an agent's.
    pub lies_with: Option<String>,
    /// The agent that it says it belongs to.
    pub belongs_to: Option<String>,
    /// Pages that nothing uses any more and that keep what was overwritten or deleted.
    pub free_pages: u64,
    /// All its pages.
    pub pages: u64,
    /// Bytes of the log beside it.
    pub log_bytes: u64,
    /// When a scrub last wrote it anew.
    pub rewritten: Option<Timestamp>,
}

/// One row of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The agent.
    pub agent: String,
    /// Where its database is said to be.
    pub path: String,
    /// Whether a file is there.
    pub exists: bool,
}

/// A lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFacts {
    /// The file.
    pub path: String,
    /// What it guards.
    pub guards: Guarded,
    /// The process that it names.
    pub pid: Option<u32>,
    /// Whether that process lives, as far as it can be seen from here.
    pub alive: Option<bool>,
    /// When it was taken, or last changed.
    pub since: Option<Timestamp>,
}

/// Says what a lock guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarded {
    /// The refresh of an OAuth login; the program waits and breaks it after three minutes.
    OAuthRefresh,
    /// A store; the program breaks it after half a minute.
    Store,
}

/// A login of another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLogin {
    /// The program.
    pub program: String,
    /// Its file.
    pub path: String,
    /// Fingerprints of the account's names (id, e-mail).
    pub accounts: Vec<Fingerprint>,
    /// When the file was last changed.
    pub modified: Option<Timestamp>,
}

/// A reference of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFacts {
    /// The store of the profile.
    pub store: StoreId,
    /// The profile.
    pub profile: ProfileId,
    /// The reference.
    pub reference: SecretRef,
    /// Whether it leads anywhere.
    pub state: ReferenceState,
}

/// Says whether a reference leads anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceState {
    /// Something is there.
    Resolves,
    /// Nothing is there: why.
    Unresolved(String),
    /// It cannot be told from here: why.
    Unknown(String),
}

/// One binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundTo {
    /// The channel.
    pub channel: String,
    /// The agent, normalised.
    pub agent: String,
}

/// Another state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherStateDir {
    /// Where.
    pub path: String,
    /// When a credential store in it was last changed.
    pub modified: Option<Timestamp>,
    /// No store there is known to hold credentials, and one cannot be read.
    pub unread: bool,
}

/// A process besides the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherProcess {
    /// Its number.
    pub pid: u32,
    /// What it is, in a few words.
    pub what: String,
    /// When it began.
    pub started: Option<Timestamp>,
}

/// A directory that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The agent whose it was.
    pub agent: String,
    /// Where it was.
    pub from: String,
    /// Where it is.
    pub to: String,
    /// When.
    pub at: Timestamp,
}

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that the owner of the state directory may still write.
    pub free_bytes: u64,
    /// Files that may still be made; `None` where the file system does not count them.
    pub free_files: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

/// A provider's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// Its name.
    pub host: String,
    /// How many addresses it has, or why none was found.
    pub addresses: Result<usize, String>,
    /// Seconds that its clock is ahead of ours, where it was asked.
    pub clock_ahead: Option<i64>,
}
