//! A company's own root certificate: with it the provider is reached, without it nothing is sent.

use crate::{Lab, key_of, public, question};
use keyshoal_core::{CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::Config;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// A provider over TLS whose certificate nobody knows. Returns its base URL, and every request that it understood.
pub(crate) fn provider(certificate: &Path) -> (String, Receiver<String>) {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    write(certificate, &cert.pem());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://localhost:{}/v1", listener.local_addr().expect("an address").port());
    let (show, shown) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let mut request = vec![0; 8192];
            let Ok(read) = stream.read(&mut request) else { continue };
            let _ended = show.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let body = r#"{"object":"list","data":[{"id":"m"}]}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _sent = stream.write_all(format!("{head}{body}").as_bytes());
            let _flushed = stream.flush();
        }
    });
    (url, shown)
}

#[expect(clippy::disallowed_methods, reason = "a test writes its own file")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}

#[test]
fn a_root_certificate_of_ones_own_is_what_lets_a_credential_out() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("ca.pem");
    let (url, shown) = provider(&file);
    let key = key_of("openai", "mine");
    for (ca_file, expected) in [(None, VerdictKind::Tls), (Some(file), VerdictKind::Ok)] {
        let lab = Lab::with(Config::default(), |options| {
            options.trusted_base_urls.insert("openai".to_owned(), url.clone());
            options.ca_file = ca_file.clone();
        });
        let verdict = lab.ask(question(public("openai"), ApiKey, &key));
        assert_eq!(verdict.kind, expected, "{verdict:?}");
        let requests: Vec<String> = shown.try_iter().collect();
        assert_eq!(requests.len(), usize::from(ca_file.is_some()));
        assert!(requests.iter().all(|request| request.contains(&key)));
    }
}
