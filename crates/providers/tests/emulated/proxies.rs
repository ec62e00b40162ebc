//! A proxy that the config names for a provider: it gets no credential on the way to an https address, and its failures are its own.

use crate::certificates::provider;
use crate::{Lab, custom_at, fingerprint, key_of, public, question};
use keyshoal_core::{
    CredentialKind::ApiKey, Endpoint, Secret, Transport, TransportValue, Verdict, VerdictKind,
};
use keyshoal_emulator::Config;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const PASSWORD: &str = "hush-of-the-proxy";

/// A proxy on loopback, and everything that it was sent.
struct Proxy {
    port: u16,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    /// Begins one that lets everything through (`None`), or answers every request so.
    fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let all = Arc::clone(&all);
                std::thread::spawn(move || serve(stream, answer, &all));
            }
        });
        Self { port, seen }
    }

    fn url(&self) -> String {
        format!("http://me:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("what was seen")).into_owned()
    }
}

fn serve(mut client: TcpStream, answer: Option<&str>, seen: &Mutex<Vec<u8>>) {
    let keep = |bytes: &[u8]| seen.lock().expect("what was seen").extend_from_slice(bytes);
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    keep(&head);
    if let Some(answer) = answer {
        let _sent = client.write_all(
            format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        return;
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let place = text
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next())
        .expect("a place to connect with");
    let mut server = TcpStream::connect(place).expect("the provider");
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("an open client");
    let (mut from, mut to) = (server.try_clone().expect("a stream"), client.try_clone().expect("a stream"));
    std::thread::spawn(move || {
        let _copied = std::io::copy(&mut from, &mut to);
        let _ended = to.shutdown(Shutdown::Write);
    });
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        keep(&bytes[..read]);
        if server.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
}

fn far(base_url: String) -> Endpoint {
    custom_at("openai-completions", base_url, None)
}

fn ask(lab: &Lab, endpoint: Endpoint, key: &str, proxy: &str) -> Verdict {
    let proxied = TransportValue::Known(fingerprint(proxy));
    let transport = Transport { proxy: Some(proxied), ..Transport::default() };
    let mut asked = question(Endpoint { transport: transport.unless_plain(), ..endpoint }, ApiKey, key);
    asked.carried.insert(fingerprint(proxy), Secret::new(proxy));
    let said = lab.ask(asked);
    assert!(!format!("{said:?}").contains(PASSWORD), "{said:?}");
    said
}

#[test]
fn a_proxy_on_the_way_to_an_https_address_learns_the_place_and_nothing_else() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("ca.pem");
    let (url, shown) = provider(&file);
    let lab = Lab::with(Config::default(), |options| {
        options.trusted_base_urls.insert("openai".to_owned(), url.clone());
        options.ca_file = Some(file);
    });
    let proxy = Proxy::start(None);
    let key = key_of("openai", "hidden");
    let said = ask(&lab, public("openai"), &key, &proxy.url());
    assert_eq!(said.kind, VerdictKind::Ok, "{said:?}");
    let host = url.trim_start_matches("https://").trim_end_matches("/v1");
    let seen = proxy.seen();
    assert!(seen.starts_with(&format!("CONNECT {host} ")), "{seen}");
    assert!(
        seen.to_lowercase().contains("proxy-authorization: basic "),
        "its own password is the proxy's to see"
    );
    assert!(!seen.contains(&key) && !seen.contains("/v1/models"), "{seen}");
    let requests: Vec<String> = shown.try_iter().collect();
    assert!(requests.iter().any(|request| request.contains(&key)), "the provider was asked");
    assert!(requests.iter().all(|request| !request.to_lowercase().contains("proxy-authorization")));
}

#[test]
fn a_proxy_that_fails_is_named_and_says_nothing_of_the_provider_or_of_the_value() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("ca.pem");
    let (https, shown) = provider(&file);
    let lab = Lab::with(Config::default(), |options| options.ca_file = Some(file));
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let plain = "http://far.example/v1".to_owned();
    let (refusing, locked) =
        (Proxy::start(Some("403 Forbidden")), Proxy::start(Some("407 Proxy Authentication Required")));
    for (base_url, port, why) in [
        (&https, closed, "nobody listens"),
        (&https, refusing.port, "it refuses the way"),
        (&https, locked.port, "it wants another password"),
        (&plain, closed, "nobody listens"),
        (&plain, locked.port, "it wants another password"),
    ] {
        let said =
            ask(&lab, far(base_url.clone()), "key-far", &format!("http://me:{PASSWORD}@127.0.0.1:{port}"));
        assert_eq!(said.kind, VerdictKind::Connect, "{why}: {said:?}");
        let advice = said.advice.clone().unwrap_or_default();
        assert!(advice.starts_with(&format!("the proxy 127.0.0.1:{port}")), "{why}: {said:?}");
        assert!(said.retryable, "{why}: {said:?}");
    }
    let unnamed = ask(&lab, far(https), "key-far", &format!("http://me:{PASSWORD}@proxy.invalid:3128"));
    assert_eq!(unnamed.kind, VerdictKind::Dns, "{unnamed:?}");
    assert!(
        unnamed.advice.as_deref().is_some_and(|advice| advice.starts_with("the proxy proxy.invalid:3128")),
        "{unnamed:?}"
    );
    assert!(shown.try_iter().next().is_none(), "nothing reached the provider");
}
