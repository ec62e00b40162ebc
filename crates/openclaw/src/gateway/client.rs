//! Calls to a running gateway over its loopback WebSocket.

use super::{Credentials, DeviceIdentity, GatewayError, GatewayWord};
use keyshoal_core::{AgentId, ProfileId, ProviderId, Secret};
use std::time::{Duration, Instant};

/// How to connect.
#[derive(Debug)]
pub struct ConnectOptions {
    /// The port on loopback.
    pub port: u16,
    /// What to show.
    pub credentials: Credentials,
    /// A device identity, if the person allows one. Used only when the plain way gives no admin right.
    pub device: Option<DeviceIdentity>,
    /// Longest wait for the connection and for each ordinary answer.
    pub timeout: Duration,
}

/// A connection to a gateway.
#[derive(Debug)]
pub struct Client {
    word: GatewayWord,
}

/// The answer to `secrets.reload` and `models.authRefresh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// How many warnings the gateway has about references, where it says so.
    pub warnings: Option<u64>,
}

/// The answer to `gateway.restart.request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarting {
    /// What the gateway says it will do, in its own words.
    pub word: String,
}

/// What `models.authStatus` says of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthStatus {
    /// Its provider.
    pub provider: ProviderId,
    /// The profile.
    pub profile: ProfileId,
    /// `saved`, `inherited`, `config` or `external`.
    pub source: Option<String>,
    /// `ok`, `expired`, `missing`, …
    pub status: String,
}

/// The answer to `models.probe`: a real completion with what the gateway holds in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The provider.
    pub provider: ProviderId,
    /// The profile that the gateway says it used. Not proof: see the false positives in the documentation of [`Client::probe`].
    pub profile: Option<ProfileId>,
    /// What came of it.
    pub status: ProbeStatus,
    /// The gateway's own words about a failure, cut to a line, without secrets.
    pub error: Option<String>,
}

/// Says what came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeStatus {
    /// A completion came back.
    Ok,
    /// The provider refused the credential.
    Auth,
    /// Too many requests.
    RateLimit,
    /// No credit.
    Billing,
    /// No answer in time.
    Timeout,
    /// Nothing certain (`unknown`, `format`, `no_model`, …), in the gateway's word.
    Other(String),
}

/// What came of a question to an agent, judged by content and never by status alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The agent answered: its text, cut to a line.
    Answered(String),
    /// The provider refused the agent's credential.
    AuthFailed(String),
    /// Something else went wrong, in the gateway's own words.
    Failed(String),
    /// This gateway cannot be asked in a way that can be believed, and why.
    CannotTell(String),
}

impl Client {
    /// Connects and proves that the connection may administrate.
    pub fn connect(options: &ConnectOptions) -> Result<Self, GatewayError> {
        Err(GatewayError::NotRunning { port: options.port })
    }

    /// Returns what the gateway says of itself.
    pub fn word(&self) -> &GatewayWord {
        &self.word
    }

    /// Tells whether the gateway lists this method.
    pub fn has(&self, _method: &str) -> bool {
        false
    }

    /// Makes the gateway read all stores and references again (every release).
    pub fn secrets_reload(&mut self) -> Result<Reloaded, GatewayError> {
        Err(GatewayError::NoSuchMethod { method: "secrets.reload".into() })
    }

    /// The same by `models.authRefresh` (2026.9.5 and later). `agent` is mandatory with several agents; all are refreshed.
    pub fn auth_refresh(&mut self, _agent: &AgentId) -> Result<Reloaded, GatewayError> {
        Err(GatewayError::NoSuchMethod { method: "models.authRefresh".into() })
    }

    /// Asks what the gateway thinks of every profile, without secrets.
    pub fn auth_status(&mut self, _refresh: bool) -> Result<Vec<AuthStatus>, GatewayError> {
        Err(GatewayError::NoSuchMethod { method: "models.authStatus".into() })
    }

    /// Asks a provider through the gateway with the gateway's own in-memory credential (2026.8 and later).
    pub fn probe(
        &mut self,
        _provider: &ProviderId,
        _agent: &AgentId,
        _profile: Option<&ProfileId>,
    ) -> Result<ProbeAnswer, GatewayError> {
        Err(GatewayError::NoSuchMethod { method: "models.probe".into() })
    }

    /// Asks the gateway to restart itself, where it can.
    pub fn request_restart(&mut self, _reason: &str) -> Result<Restarting, GatewayError> {
        Err(GatewayError::NoSuchMethod { method: "gateway.restart.request".into() })
    }

    /// Asks an agent something through the gateway and judges its answer.
    pub fn ask(&mut self, _agent: &AgentId, _prompt: &str, _limit: Duration) -> Result<Answer, GatewayError> {
        Err(GatewayError::NoSuchMethod { method: "agent".into() })
    }
}

/// Waits until a gateway on this port is ready for work, at most until `deadline`.
pub fn wait_ready(port: u16, deadline: Instant) -> Result<(), GatewayError> {
    let _ = (port, deadline);
    Err(GatewayError::NotRunning { port })
}

/// Asks an agent over `/v1/chat/completions`, where the gateway offers it.
pub fn chat(
    port: u16,
    token: Option<&Secret>,
    agent: &AgentId,
    prompt: &str,
    limit: Duration,
) -> Result<Answer, GatewayError> {
    let _ = (token, agent, prompt, limit);
    Err(GatewayError::NotRunning { port })
}
