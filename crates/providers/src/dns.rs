//! A second look at a name that the system cannot resolve: past its caches, straight at the name servers.
//!
//! A resolver that holds an old answer looks like a name that does not exist; the person has to be told which of them it is.
#![expect(
    clippy::disallowed_methods,
    reason = "the system's list of name servers is read here; without one there is nobody to ask"
)]

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How long a name server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many name servers are asked at most.
const ENOUGH: usize = 3;
/// A local resolver's stub says what its cache says. The servers behind it stand in the second file.
const LISTS: [&str; 2] = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];

/// What the name servers say of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecondLook {
    /// It has addresses.
    Known,
    /// There is no such name.
    Absent,
    /// Nobody answered, or nobody knew.
    Nobody,
}

impl SecondLook {
    /// Returns what a person should know beside that the name cannot be resolved.
    pub(crate) fn advice(self, host: &str) -> String {
        match self {
            Self::Known => format!(
                "this system cannot resolve {host}, but a name server asked directly knows it: the resolver here holds a stale answer or asks elsewhere; flush its cache"
            ),
            // The provider's own host is no mistake in a config.
            Self::Absent if crate::registry::at_host(host).is_some() => format!(
                "the name servers say that there is no {host}, which there is: this machine seems to have no way into the internet"
            ),
            Self::Absent => {
                format!(
                    "there is no name {host}, says a name server asked directly as well: check the base URL"
                )
            }
            Self::Nobody => format!(
                "the name {host} cannot be resolved, and no name server answers when asked directly: check the network"
            ),
        }
    }
}

/// Asks the name servers, these or the system's own.
pub(crate) async fn second_look(host: &str, servers: &[SocketAddr]) -> SecondLook {
    let servers = if servers.is_empty() { system() } else { servers.to_vec() };
    let mut said = SecondLook::Nobody;
    for server in servers.into_iter().take(ENOUGH) {
        for kind in [TYPE::A, TYPE::AAAA] {
            match timeout(PATIENCE, ask(host, kind, server)).await.ok().flatten() {
                Some(SecondLook::Known) => return SecondLook::Known,
                Some(other) if said == SecondLook::Nobody => said = other,
                Some(_) => {}
                // Whoever does not answer one question answers no other.
                None => break,
            }
        }
    }
    said
}

async fn ask(host: &str, kind: TYPE, server: SocketAddr) -> Option<SecondLook> {
    let here: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((here, 0)).await.ok()?;
    socket.connect(server).await.ok()?;
    let number = fastrand::u16(..);
    let mut query = Packet::new_query(number);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    query.questions.push(Question::new(Name::new(host).ok()?, kind.into(), CLASS::IN.into(), false));
    socket.send(&query.build_bytes_vec().ok()?).await.ok()?;
    let mut bytes = [0; 1500];
    loop {
        let length = socket.recv(&mut bytes).await.ok()?;
        let answer = Packet::parse(bytes.get(..length)?).ok()?;
        if answer.id() != number {
            continue;
        }
        let address = |data: &RData<'_>| matches!(data, RData::A(_) | RData::AAAA(_));
        return match answer.rcode() {
            _ if answer.answers.iter().any(|record| address(&record.rdata)) => Some(SecondLook::Known),
            RCODE::NameError => Some(SecondLook::Absent),
            _ => Some(SecondLook::Nobody),
        };
    }
}

/// Returns the system's name servers, those behind a local stub first.
fn system() -> Vec<SocketAddr> {
    LISTS
        .iter()
        .filter_map(|list| std::fs::read_to_string(list).ok())
        .flat_map(|text| listed(&text))
        .collect()
}

fn listed(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse::<IpAddr>().ok()).flatten()
    };
    text.lines().filter_map(address).map(|address| SocketAddr::new(address, 53)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_name_servers_is_read_line_by_line() {
        let text = "# made by hand\nsearch lan\nnameserver 127.0.0.53\nnameserver ::1 # six\nnameserver nonsense\nnameserver\n";
        assert_eq!(listed(text), ["127.0.0.53:53", "[::1]:53"].map(|text| text.parse().expect("an address")));
    }
}
