//! Waiting for a gateway to be ready for work.

use super::GatewayError;
use super::handshake;
use super::wire::{Bounded, Wait};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const EACH: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until a gateway on this port speaks and says that it is ready (`/readyz`), at most for `limit`.
///
/// After a restart by request, first wait for the old one to go: [`wait_gone`].
pub fn wait_ready(port: u16, limit: Duration) -> Result<(), GatewayError> {
    let wait = Wait::begin("waiting for the gateway to be ready", limit);
    poll(&wait, || is_ready(port))
}

/// Waits until the gateway on this port has stopped saying that it is ready, at most for `limit`. An in-process restart keeps the process.
pub fn wait_gone(port: u16, limit: Duration) -> Result<(), GatewayError> {
    let wait = Wait::begin("waiting for the gateway to go down", limit);
    poll(&wait, || !is_ready(port))
}

fn poll(wait: &Wait, mut done: impl FnMut() -> bool) -> Result<(), GatewayError> {
    loop {
        if done() {
            return Ok(());
        }
        if Instant::now() + PAUSE >= wait.end() {
            return Err(wait.over());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Tells whether a gateway on this port speaks its protocol and says that it is ready.
pub fn is_ready(port: u16) -> bool {
    let wait = Wait::begin("the gateway's challenge", EACH);
    matches!(status(port, "/readyz", &wait), Some(200)) && handshake::challenge(port, &wait).is_ok()
}

/// Asks for a page that is open to anyone; its HTTP status.
fn status(port: u16, page: &str, wait: &Wait) -> Option<u16> {
    let mut stream = Bounded::connect(port, wait.end()).ok()?;
    let request = format!("GET {page} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    let start = std::str::from_utf8(&start).ok()?;
    start.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}
