//! What the emulator knows: keys and how to answer them.

use crate::Behaviour;
use crate::oauth::Tokens;
use crate::record::Log;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;

/// How an emulator starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// Also append every request to this file, one JSON document a line.
    pub log_file: Option<PathBuf>,
    /// How a key is answered that nobody has mentioned.
    pub unknown_keys: Behaviour,
    /// The models that lists name.
    pub models: Vec<String>,
    /// Lets clients steer it over HTTP (`/__ctl`, `/__log`), for emulators that run as their own process.
    pub control: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            log_file: None,
            unknown_keys: Behaviour::Invalid,
            models: vec!["mock-1".to_owned(), "mockb-1".to_owned()],
            control: true,
        }
    }
}

/// Everything that changes while it runs.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) keys: BTreeMap<String, Behaviour>,
    pub(crate) unknown: Behaviour,
    pub(crate) everyone: Option<Behaviour>,
    pub(crate) latency: Duration,
    pub(crate) models: Vec<String>,
    pub(crate) log: Log,
    pub(crate) tokens: Tokens,
    pub(crate) requests: u64,
}

/// The state that the server and its handle share.
#[derive(Debug)]
pub(crate) struct State {
    inner: Mutex<Inner>,
    /// Whether answers are kept back.
    pub(crate) held: watch::Sender<bool>,
    pub(crate) control: bool,
}

impl State {
    pub(crate) fn new(config: &Config) -> io::Result<Self> {
        let inner = Inner {
            keys: BTreeMap::new(),
            unknown: config.unknown_keys,
            everyone: None,
            latency: Duration::ZERO,
            models: config.models.clone(),
            log: Log::open(config.log_file.as_deref())?,
            tokens: Tokens::default(),
            requests: 0,
        };
        Ok(Self { inner: Mutex::new(inner), held: watch::Sender::new(false), control: config.control })
    }

    /// A test that panicked while holding the lock must not hide its own message behind a poisoned one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    pub(crate) fn behaviour_of(&self, key: Option<&str>) -> Behaviour {
        if let Some(everyone) = self.everyone {
            return everyone;
        }
        key.and_then(|key| self.keys.get(key)).copied().unwrap_or(self.unknown)
    }

    pub(crate) fn only_accept<S: AsRef<str>>(&mut self, keys: &[S]) {
        self.keys = keys.iter().map(|key| (key.as_ref().to_owned(), Behaviour::Ok)).collect();
        self.unknown = Behaviour::Invalid;
    }
}
