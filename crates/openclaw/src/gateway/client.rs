//! A connection to a running gateway, and calls over it.

use super::frames::{self, Frame};
use super::handshake::{self, Hello};
use super::wire::{Wait, Wire};
use super::{Credentials, DeviceIdentity, GatewayError, GatewayWord, Restarting, ready};
use keyshoal_core::Timestamp;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// How to connect.
#[derive(Debug)]
pub struct ConnectOptions {
    /// The port on loopback.
    pub port: u16,
    /// What to show, best first. Empty for a gateway that wants nothing.
    pub credentials: Credentials,
    /// The users whose processes may be shown that; see [`super::trusted_users`].
    pub users: Vec<u32>,
    /// The file of a device identity, if the person allows one. Read, and made, only when the plain way gives no admin right (2026.3).
    pub device: Option<PathBuf>,
    /// Longest wait for the connection and for each ordinary answer.
    pub timeout: Duration,
    /// The time, for the device's signature: gateways accept a few minutes of difference.
    pub now: Timestamp,
}

/// A connection to a gateway that may administrate.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    hello: Hello,
    with_device: bool,
    port: u16,
    timeout: Duration,
    calls: u64,
}

impl Client {
    /// Connects and proves that the connection may administrate.
    ///
    /// # Errors
    /// [`GatewayError::NoAdmin`] when the gateway gives rights to devices only and none was allowed; otherwise why it refused.
    pub fn connect(options: &ConnectOptions) -> Result<Self, GatewayError> {
        let mut last = None;
        let mut refused_before: Vec<String> = Vec::new();
        let mut ways: Vec<_> = options.credentials.ways.iter().map(Some).collect();
        if ways.is_empty() {
            ways.push(None);
        }
        for way in ways {
            let attempt = |device| handshake::connect(options, way, device);
            let plain = attempt(None);
            let (without, version) = match plain {
                Ok((wire, hello)) if hello.admin => return Ok(Self::new(wire, hello, false, options)),
                Ok((mut wire, hello)) => {
                    wire.close();
                    (true, hello.word.version)
                }
                Err(GatewayError::NoAdmin { .. }) => (true, None),
                Err(GatewayError::Refused { port, shown, why }) => {
                    refused_before.extend(shown);
                    let shown = refused_before.clone();
                    last = Some(GatewayError::Refused { port, shown, why });
                    (false, None)
                }
                Err(error) => {
                    last = Some(error);
                    (false, None)
                }
            };
            if without {
                let Some(device) = &options.device else {
                    return Err(match way {
                        Some(_) => GatewayError::NoAdmin { version, with_device: false },
                        None => GatewayError::NoCredential { port: options.port },
                    });
                };
                let device = DeviceIdentity::load_or_create(device)?;
                return match attempt(Some(&device))? {
                    (wire, hello) if hello.admin => Ok(Self::new(wire, hello, true, options)),
                    (_, hello) => {
                        Err(GatewayError::NoAdmin { version: hello.word.version, with_device: true })
                    }
                };
            }
            // Another token helps only where this one was refused.
            if !matches!(last, Some(GatewayError::Refused { .. } | GatewayError::NoCredential { .. })) {
                break;
            }
        }
        Err(last.unwrap_or(GatewayError::NoCredential { port: options.port }))
    }

    fn new(wire: Wire, hello: Hello, with_device: bool, options: &ConnectOptions) -> Self {
        Self { wire, hello, with_device, port: options.port, timeout: options.timeout, calls: 0 }
    }

    /// Returns what the gateway says of itself.
    pub fn word(&self) -> &GatewayWord {
        &self.hello.word
    }

    /// Returns the version of the protocol that was agreed on.
    pub fn protocol(&self) -> u64 {
        self.hello.protocol
    }

    /// Tells whether the rights come from a device identity.
    pub fn with_device(&self) -> bool {
        self.with_device
    }

    /// Tells whether the gateway lists this method. Some releases leave methods out of the list that they have.
    pub fn has(&self, method: &str) -> bool {
        self.hello.methods.contains(method)
    }

    /// Calls a method and returns what it answers.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value, GatewayError> {
        self.call_within(method, params, self.timeout)
    }

    /// Calls a method that may take longer.
    pub fn call_within(
        &mut self,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, GatewayError> {
        let wait = Wait::begin(method, limit);
        let id = self.send(method, params, &wait)?;
        self.answer(method, &id, &wait)
    }

    /// Calls a method that first says `accepted` and answers later.
    pub(super) fn call_to_end(
        &mut self,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, GatewayError> {
        let wait = Wait::begin(method, limit);
        let id = self.send(method, params, &wait)?;
        loop {
            let answer = self.answer(method, &id, &wait)?;
            if answer.get("status").and_then(Value::as_str) != Some("accepted") {
                return Ok(answer);
            }
        }
    }

    /// Asks the gateway to restart itself, and waits until it has gone down and is ready again, each at most for `limit`.
    ///
    /// Waiting for readiness alone would be too early: the old one answers for a while (9.6: 0.1 s; with turns under way, until they end).
    pub fn restart(mut self, reason: &str, limit: Duration) -> Result<Restarting, GatewayError> {
        let port = self.port;
        let mut asked = self.request_restart(reason)?;
        asked.announced = self.wait_closed(limit)?;
        ready::wait_ready(port, limit)?;
        Ok(asked)
    }

    /// Waits until the gateway ends this connection, as it does when it stops or restarts. The process may stay the same.
    ///
    /// Returns whether it said that it goes down; a connection may end for other reasons as well.
    pub fn wait_closed(mut self, limit: Duration) -> Result<bool, GatewayError> {
        const SERVICE_RESTART: u16 = 1012;
        let wait = Wait::begin("waiting for the gateway to go down", limit);
        let mut announced = false;
        loop {
            match self.wire.receive(&wait) {
                Ok(text) => {
                    announced |=
                        matches!(frames::read(&text), Ok(Frame::Event { name, .. }) if name == "shutdown");
                }
                Err(error @ GatewayError::Timeout { .. }) => return Err(error),
                Err(GatewayError::Closed { code, .. }) => {
                    return Ok(announced || code == Some(SERVICE_RESTART));
                }
                Err(_) => return Ok(announced),
            }
        }
    }

    fn send(&mut self, method: &str, params: &Value, wait: &Wait) -> Result<String, GatewayError> {
        self.calls += 1;
        let id = format!("call-{}", self.calls);
        self.wire.send(frames::request(&id, method, params), wait)?;
        Ok(id)
    }

    fn answer(&mut self, method: &str, id: &str, wait: &Wait) -> Result<Value, GatewayError> {
        loop {
            // Events (ticks, health, presence) come in between; they are not for us.
            if let Frame::Response { id: of, result } = frames::read(&self.wire.receive(wait)?)?
                && of == id
            {
                return result.map_err(|failure| match failure.of_call(method) {
                    GatewayError::NoAdmin { .. } => GatewayError::NoAdmin {
                        version: self.hello.word.version.clone(),
                        with_device: self.with_device,
                    },
                    other => other,
                });
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.wire.close();
    }
}
