//! Everything that is not an answer.

use crate::{Lab, custom_at, key_of, public, question};
use keyshoal_core::{CredentialKind::ApiKey, Secret, VerdictKind};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_providers::{Prober, ProberError, ProberOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

/// A server that answers everything with the same bytes, `times` over, until the client has enough.
fn server(head: &'static str, body: String, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 8192];
            let _read = stream.read(&mut request);
            let _head = stream.write_all(head.as_bytes());
            for _ in 0..times {
                if stream.write_all(body.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    url
}

#[test]
fn nobody_listens() {
    let lab = Lab::new();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let verdict = lab.ask(question(
        custom_at("openai-completions", format!("http://{free}/v1"), None),
        ApiKey,
        "key-a",
    ));
    assert_eq!(verdict.kind, VerdictKind::Connect, "{verdict:?}");
    assert!(verdict.retryable && verdict.http_status.is_none());
}

#[test]
fn a_name_that_does_not_exist() {
    let lab = Lab::new();
    let endpoint = custom_at("openai-completions", "http://keyshoal.invalid/v1".to_owned(), None);
    let verdict = lab.ask(question(endpoint, ApiKey, "key-a"));
    // Without any resolver the lookup may take longer than the test's patience.
    assert!(matches!(verdict.kind, VerdictKind::Dns | VerdictKind::Timeout), "{verdict:?}");
    assert!(verdict.retryable);
}

#[test]
fn no_tls_where_tls_is_expected() {
    let lab = Lab::new();
    let base = lab.emulator.base_url().replace("http://", "https://");
    let verdict =
        lab.ask(question(custom_at("openai-completions", format!("{base}/v1"), None), ApiKey, "key-a"));
    assert_eq!(verdict.kind, VerdictKind::Tls, "{verdict:?}");
}

#[test]
fn a_connection_that_breaks_off() {
    let url = server(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n",
        "{".to_owned(),
        1,
    );
    let lab = Lab::new();
    let verdict =
        lab.ask(question(custom_at("openai-completions", format!("{url}/v1"), None), ApiKey, "key-a"));
    assert_eq!(verdict.kind, VerdictKind::Connect, "{verdict:?}");
}

#[test]
fn a_connection_that_is_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            // Closing with a request unread resets the connection.
            let _waited = stream.peek(&mut [0]);
        }
    });
    let lab = Lab::new();
    let verdict = lab.ask(question(custom_at("openai-completions", url, None), ApiKey, "key-a"));
    assert_eq!(verdict.kind, VerdictKind::Connect, "{verdict:?}");
    assert!(verdict.retryable);
}

#[test]
fn a_refusal_without_end_kills_nobody() {
    let body = format!(r#"{{"error":{{"code":"invalid_api_key","message":"{}"#, "no ".repeat(200));
    let url = server(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n",
        body,
        1_000_000,
    );
    let lab = Lab::with(Config::default(), |options| {
        options.trusted_base_urls.insert("openai".to_owned(), format!("{url}/v1"));
    });
    let verdict = lab.ask(question(public("openai"), ApiKey, &key_of("openai", "mine")));
    assert!(!verdict.kind.is_dead(), "{verdict:?}");
}

#[test]
fn a_list_without_end_is_read_only_at_its_beginning() {
    let body = format!("{{\"object\":\"list\",\"data\":[{}", "{\"id\":\"m\"},".repeat(200));
    let url = server(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n",
        body,
        1_000_000,
    );
    let lab = Lab::with(Config::default(), |options| {
        options.trusted_base_urls.insert("openai".to_owned(), format!("{url}/v1"));
    });
    let verdict = lab.ask(question(public("openai"), ApiKey, &key_of("openai", "mine")));
    assert_eq!(verdict.kind, VerdictKind::Ok, "{verdict:?}");
}

#[test]
fn loopback_is_never_asked_through_a_proxy() {
    let proxy = Emulator::start(Config::default()).expect("an emulator");
    let lab = Lab::with(Config::default(), |options| options.proxy = Some(Secret::new(proxy.base_url())));
    let key = key_of("openai", "mine");
    lab.emulator.accept(&key);
    assert_eq!(lab.ask(question(public("openai"), ApiKey, &key)).kind, VerdictKind::Ok);
    let far = custom_at("openai-completions", "http://far.example/v1".to_owned(), None);
    let verdict = lab.ask(question(far, ApiKey, "key-far"));
    assert!(verdict.advice.is_some_and(|advice| advice.contains("unencrypted")), "plain http is said");
    assert!(
        proxy.log().iter().all(|row| row.key.as_deref() != Some(key.as_str())),
        "the loopback key met the proxy"
    );
    assert!(!proxy.log().is_empty(), "everything else goes through it");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it runs itself again in another environment")]
fn a_system_without_root_certificates_can_ask_all_the_same() {
    let again = std::env::current_exe().expect("this test binary");
    let inner = std::process::Command::new(again)
        .args(["--exact", "network::no_tls_where_tls_is_expected"])
        .envs([("SSL_CERT_FILE", "/nowhere/ca.pem"), ("SSL_CERT_DIR", "/nowhere")])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&inner.stdout).into_owned();
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn what_cannot_be_set_up_says_what_and_where() {
    let with_ca = |path: PathBuf| {
        Prober::new(ProberOptions { ca_file: Some(path), ..ProberOptions::default() }).expect_err("no prober")
    };
    let absent = with_ca(PathBuf::from("/nowhere/ca.pem"));
    assert!(
        matches!(absent, ProberError::CaFile { .. }) && absent.to_string().contains("/nowhere/ca.pem"),
        "{absent}"
    );
    let empty = with_ca(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")));
    assert!(matches!(empty, ProberError::NoCertificate { .. }), "{empty}");
    let proxy =
        Prober::new(ProberOptions { proxy: Some(Secret::new("no address")), ..ProberOptions::default() });
    assert!(matches!(proxy.expect_err("no prober"), ProberError::Proxy));
}
