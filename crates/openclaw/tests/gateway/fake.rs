//! A gateway of our own that does what real ones do, and what they should not.

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use keyshoal_core::{Secret, Timestamp};
use keyshoal_openclaw::gateway::{Client, ConnectOptions, Credentials, GatewayError};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket};

pub const TOKEN: &str = "the-right-token-0123456789";
pub const WRONG: &str = "a-wrong-token-9876543210";
pub const ADMIN: Option<&[&str]> = Some(&["operator.admin"]);
const NONCE: &str = "nonce-77";

pub type Socket = WebSocket<TcpStream>;

/// Who runs this.
pub fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A listener that treats each connection in turn.
pub struct Fake {
    pub port: u16,
}

impl Fake {
    pub fn raw(mut treat: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                treat(stream.unwrap());
            }
        });
        Self { port }
    }

    pub fn new(mut treat: impl FnMut(Socket, Connect) + Send + 'static) -> Self {
        Self::raw(move |stream| {
            // A client that leaves early is none of the fake's business.
            if let Some((socket, connect)) = greet(stream) {
                treat(socket, connect);
            }
        })
    }

    /// Treats everybody as 2026.9 does, and answers every call with these payloads, one after the other.
    pub fn modern(answer: impl Fn(&Value) -> Vec<Value> + Send + 'static) -> Self {
        Self::new(move |mut socket, connect| {
            if !connect.has_right_token() {
                let detail = "AUTH_TOKEN_MISMATCH";
                return refuse(&mut socket, &connect.id, "unauthorized: gateway token mismatch", detail);
            }
            welcome(&mut socket, &connect.id, "2026.9.6", ADMIN);
            while let Some(call) = hear(&mut socket) {
                tell(&mut socket, json!({ "type": "event", "event": "tick", "payload": {} }));
                respond(&mut socket, "somebody-elses", json!({}));
                for payload in answer(&call) {
                    respond(&mut socket, call["id"].as_str().unwrap(), payload);
                }
            }
        })
    }

    /// 2026.3: everybody with the token may connect, and only devices may do anything.
    pub fn early() -> Self {
        Self::new(|mut socket, connect| {
            assert!(connect.has_right_token());
            let device = connect.params.get("device").is_some();
            let genuine = device && connect.device_is_genuine();
            welcome(&mut socket, &connect.id, "2026.3.28", if genuine { ADMIN } else { None });
            while let Some(call) = hear(&mut socket) {
                respond(&mut socket, call["id"].as_str().unwrap(), json!({ "ok": true }));
            }
        })
    }

    pub fn connect(
        &self,
        tokens: &[&str],
        device: Option<&Path>,
        timeout: Duration,
    ) -> Result<Client, GatewayError> {
        self.connect_as(us(), tokens, device, timeout)
    }

    /// Connects for a gateway of which this user would be the owner.
    pub fn connect_as(
        &self,
        user: u32,
        tokens: &[&str],
        device: Option<&Path>,
        timeout: Duration,
    ) -> Result<Client, GatewayError> {
        let mut credentials = Credentials::default();
        for token in tokens {
            credentials.add(Some(Secret::new(*token)), None, "a test");
        }
        Client::connect(&ConnectOptions {
            port: self.port,
            credentials,
            users: vec![user],
            device: device.map(Path::to_owned),
            timeout,
            now: Timestamp::UNIX_EPOCH,
        })
    }
}

/// The request `connect` of a client.
pub struct Connect {
    pub id: String,
    pub params: Value,
}

impl Connect {
    fn text(&self, at: &str) -> &str {
        self.params.pointer(at).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn has_right_token(&self) -> bool {
        self.text("/auth/token") == TOKEN
    }

    /// Checks the device's signature as the real program does.
    fn device_is_genuine(&self) -> bool {
        use base64::Engine;
        let decode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        let raw: [u8; 32] = decode(self.text("/device/publicKey")).try_into().unwrap();
        let key = VerifyingKey::from_bytes(&raw).unwrap();
        let signature = Signature::from_slice(&decode(self.text("/device/signature"))).unwrap();
        let scopes = self.params["scopes"].as_array().unwrap();
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
        let payload = [
            "v2",
            self.text("/device/id"),
            self.text("/client/id"),
            self.text("/client/mode"),
            self.text("/role"),
            &scopes.join(","),
            &self.params["device"]["signedAt"].to_string(),
            self.text("/auth/token"),
            NONCE,
        ]
        .join("|");
        key.verify(payload.as_bytes(), &signature).is_ok()
    }
}

fn greet(stream: TcpStream) -> Option<(Socket, Connect)> {
    let mut socket = tungstenite::accept(stream).ok()?;
    tell(
        &mut socket,
        json!({ "type": "event", "event": "connect.challenge", "payload": { "nonce": NONCE } }),
    );
    let frame = hear(&mut socket)?;
    assert_eq!(frame["method"], "connect");
    let id = frame["id"].as_str()?.to_owned();
    Some((socket, Connect { id, params: frame["params"].clone() }))
}

pub fn tell(socket: &mut Socket, frame: Value) {
    let _ = socket.send(Message::text(frame.to_string()));
}

pub fn hear(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.read().ok()? {
            Message::Text(text) => return serde_json::from_str(text.as_str()).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

pub fn respond(socket: &mut Socket, id: &str, payload: Value) {
    tell(socket, json!({ "type": "res", "id": id, "ok": true, "payload": payload }));
}

pub fn refuse(socket: &mut Socket, id: &str, message: &'static str, detail: &str) {
    let error = json!({ "code": "INVALID_REQUEST", "message": message, "details": { "code": detail } });
    tell(socket, json!({ "type": "res", "id": id, "ok": false, "error": error }));
    hang_up(socket, message);
}

pub fn hang_up(socket: &mut Socket, why: &'static str) {
    let _ = socket.close(Some(CloseFrame { code: 1008.into(), reason: why.into() }));
    let _ = socket.flush();
}

pub fn welcome(socket: &mut Socket, id: &str, version: &str, scopes: Option<&[&str]>) {
    let mut hello = json!({
        "type": "hello-ok",
        "protocol": 4,
        "server": { "version": version, "connId": "c" },
        "features": { "methods": ["secrets.reload"], "events": [] },
        "snapshot": { "stateDir": "/state" },
    });
    if let Some(scopes) = scopes {
        hello["auth"] = json!({ "role": "operator", "scopes": scopes });
    }
    respond(socket, id, hello);
}
