//! The gateway client against a gateway of our own.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fall over, and writes its own files"
)]

mod applied;
mod discovery;
mod fake;

use fake::{ADMIN, Fake, TOKEN, WRONG, hang_up, hear, refuse, respond, tell, us, welcome};
use keyshoal_core::{AgentId, ProfileId, Timestamp};
use keyshoal_openclaw::gateway::{
    Answer, Client, ConnectOptions, Credentials, DeviceIdentity, GatewayError, ProbeStatus, is_ready,
};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;
use tungstenite::Message;

/// Longer than any of these tests needs, unless it is about waiting.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

fn says_no_secret(error: &GatewayError) {
    for text in [error.to_string(), format!("{error:?}"), error.hint()] {
        assert!(!text.contains(TOKEN) && !text.contains(WRONG), "{text}");
    }
}

#[test]
fn a_local_backend_keeps_its_rights() {
    let fake = Fake::modern(|_| vec![json!({ "ok": true, "warningCount": 2 })]);
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    assert_eq!(client.word().version.as_deref(), Some("2026.9.6"));
    assert_eq!(client.word().state_dir.as_deref(), Some(std::path::Path::new("/state")));
    assert!(!client.with_device());
    assert_eq!(client.secrets_reload().unwrap().warnings, Some(2));
}

#[test]
fn an_answer_that_does_not_confirm_is_no_success() {
    let fake = Fake::modern(|_| vec![json!({ "ok": false })]);
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    assert!(matches!(client.secrets_reload(), Err(GatewayError::Protocol { .. })));
    assert!(matches!(client.auth_refresh(&AgentId::from("main")), Err(GatewayError::Protocol { .. })));
}

#[test]
fn another_token_is_tried_where_one_is_refused_and_no_token_is_ever_said() {
    let fake = Fake::modern(|_| Vec::new());
    assert!(fake.connect(&[WRONG, TOKEN], None, LONG).is_ok());
    let error = fake.connect(&[WRONG], None, LONG).unwrap_err();
    assert!(matches!(error, GatewayError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("refused the token of a test: unauthorized"), "{error}");
    says_no_secret(&error);
    let error = fake.connect(&[], None, LONG).unwrap_err();
    assert!(matches!(error, GatewayError::NoCredential { .. }), "{error}");
}

#[test]
fn rights_that_are_stripped_in_silence_are_noticed() {
    let error = Fake::early().connect(&[TOKEN], None, LONG).unwrap_err();
    assert_eq!(error, GatewayError::NoAdmin { version: Some("2026.3.28".into()), with_device: false });
    assert!(error.hint().contains("--allow-device"));
    assert!(!error.retryable());
}

#[test]
fn a_device_identity_gives_them_back() {
    let dir = tempfile::tempdir().unwrap();
    let device = dir.path().join("device.json");
    let mut client = Fake::early().connect(&[TOKEN], Some(&device), LONG).unwrap();
    assert!(client.with_device());
    client.secrets_reload().unwrap();
    let kept = DeviceIdentity::load_or_create(&device).unwrap();
    let again = Fake::early().connect(&[TOKEN], Some(&device), LONG).unwrap();
    assert!(again.with_device());
    assert_eq!(DeviceIdentity::load_or_create(&device).unwrap().id(), kept.id());
}

#[test]
fn no_device_identity_is_made_where_none_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let device = dir.path().join("device.json");
    assert!(Fake::modern(|_| Vec::new()).connect(&[TOKEN], Some(&device), LONG).is_ok());
    assert!(Fake::modern(|_| Vec::new()).connect(&[WRONG], Some(&device), LONG).is_err());
    assert!(!device.exists());
}

#[test]
fn what_belongs_to_another_user_is_shown_nothing() {
    let (send, heard) = std::sync::mpsc::channel();
    let fake = Fake::new(move |_, connect| send.send(connect.params).unwrap());
    let error = fake.connect_as(us() + 1, &[TOKEN], None, LONG).unwrap_err();
    assert_eq!(error, GatewayError::Stranger { port: fake.port, user: Some(us()) });
    assert!(heard.recv_timeout(SHORT).is_err(), "it was shown the token");
}

