//! One local installation: where it is, what may be done with it, and what this process holds of it.

use crate::book::Book;
use crate::observe::Snapshot;
use crate::open::OpenError;
use keyshoal_core::record::LogPlace;
use keyshoal_core::{Fingerprint, Fingerprints, GatewayView, InstanceId, Secret, Timestamp};
use keyshoal_engine::ports::PortError;
use keyshoal_ledger::{Adopt, Identity, Ledger, PastLook};
use keyshoal_openclaw::Environment;
use keyshoal_openclaw::config;
use keyshoal_openclaw::layout::GatewayWord;
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::store::Safety;
use keyshoal_seal::FingerprintKey;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How an installation is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// The environment, as the caller wants it seen.
    pub env: Environment,
    /// Where keys and the device identity are kept; by default `keyshoal` in the user's config directory.
    pub keys_dir: Option<PathBuf>,
    /// Ask no provider.
    pub offline: bool,
    /// Send at most so many requests to providers; `None` for as many as there are questions.
    pub max_requests: Option<u32>,
    /// Further root certificates for asking providers, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// A device identity of our own may be made and shown to gateways that demand one.
    pub allow_device: bool,
    /// A gateway token from the caller.
    pub gateway_token: Option<Secret>,
    /// The person's own command that restarts the gateway.
    pub restart_command: Option<String>,
    /// How long to wait for another Keyshoal.
    pub wait_for_lock: Duration,
    /// Ask each agent through the gateway after a run, where that can be believed. It costs a real completion each.
    pub ask_agents: bool,
    /// Its memory is only read: nothing of it is made, and nothing that has become old is forgotten.
    pub read_only: bool,
    /// Tells which release of the program is installed on this machine; asked once at most, where nothing else tells.
    pub installed: AskRelease,
    /// Protections; a test turns one off to see that it matters.
    pub guards: Guards,
}

/// Asks the program on this machine which release it is.
#[derive(Clone, Default)]
pub struct AskRelease(Option<Arc<dyn Fn() -> Option<String> + Send + Sync>>);

impl AskRelease {
    /// Asks it by this.
    pub fn by(ask: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }
}

impl std::fmt::Debug for AskRelease {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("AskRelease")
    }
}

/// Protections of a run.
#[derive(Clone, Copy, Debug)]
pub struct Guards {
    /// Those of the stores.
    pub stores: Safety,
    /// Compare the expected fingerprint under the store's lock.
    pub compare: bool,
    /// Make the gateway read its stores again.
    pub reload: bool,
    /// Reset authentication cooldowns of replaced values.
    pub reset_cooldowns: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self { stores: Safety::default(), compare: true, reload: true, reset_cooldowns: true }
    }
}

/// One local installation of OpenClaw.
#[derive(Debug)]
pub struct Installation {
    pub(crate) locations: Locations,
    pub(crate) env: Environment,
    pub(crate) options: OpenOptions,
    pub(crate) keys_dir: PathBuf,
    pub(crate) prints: crate::referred::Prints,
    pub(crate) ledger: Ledger,
    pub(crate) book: Book,
    pub(crate) state: Mutex<State>,
    installed: OnceLock<Option<String>>,
    notes: Vec<String>,
}

/// What this process learned on its way.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The newest look.
    pub seen: Option<Arc<Snapshot>>,
    /// What the gateway said of itself, and which process that was.
    pub word: Option<(Life, GatewayWord)>,
    /// How many requests were sent to providers.
    pub requests: u32,
    /// Who tells what the vault wants by now.
    pub listening: Option<crate::vaulted::Listening>,
    /// Why the vault that says what is right could not be heard, if so, and what helps.
    pub unheard: Option<(String, String)>,
    /// Whether what the vault wants was let go of, so that the next look asks for all of it.
    pub rested: bool,
    /// What the instance's vault wants.
    pub wish: Option<keyshoal_core::Wish>,
    /// The fingerprints of its values.
    pub held_prints: std::collections::BTreeMap<(keyshoal_core::vault::CredentialUid, u32), Fingerprint>,
    /// What it wants of the config.
    pub config_wish: Option<crate::ConfigWish>,
    /// What it wants of the file that references lead to.
    pub delivery: Option<crate::referred::Wanted>,
    /// What came of the config, where a run wrote it before the stores.
    pub configured: Option<keyshoal_core::StepState>,
    /// The config that is ready to be written.
    pub prepared: Option<crate::configure::Prepared>,
    /// What of the config was left as it is when it was last prepared.
    pub held: Vec<keyshoal_core::ConfigHeld>,
    /// What of that somebody has changed.
    pub by_hand: Vec<keyshoal_openclaw::config::by_hand::ByHand>,
    /// The agents of the config that the vault has never heard of.
    pub strangers: Vec<keyshoal_core::AgentId>,
    /// The run lock, while a run is open.
    pub run: Option<crate::change::OpenRun>,
    /// The run lock, while it is kept for more than one run.
    pub kept_lock: Option<Arc<keyshoal_ledger::RunLock>>,
}

