//! The two pages that a gateway shows to anyone: `/healthz` and `/readyz`.

use super::wire::{Bounded, Wait};
use super::{GatewayError, handshake};
use std::io::{Read, Write};

const PAGE_LIMIT: u64 = 64 * 1024;

/// Tells whether an OpenClaw gateway listens on this port, without a line in its log: an upgrade that goes no further would leave one.
pub fn is_gateway(port: u16, wait: &Wait) -> Result<(), GatewayError> {
    // Every release that was looked at says `{"ok":true,"status":"live"}`.
    match page(port, "/healthz", wait)? {
        Some((200, body)) if body.contains(r#""status":"live""#) => Ok(()),
        _ => handshake::challenge(port, wait).map(|(mut wire, _)| wire.close()),
    }
}

/// Returns the HTTP status of a page; nothing when what answers speaks no HTTP.
pub fn status(port: u16, path: &str, wait: &Wait) -> Option<u16> {
    page(port, path, wait).ok().flatten().map(|(status, _)| status)
}

fn page(port: u16, path: &str, wait: &Wait) -> Result<Option<(u16, String)>, GatewayError> {
    let mut stream = Bounded::connect(port, wait.end())?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // Whatever breaks off here breaks off an answer that is then judged by what came.
    let _ =
        stream.write_all(request.as_bytes()).and_then(|()| stream.take(PAGE_LIMIT).read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    let read = || {
        let status = answer.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    };
    Ok(read())
}