#[test]
fn a_device_that_must_be_approved_says_so() {
    let fake = Fake::new(|mut socket, connect| {
        if connect.params.get("device").is_some() {
            refuse(&mut socket, &connect.id, "pairing required", "PAIRING_REQUIRED");
        } else {
            welcome(&mut socket, &connect.id, "2026.3.28", None);
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let device = dir.path().join("device.json");
    let error = fake.connect(&[TOKEN], Some(&device), LONG).unwrap_err();
    assert!(matches!(error, GatewayError::PairingRequired { .. }), "{error}");
}

#[test]
fn a_close_is_told_with_its_code() {
    let fake = Fake::new(|mut socket, _| hang_up(&mut socket, "service restart"));
    let error = fake.connect(&[TOKEN], None, LONG).unwrap_err();
    assert_eq!(error, GatewayError::Closed { code: Some(1008), why: "service restart".into() });
    assert!(error.retryable());
}

#[test]
fn a_message_without_end_is_not_read() {
    let fake = Fake::raw(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let _ = socket.send(Message::text("x".repeat(9 << 20)));
    });
    let error = fake.connect(&[TOKEN], None, LONG).unwrap_err();
    assert!(error.to_string().contains("at most"), "{error}");
}

#[test]
fn silence_ends() {
    let mut held = Vec::new();
    let fake = Fake::raw(move |stream| held.push(stream));
    let error = fake.connect(&[TOKEN], None, SHORT).unwrap_err();
    assert!(matches!(error, GatewayError::Timeout { .. }), "{error}");
}

#[test]
fn a_drip_ends_too() {
    let fake = Fake::raw(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        // Each byte comes long before any single read would give up.
        while stream.write_all(b"H").is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert!(fake.connect(&[TOKEN], None, SHORT).is_err());
}

#[test]
fn a_web_server_is_no_gateway() {
    let fake = Fake::raw(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    });
    let error = fake.connect(&[TOKEN], None, LONG).unwrap_err();
    assert!(matches!(error, GatewayError::NotAGateway { .. }), "{error}");
    assert!(!is_ready(fake.port));
}

#[test]
fn a_gateway_that_greets_in_another_tongue_is_none() {
    let fake = Fake::raw(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        let _ = socket.send(Message::text("hello"));
    });
    let error = fake.connect(&[TOKEN], None, LONG).unwrap_err();
    assert!(matches!(error, GatewayError::NotAGateway { .. }), "{error}");
}

#[test]
fn nobody_there_is_said_at_once() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let credentials = Credentials::default();
    let now = Timestamp::UNIX_EPOCH;
    let options = ConnectOptions { port, credentials, users: vec![us()], device: None, timeout: LONG, now };
    assert_eq!(Client::connect(&options).unwrap_err(), GatewayError::NotRunning { port });
}

#[test]
fn an_unknown_method_is_told_apart() {
    let fake = Fake::new(|mut socket, connect| {
        welcome(&mut socket, &connect.id, "2026.8.2", ADMIN);
        while let Some(call) = hear(&mut socket) {
            let error = json!({ "code": "INVALID_REQUEST", "message": "unknown method: models.authRefresh" });
            tell(&mut socket, json!({ "type": "res", "id": call["id"], "ok": false, "error": error }));
        }
    });
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    let error = client.auth_refresh(&AgentId::from("main")).unwrap_err();
    assert_eq!(error, GatewayError::NoSuchMethod { method: "models.authRefresh".into() });
}

/// What a probe of stocks' `mock:default` says when the gateway answers this.
fn probed(answer: Value) -> Result<Option<ProbeStatus>, GatewayError> {
    let fake = Fake::modern(move |_| vec![answer.clone()]);
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    let profile = ProfileId::from("mock:default");
    let answer = client.probe(&"mock".into(), &"stocks".into(), Some(&profile))?;
    Ok(answer.of(&profile).cloned())
}

