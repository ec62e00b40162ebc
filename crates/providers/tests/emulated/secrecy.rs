//! A credential must not be where it does not belong.

use crate::{Lab, custom_at, key_of, public, question};
use keyshoal_core::{CredentialKind::ApiKey, Secret, VerdictKind};
use keyshoal_emulator::Behaviour;
use keyshoal_providers::{Prober, ProberOptions};
use std::io::{Read, Write};
use std::net::TcpListener;

/// A server that repeats the credential it was sent, as LiteLLM does in `param` and Google in its message.
fn parrot(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
            let key = line.and_then(|line| line.split_whitespace().last()).unwrap_or("none").to_owned();
            let body = serde_json::json!({"error": {"message": format!("Consumer 'api_key:{key}' is odd"), "param": key, "type": key, "code": key}});
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-request-id: {key}\r\nlocation: http://127.0.0.1:1/{key}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _sent = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}

#[test]
fn a_provider_that_repeats_the_key_does_not_get_it_into_a_verdict() {
    for status in
        ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "307 Temporary Redirect", "500 Oops"]
    {
        let lab = Lab::new();
        let key = "fk-very-secret-material-0123456789";
        let endpoint = custom_at("openai-completions", format!("{}/v1", parrot(status)), Some("mock-1"));
        let asked = question(endpoint, ApiKey, key);
        let shown = format!("{asked:?} {:?}", lab.prober);
        let verdict = lab.ask(asked);
        let printed = format!("{shown} {verdict:?} {}", serde_json::to_string(&verdict).expect("JSON"));
        for part in key.as_bytes().windows(10) {
            let part = std::str::from_utf8(part).expect("ascii");
            assert!(!printed.contains(part), "{status}: {printed}");
        }
    }
}

#[test]
fn the_password_of_a_proxy_is_never_printed() {
    let proxy = Secret::new("http://me:hush-hush@127.0.0.1:9");
    let options = ProberOptions { proxy: Some(proxy), ..ProberOptions::default() };
    let shown = format!("{options:?}");
    let prober = Prober::new(options).expect("a prober");
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!format!("{prober:?}").contains("hush"), "{prober:?}");
}

#[test]
fn a_redirect_carries_no_credential_anywhere() {
    let lab = Lab::new();
    for provider in ["openai", "anthropic", "google", "openrouter"] {
        let key = key_of(provider, "mine");
        lab.emulator.reject(&key, Behaviour::Redirect);
        let verdict = lab.ask(question(public(provider), ApiKey, &key));
        assert_eq!(verdict.kind, VerdictKind::UnexpectedAnswer);
        assert_eq!(verdict.http_status, Some(307));
        assert_eq!(lab.asked_with(&key).len(), 1);
    }
    assert!(lab.emulator.log().iter().all(|row| !row.path.starts_with("/elsewhere")));
}

#[test]
fn a_credential_is_sent_in_its_own_header_and_never_in_the_address() {
    let lab = Lab::new();
    for provider in ["openai", "anthropic", "google", "openrouter"] {
        let key = key_of(provider, "mine");
        lab.emulator.accept(&key);
        assert_eq!(lab.ask(question(public(provider), ApiKey, &key)).kind, VerdictKind::Ok);
        assert!(lab.emulator.log().iter().all(|row| !row.path.contains(&key)));
    }
    let agents: Vec<Option<String>> = lab.emulator.log().into_iter().map(|row| row.user_agent).collect();
    assert!(agents.iter().all(|agent| agent.as_deref().is_some_and(|agent| agent.starts_with("keyshoal/"))));
}
