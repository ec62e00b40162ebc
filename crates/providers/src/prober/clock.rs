//! What time it is elsewhere, by the answers of the hosts that are asked anyway. No credential is sent.

use super::Prober;
use crate::endpoint::base_url;
use crate::round::together;
use keyshoal_core::{Endpoint, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the host that an endpoint asks.
pub fn host_of(endpoint: &Endpoint) -> Option<String> {
    Some(base_url(endpoint)?.0.host_str()?.to_owned())
}

impl Prober {
    /// Asks each host once for its time, and returns by how many seconds it is ahead of ours. Hosts that do not say are left out.
    pub fn clocks_ahead(&self, endpoints: &[Endpoint]) -> BTreeMap<String, i64> {
        let origins: BTreeMap<String, (String, bool)> = endpoints
            .iter()
            .filter_map(|endpoint| {
                let (url, loopback) = base_url(endpoint)?;
                Some((url.host_str()?.to_owned(), (url.origin().ascii_serialization(), loopback)))
            })
            .collect();
        let asked = origins.into_iter().map(|(host, (origin, loopback))| {
            let clients = Arc::clone(&self.clients);
            async move {
                let answer = clients.to(loopback).head(&origin).send().await.ok()?;
                let now = Timestamp::now();
                let said = answer.headers().get("date")?.to_str().ok()?;
                let theirs = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(said).ok()?;
                Some((host, theirs.as_second() - now.as_second()))
            }
        });
        // There are as many as the installation has hosts: a handful.
        self.runtime.block_on(together(asked.collect())).into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProberOptions;
    use std::io::{Read, Write};

    #[test]
    fn a_host_that_says_its_time_is_compared() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap();
            stream
                .write_all(b"HTTP/1.1 404 Not Found\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            String::from_utf8_lossy(&request[..read]).to_lowercase()
        });
        let base_url = Some(format!("http://127.0.0.1:{port}/v1"));
        let endpoint = Endpoint { base_url, ..Endpoint::public("acme") };
        assert_eq!(host_of(&endpoint).as_deref(), Some("127.0.0.1"));
        let prober = Prober::new(ProberOptions::default()).unwrap();
        let ahead = prober.clocks_ahead(&[endpoint]);
        assert!(ahead["127.0.0.1"] < -1_000_000_000, "{ahead:?}");
        assert!(!server.join().unwrap().contains("authorization"));
    }
}