#[test]
fn a_probe_is_believed_of_the_profile_and_agent_that_it_was_made_for() {
    let target = |profile: &str, status: &str| json!({ "profileId": profile, "status": status });
    let answer = |results: Vec<Value>| json!({ "status": "ok", "results": results });
    let ok = target("mock:default", "ok");
    assert_eq!(probed(answer(vec![ok.clone()])), Ok(Some(ProbeStatus::Ok)));
    assert_eq!(probed(answer(vec![target("mock:default", "auth")])), Ok(Some(ProbeStatus::Auth)));
    assert_eq!(probed(answer(vec![target("mock:other", "ok")])), Ok(None));
    assert_eq!(probed(answer(vec![target("mock:default", "auth"), target("mock:other", "ok")])), Ok(None));
    assert_eq!(probed(answer(Vec::new())), Ok(None), "nothing was asked");
    let of_main = json!({ "status": "ok", "agentId": "main", "results": [ok] });
    assert!(probed(of_main).unwrap_err().to_string().contains("answered about main"));
}

fn answered(last: Value) -> Answer {
    let fake = Fake::modern(move |call| match call["method"].as_str() {
        Some("agent") => vec![json!({ "status": "accepted" }), last.clone()],
        _ => vec![json!({ "ok": true })],
    });
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    client.ask(&AgentId::from("stocks"), "ping", "run-1", LONG).unwrap()
}

#[test]
fn an_agent_is_judged_by_what_it_says() {
    let real = json!({ "status": "ok", "result": {
        "payloads": [{ "text": "pong" }],
        "meta": { "agentMeta": { "provider": "mock", "model": "small", "usage": { "output": 3 } } } } });
    let by = (Some("mock".to_owned()), Some("small".to_owned()));
    assert_eq!(answered(real), Answer::Answered { text: "pong".into(), provider: by.0, model: by.1 });

    // 2026.3.28 says `ok` around a refused key.
    let refused = json!({ "status": "ok", "summary": "completed", "result": {
        "payloads": [{ "text": "401 Incorrect API key provided" }],
        "meta": { "stopReason": "error", "agentMeta": { "usage": { "output": 0 } } } } });
    assert_eq!(answered(refused), Answer::AuthFailed("401 Incorrect API key provided".into()));

    let nothing = json!({ "status": "ok", "result": { "payloads": [], "meta": {} } });
    assert!(matches!(answered(nothing), Answer::Failed(_)));

    // A model may well talk about keys.
    let talk = json!({ "status": "ok", "result": {
        "payloads": [{ "text": "An API key is a secret." }],
        "meta": { "agentMeta": { "provider": "mock", "usage": { "output": 9 } } } } });
    assert!(matches!(answered(talk), Answer::Answered { .. }));
}

#[test]
fn the_end_of_the_connection_marks_a_restart() {
    let fake = Fake::new(|mut socket, connect| {
        welcome(&mut socket, &connect.id, "2026.9.6", ADMIN);
        let call = hear(&mut socket).unwrap();
        let answer = json!({ "ok": true, "status": "scheduled", "restart": { "pid": 7 } });
        respond(&mut socket, call["id"].as_str().unwrap(), answer);
        tell(&mut socket, json!({ "type": "event", "event": "shutdown", "payload": {} }));
        hang_up(&mut socket, "service restart");
    });
    let mut client = fake.connect(&[TOKEN], None, LONG).unwrap();
    let asked = client.request_restart("a test").unwrap();
    assert_eq!((asked.status.as_str(), asked.pid), ("scheduled", Some(7)));
    assert!(client.wait_closed(LONG).unwrap(), "it said that it goes down");
}

#[test]
fn a_connection_that_ends_without_a_word_marks_none() {
    let fake = Fake::new(|mut socket, connect| {
        welcome(&mut socket, &connect.id, "2026.9.6", ADMIN);
        hang_up(&mut socket, "slow consumer");
    });
    let client = fake.connect(&[TOKEN], None, LONG).unwrap();
    assert!(!client.wait_closed(LONG).unwrap());
}