/// One process: its number and when it began.
type Life = (u32, Timestamp);

fn life(gateway: &GatewayView) -> Option<Life> {
    Some((gateway.pid?, gateway.started?))
}

impl Installation {
    /// Finds and opens an installation. Writes nothing but the ledger's own files and keys.
    pub fn open(options: OpenOptions) -> Result<Self, OpenError> {
        let opened = crate::open::open(&options)?;
        Ok(Self {
            locations: opened.locations,
            env: options.env.clone(),
            keys_dir: opened.keys_dir,
            prints: crate::referred::Prints::new(opened.prints),
            ledger: opened.ledger,
            book: Book::default(),
            state: Mutex::default(),
            installed: OnceLock::new(),
            notes: opened.notes,
            options,
        })
    }

    /// Returns what the person should know about how it was opened (an empty memory, another user's files, …).
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the state directory.
    pub fn state_dir(&self) -> &Path {
        &self.locations.state_dir
    }

    /// Returns the config file.
    pub fn config_path(&self) -> &Path {
        &self.locations.config_path
    }

    /// Returns where everything is.
    pub fn locations(&self) -> &Locations {
        &self.locations
    }

    /// Returns the environment that it was opened with.
    pub fn environment(&self) -> &Environment {
        &self.env
    }

    /// Returns the key that fingerprints of this installation are made with.
    pub fn fingerprints(&self) -> &FingerprintKey {
        &self.prints.key
    }

    /// Returns our id of the instance.
    pub fn instance_id(&self) -> Option<InstanceId> {
        (!self.ledger.is_ephemeral()).then(|| self.ledger.instance())
    }

    /// Says whether the ledger lies where it belongs; while that is not certain, every writing command refuses.
    pub fn identity(&self) -> Identity {
        self.ledger.identity()
    }

    /// Answers the question whose directory a copied one is.
    pub fn adopt(&self, how: Adopt) -> Result<Identity, PortError> {
        self.ledger.adopt(how).map_err(crate::remember::port_error)
    }

    /// Makes it the instance that a vault knows by this id: its own memory of that was lost.
    pub fn become_instance(&self, id: &InstanceId) -> Result<(), PortError> {
        self.ledger.become_instance(id).map_err(crate::remember::port_error)
    }

    /// Enters a value that the person has given and returns its fingerprint.
    pub fn enter(&self, secret: Secret, expires: Option<i64>) -> Fingerprint {
        self.book.enter_given(secret, expires, &self.prints)
    }

    /// Returns a text without any secret that was seen at this installation, whatever put it there.
    pub fn scrubbed(&self, text: String) -> String {
        self.book.scrubbed(text)
    }

    /// Returns what the program's log says of credentials between two looks, or why nothing is known.
    pub fn log_between(&self, from: Option<&LogPlace>, to: &LogPlace) -> Result<Vec<String>, String> {
        keyshoal_openclaw::examine::logs::between(from, to)
    }

    /// Returns the config's shape, as it may be shown to strangers.
    pub fn config_outline(&self) -> Result<serde_json::Value, PortError> {
        config::outline(&self.locations).map_err(|error| PortError {
            message: error.to_string(),
            hint: None,
            retryable: false,
        })
    }

    /// Returns the looks of the past, the newest first.
    pub fn looks(&self, limit: u32) -> Result<Vec<PastLook>, PortError> {
        self.ledger.looks(limit).map_err(crate::remember::port_error)
    }

    pub(crate) fn prints(&self) -> &dyn Fingerprints {
        &self.prints
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn seen(&self) -> Option<Arc<Snapshot>> {
        self.state().seen.clone()
    }

    /// Returns which release of the program is installed on this machine, as it says it.
    pub fn installed_release(&self) -> Option<String> {
        self.installed.get_or_init(|| self.options.installed.0.as_ref().and_then(|ask| ask())).clone()
    }

    /// Returns what this very process said of itself. The word of one that has ended since counts no more: another release may run now.
    pub(crate) fn gateway_word(&self, gateway: &GatewayView) -> Option<GatewayWord> {
        let (of, word) = self.state().word.clone()?;
        (life(gateway) == Some(of)).then_some(word)
    }

    /// Remembers what a gateway said of itself, where it can be told which process that was.
    pub(crate) fn remember_word(&self, word: &GatewayWord, gateway: &GatewayView) {
        self.state().word = life(gateway).map(|of| (of, word.clone()));
    }
}
