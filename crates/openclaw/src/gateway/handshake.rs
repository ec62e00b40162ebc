//! Both ways to begin a connection: as a local backend, and as a device with a signed identity.
//!
//! The gateway speaks first (`connect.challenge` with a nonce). On loopback with the shared token a backend client keeps its scopes since
//! 2026.5; 2026.3 strips them from every client without a device identity, and says nothing about it.

use super::client::ConnectOptions;
use super::credentials::{Credential, DeviceIdentity};
use super::frames::{self, Failure, Frame};
use super::wire::{Wait, Wire};
use super::{GatewayError, GatewayWord};
use keyshoal_core::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The scope without which nothing can be reloaded.
pub const ADMIN: &str = "operator.admin";
const SCOPES: [&str; 3] = [ADMIN, "operator.read", "operator.write"];
const CONNECT_ID: &str = "connect";

/// What a gateway says when a connection is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The version of the protocol.
    pub protocol: u64,
    /// Who it is.
    pub word: GatewayWord,
    /// Its methods.
    pub methods: BTreeSet<String>,
    /// Whether this connection may administrate.
    pub admin: bool,
}

/// Connects and waits for the gateway's challenge, which it sends to anyone. Returns the nonce.
pub fn challenge(port: u16, wait: &Wait) -> Result<(Wire, String), GatewayError> {
    let mut wire = Wire::open(port, wait)?;
    loop {
        let frame = frames::read(&wire.receive(wait)?)
            .map_err(|error| GatewayError::NotAGateway { port, why: error.to_string() })?;
        if let Frame::Event { name, payload } = frame
            && name == "connect.challenge"
        {
            let nonce = payload.get("nonce").and_then(Value::as_str).unwrap_or_default().to_owned();
            return Ok((wire, nonce));
        }
    }
}

/// Connects with this credential, with or without a device identity.
pub fn connect(
    options: &ConnectOptions,
    credential: Option<&Credential>,
    device: Option<&DeviceIdentity>,
) -> Result<(Wire, Hello), GatewayError> {
    let port = options.port;
    let wait = Wait::begin("connecting to the gateway", options.timeout);
    let (mut wire, nonce) = challenge(port, &wait)?;
    // Whoever listens can send a challenge. What has sent it is a process by now, and the system knows whose.
    let user = wire.user();
    if !user.is_some_and(|user| options.users.contains(&user)) {
        return Err(GatewayError::Stranger { port, user });
    }
    let params = params(credential, device, &nonce, options.now);
    wire.send(frames::request(CONNECT_ID, "connect", &params), &wait)?;
    loop {
        match frames::read(&wire.receive(&wait)?)? {
            Frame::Response { id, result } if id == CONNECT_ID => {
                return match result {
                    Ok(payload) => Ok((wire, hello(&payload))),
                    Err(failure) => Err(refused(port, credential, device.is_some(), failure)),
                };
            }
            // A gateway may speak of other things first.
            _ => {}
        }
    }
}

fn params(
    credential: Option<&Credential>,
    device: Option<&DeviceIdentity>,
    nonce: &str,
    now: Timestamp,
) -> Value {
    // Early releases keep a list of present clients, in which `cli` does not appear.
    let (id, mode) = if device.is_some() { ("cli", "cli") } else { ("gateway-client", "backend") };
    let mut params = json!({
        "minProtocol": 3,
        "maxProtocol": 4,
        "client": {
            "id": id,
            "displayName": "Keyshoal",
            "version": env!("CARGO_PKG_VERSION"),
            "platform": std::env::consts::OS,
            "mode": mode,
        },
        "role": "operator",
        "scopes": SCOPES,
        "caps": [],
    });
    let token = credential.and_then(|one| one.token.as_ref());
    let password = credential.and_then(|one| one.password.as_ref());
    let mut auth = serde_json::Map::new();
    for (key, secret) in [("token", token), ("password", password)] {
        if let Some(secret) = secret {
            auth.insert(key.into(), secret.reveal_secret().into());
        }
    }
    if !auth.is_empty() {
        params["auth"] = Value::Object(auth);
    }
    if let Some(device) = device {
        let signed_at = now.as_millisecond();
        let scopes = SCOPES.join(",");
        let token = token.map_or("", |token| token.reveal_secret());
        let payload =
            ["v2", device.id(), id, mode, "operator", &scopes, &signed_at.to_string(), token, nonce]
                .join("|");
        params["device"] = json!({
            "id": device.id(),
            "publicKey": device.public_key(),
            "signature": device.sign(payload.as_bytes()),
            "signedAt": signed_at,
            "nonce": nonce,
        });
    }
    params
}

fn hello(payload: &Value) -> Hello {
    let text = |at: &str| payload.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let words = |at: &str| -> Option<BTreeSet<String>> {
        let list = payload.pointer(at)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    Hello {
        protocol: payload.get("protocol").and_then(Value::as_u64).unwrap_or_default(),
        word: GatewayWord {
            version: text("/server/version"),
            state_dir: text("/snapshot/stateDir").map(PathBuf::from),
        },
        methods: words("/features/methods").unwrap_or_default(),
        // Releases that strip scopes in silence (2026.3) say nothing about them here either.
        admin: words("/auth/scopes").is_some_and(|scopes| scopes.contains(ADMIN)),
    }
}

fn refused(port: u16, credential: Option<&Credential>, with_device: bool, failure: Failure) -> GatewayError {
    let why = failure.message.clone();
    let shown: Vec<String> = credential.map(Credential::words).into_iter().collect();
    match failure.detail.as_deref().unwrap_or_default() {
        "PAIRING_REQUIRED" => GatewayError::PairingRequired { port, why },
        "DEVICE_IDENTITY_REQUIRED" => GatewayError::NoAdmin { version: None, with_device },
        detail if detail.starts_with("AUTH_") && shown.is_empty() => GatewayError::NoCredential { port },
        detail if detail.starts_with("AUTH_") || detail.starts_with("DEVICE_AUTH_") => {
            GatewayError::Refused { port, shown, why }
        }
        _ if failure.code == "NOT_PAIRED" => GatewayError::PairingRequired { port, why },
        _ if why.starts_with("unauthorized") && shown.is_empty() => GatewayError::NoCredential { port },
        _ if why.starts_with("unauthorized") => GatewayError::Refused { port, shown, why },
        _ => failure.of_call("connect"),
    }
}
