//! A small HTTP server for one page: GET only, a few connections, everything with an end.

use crate::Registry;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// So many are served at once; whoever comes beyond is sent away.
const AT_ONCE: usize = 4;
/// A request is never longer than this.
const REQUEST: usize = 8 * 1024;
/// The longest that one connection may last.
const LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is reachable from other machines.
    #[error(
        "{0} can be reached from other machines, and the page names every agent: use 127.0.0.1, or set allow_remote = true"
    )]
    Remote(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
}

/// Refuses an address that other machines can reach, unless that is wanted.
pub fn check(address: SocketAddr, allow_remote: bool) -> Result<(), ListenError> {
    if address.ip().to_canonical().is_loopback() || allow_remote {
        Ok(())
    } else {
        Err(ListenError::Remote(address))
    }
}

/// Serves `/metrics` until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Begins to serve.
    pub fn start(address: SocketAddr, allow_remote: bool, registry: Registry) -> Result<Self, ListenError> {
        check(address, allow_remote)?;
        let failed = |source| ListenError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || listen(&listener, &registry, &told));
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(listener: &TcpListener, registry: &Registry, stop: &AtomicBool) {
    let local = listener.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
    let served = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(PAUSE);
            continue;
        };
        if served.fetch_add(1, Ordering::Relaxed) >= AT_ONCE {
            served.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (registry, served) = (registry.clone(), Arc::clone(&served));
        std::thread::spawn(move || {
            let _ = serve(stream, &registry, local);
            served.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn serve(mut stream: TcpStream, registry: &Registry, local: bool) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(LIMIT))?;
    let Some(head) = head(&mut stream)? else { return Ok(()) };
    let (status, kind, body) = answer(&head, registry, local);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

/// Reads a request's head; nothing when it does not come in time or is too long.
fn head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let end = Instant::now() + LIMIT;
    let mut read = Vec::new();
    let mut part = [0; 1024];
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || read.len() > REQUEST {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return Ok(None),
            count => read.extend_from_slice(&part[..count]),
        }
    }
    Ok(String::from_utf8(read).ok())
}

const TEXT: &str = "text/plain; charset=utf-8";

fn answer(head: &str, registry: &Registry, local: bool) -> (&'static str, &'static str, String) {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    // A page of the web whose name was made to lead here shall not read it.
    if local && !host.is_none_or(names_this_machine) {
        return ("403 Forbidden", TEXT, "name this machine by its address\n".to_owned());
    }
    match (method, target.split('?').next().unwrap_or_default()) {
        ("GET", "/metrics") => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", registry.text()),
        ("GET", _) => ("404 Not Found", TEXT, "there is /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", TEXT, "only GET\n".to_owned()),
    }
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // One that is sent away sees a reset.
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn start() -> Server {
        let registry = Registry::default();
        registry.set("keyshoal_agents", &[], 4.0);
        Server::start("127.0.0.1:0".parse().unwrap(), false, registry).unwrap()
    }

    #[test]
    fn it_serves_one_page_to_who_asks_for_it_by_its_address() {
        let server = start();
        let page = ask(&server, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("keyshoal_agents 4\n"), "{page}");
        for (request, status) in [
            ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", "405"),
            ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
        ] {
            assert!(ask(&server, request).starts_with(&format!("HTTP/1.1 {status} ")), "{request}");
        }
    }

    #[test]
    fn who_dawdles_is_sent_away_and_so_are_too_many() {
        let server = start();
        let dawdlers: Vec<TcpStream> =
            (0..AT_ONCE).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
        std::thread::sleep(PAUSE * 6);
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(ask(&server, request), "", "one too many");
        drop(dawdlers);
        let end = Instant::now() + LIMIT;
        while !ask(&server, request).contains("200 OK") {
            assert!(Instant::now() < end);
            std::thread::sleep(PAUSE);
        }
        let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(2 * REQUEST));
        assert!(!ask(&server, &long).contains("200 OK"));
        let began = Instant::now();
        drop(server);
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn an_address_for_others_is_refused_unless_that_is_wanted() {
        for address in ["0.0.0.0:9464", "192.168.0.1:1", "[::]:1", "[::ffff:10.0.0.1]:1"] {
            let address = address.parse().unwrap();
            assert!(matches!(check(address, false), Err(ListenError::Remote(_))), "{address}");
            assert!(check(address, true).is_ok());
        }
        for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1"] {
            assert!(check(address.parse().unwrap(), false).is_ok());
        }
    }
}
