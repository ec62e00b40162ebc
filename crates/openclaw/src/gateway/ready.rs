//! Waiting for a gateway to be ready for work.

use super::wire::Wait;
use super::{GatewayError, handshake, http};
use std::time::{Duration, Instant};

const EACH: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until a gateway on this port speaks and says that it is ready (`/readyz`), at most for `limit`.
///
/// After a restart by request, first wait for the old one to go: [`super::Client::wait_closed`].
pub fn wait_ready(port: u16, limit: Duration) -> Result<(), GatewayError> {
    let wait = Wait::begin("waiting for the gateway to be ready", limit);
    poll(&wait, || is_ready(port))
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
    http::status(port, "/readyz", &wait) == Some(200)
        && handshake::challenge(port, &wait).map(|(mut wire, _)| wire.close()).is_ok()
}
