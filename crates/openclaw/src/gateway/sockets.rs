//! Whose sockets answer on the loopback, as Linux tells in `/proc/net`.
//!
//! Any user of a machine may listen on a port that is free. What is meant for the gateway is shown to nobody else.

use crate::files;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// A line has 150 bytes; a busy machine has many sockets.
const TABLE_LIMIT: u64 = 64 << 20;
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
const ESTABLISHED: &str = "01";
const LISTENING: &str = "0A";

/// A socket that waits for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The user of the process that opened it.
    pub user: u32,
    /// Its number, by which a process's descriptors name it.
    pub inode: String,
}

/// Returns the users who may be shown what is meant for the gateway of a state directory: its owner, who we are, and root.
pub fn trusted_users(state_dir: &Path) -> Vec<u32> {
    [0, rustix::process::geteuid().as_raw()].into_iter().chain(files::owner(state_dir)).collect()
}

/// Returns the sockets that listen on this port, whatever the address.
pub fn listeners(port: u16) -> Vec<Listener> {
    let all = TABLES.iter().flat_map(|table| sockets(table));
    all.filter(|one| one.state == LISTENING && one.local.port() == port)
        .map(|one| Listener { user: one.user, inode: one.inode })
        .collect()
}

/// Returns the user of the other end of a connection on this machine. `None` when that end cannot be seen from here, as that of a
/// container.
pub fn user_at(theirs: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let mut all = TABLES.iter().flat_map(|table| sockets(table));
    all.find(|one| one.state == ESTABLISHED && one.local == theirs && one.remote == ours).map(|one| one.user)
}

struct Socket {
    local: SocketAddr,
    remote: SocketAddr,
    state: String,
    user: u32,
    inode: String,
}

fn sockets(table: &str) -> Vec<Socket> {
    let bytes = files::read(Path::new(table), TABLE_LIMIT).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().skip(1).filter_map(socket).collect()
}

fn socket(line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    Some(Socket {
        local: address(fields.get(1)?)?,
        remote: address(fields.get(2)?)?,
        state: (*fields.get(3)?).to_owned(),
        user: fields.get(7)?.parse().ok()?,
        inode: (*fields.get(9)?).to_owned(),
    })
}

/// Reads `0100007F:B23D`: words of 32 bits as they lie in memory. An IPv4 address in IPv6 clothes counts as what it is.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.rsplit_once(':')?;
    let word = |at: usize| {
        let word = u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, part) in bytes.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&word(at)?);
            }
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn both_ends_of_a_connection_are_told_apart() {
        let us = rustix::process::geteuid().as_raw();
        for any in ["127.0.0.1:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(any) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(listeners(port).iter().all(|one| one.user == us && !one.inode.is_empty()));
            assert_eq!(listeners(port).len(), 1, "{any}");
            let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let _accepted = listener.accept().unwrap();
            let (theirs, ours) = (stream.peer_addr().unwrap(), stream.local_addr().unwrap());
            assert_eq!(user_at(theirs, ours), Some(us), "{any}");
            assert_eq!(user_at(theirs, SocketAddr::new(ours.ip(), 1)), None);
        }
    }

    #[test]
    fn nobody_listens_on_a_port_that_was_given_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_eq!(listeners(port), []);
    }

    #[test]
    fn a_state_directory_of_ones_own_needs_no_other_users() {
        let dir = tempfile::tempdir().unwrap();
        let us = rustix::process::geteuid().as_raw();
        assert!(trusted_users(dir.path()).iter().all(|user| [0, us].contains(user)));
    }
}
