//! Asking as the agent's config wants it: headers, `authHeader`, a proxy; and when nobody can be asked so.

use crate::{Lab, custom_at, fingerprint, public, question};
use keyshoal_core::{
    CredentialKind::ApiKey, Endpoint, Secret, Transport, TransportValue, Verdict, VerdictKind,
};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_providers::Question;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

/// A server that accepts everything that carries the right tenant and shows every request that it got.
fn gateway() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (show, shown) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).to_lowercase();
            let good = request.contains("x-tenant: tenant-hush-blue") && request.contains("bearer key-good");
            let (status, body) = match good {
                true => ("200 OK", r#"{"data":[{"id":"m"}]}"#),
                false => {
                    ("401 Unauthorized", r#"{"error":{"message":"no such tenant-hush-blue","code":"nope"}}"#)
                }
            };
            let _ended = show.send(request);
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-request-id: tenant-hush-blue\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _sent = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (url, shown)
}

fn with(transport: Transport, endpoint: Endpoint) -> Endpoint {
    Endpoint { transport: transport.unless_plain(), ..endpoint }
}

fn header(name: &str, value: &str) -> (String, TransportValue) {
    (name.to_owned(), TransportValue::Known(fingerprint(value)))
}

fn carrying(mut question: Question, values: &[&str]) -> Question {
    question.carried.extend(values.iter().map(|value| (fingerprint(value), Secret::new(*value))));
    question
}

#[test]
fn headers_of_the_config_go_with_control_and_value_and_into_nothing_that_is_said() {
    let (url, shown) = gateway();
    let tenant = "tenant-hush-blue";
    let transport = Transport { headers: [header("x-tenant", tenant)].into(), ..Transport::default() };
    let lab = Lab::new();
    let endpoint = with(transport, custom_at("openai-completions", url, None));
    let asked =
        ["key-good", "key-bad"].map(|key| carrying(question(endpoint.clone(), ApiKey, key), &[tenant]));
    let printed = format!("{asked:?} {} {:?}", endpoint.key(), lab.prober);
    let said = lab.prober.ask(&asked);
    assert_eq!(crate::kinds(&said), [VerdictKind::Ok, VerdictKind::InvalidKey]);
    let printed = format!("{printed} {said:?} {}", serde_json::to_string(&said).expect("JSON"));
    assert!(!printed.contains("hush"), "{printed}");
    let requests: Vec<String> = shown.try_iter().collect();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.contains("x-tenant: tenant-hush-blue")));
}

#[test]
fn auth_header_sends_the_credential_as_a_bearer_as_well() {
    let lab = Lab::new();
    let (url, shown) = gateway();
    let tenant = "tenant-hush-blue";
    let transport =
        Transport { bearer: true, headers: [header("x-tenant", tenant)].into(), ..Transport::default() };
    let endpoint = with(transport, custom_at("anthropic-messages", url, None));
    let said = lab.ask(carrying(question(endpoint, ApiKey, "key-good"), &[tenant]));
    assert_eq!(said.kind, VerdictKind::Ok, "{said:?}");
    let last = shown.try_iter().last().expect("a request");
    assert!(
        last.contains("x-api-key: key-good") && last.contains("authorization: bearer key-good"),
        "{last}"
    );
}

#[test]
fn whoever_cannot_be_asked_as_the_agent_would_is_not_asked_and_the_reason_is_said() {
    let lab = Lab::new();
    let not_asked = |transport: Transport, values: &[&str]| -> Verdict {
        let said = lab.ask(carrying(
            question(with(transport, public("openai")), ApiKey, "a-key-of-some-shape"),
            values,
        ));
        assert_eq!(said.kind, VerdictKind::NotAsked, "{said:?}");
        assert!(said.status_page.is_some());
        said
    };
    let why = |said: Verdict, part: &str| {
        assert!(said.advice.as_deref().is_some_and(|why| why.contains(part)), "{said:?}")
    };
    let one =
        |name: &str, value| Transport { headers: [(name.to_owned(), value)].into(), ..Transport::default() };
    why(not_asked(one("x-tenant", TransportValue::Unresolved("TENANT".to_owned())), &[]), "TENANT");
    why(not_asked(one("x-tenant", header("", "v").1), &[]), "x-tenant");
    why(not_asked(one("x-tenant", header("", "a\nb").1), &["a\nb"]), "x-tenant");
    why(not_asked(one("authorization", header("", "Bearer other").1), &["Bearer other"]), "authorization");
    why(
        not_asked(Transport { unlike: Some("request.tls".to_owned()), ..Transport::default() }, &[]),
        "request.tls",
    );
    let proxy = Transport { proxy: Some(header("", "no address").1), ..Transport::default() };
    why(not_asked(proxy, &["no address"]), "proxy");
    assert!(lab.emulator.log().is_empty());
}

#[test]
fn a_proxy_of_the_providers_own_is_the_way_there() {
    let proxy = Emulator::start(Config::default()).expect("an emulator");
    proxy.accept("key-far");
    let address = proxy.base_url();
    let transport = Transport { proxy: Some(header("", &address).1), ..Transport::default() };
    let lab = Lab::new();
    let far = with(transport, custom_at("openai-completions", "http://far.example/v1".to_owned(), None));
    let said = lab.ask(carrying(question(far, ApiKey, "key-far"), &[&address]));
    assert_eq!(said.kind, VerdictKind::Ok, "{said:?}");
    assert_eq!(proxy.log().len(), 2, "the control and the value");
}

#[test]
fn the_same_value_with_other_headers_is_another_question() {
    let lab = Lab::new();
    lab.emulator.accept("key-good");
    let base = format!("{}/v1", lab.emulator.base_url());
    let asked = ["tenant-a", "tenant-b", "tenant-a"].map(|tenant| {
        let transport = Transport { headers: [header("x-tenant", tenant)].into(), ..Transport::default() };
        let endpoint = with(transport, custom_at("openai-completions", base.clone(), None));
        carrying(question(endpoint, ApiKey, "key-good"), &[tenant])
    });
    assert_eq!(crate::kinds(&lab.prober.ask(&asked)), [VerdictKind::Ok; 3]);
    assert_eq!(lab.asked_with("key-good").len(), 2);
}
