//! A name that the system cannot resolve, and what a name server says of it.

use crate::{Lab, custom_at, question};
use keyshoal_core::{CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::Config;
use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, PacketFlag, RCODE, ResourceRecord};
use std::net::{SocketAddr, UdpSocket};

/// A name server that knows every name, or none.
fn name_server(knows: bool) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let query = Packet::parse(&bytes[..length]).expect("a query");
            assert!(query.has_flags(PacketFlag::RECURSION_DESIRED));
            let mut answer = Packet::new_reply(query.id());
            answer.questions = query.questions.clone();
            if knows {
                let data = RData::A(A { address: u32::from_be_bytes([192, 0, 2, 1]) });
                let name = query.questions[0].qname.clone();
                answer.answers.push(ResourceRecord::new(name, CLASS::IN, 60, data));
            } else {
                *answer.rcode_mut() = RCODE::NameError;
            }
            let _sent = socket.send_to(&answer.build_bytes_vec().expect("bytes"), from);
        }
    });
    address
}

fn advice(servers: Vec<SocketAddr>) -> Option<String> {
    let lab = Lab::with(Config::default(), |options| options.nameservers = servers);
    let endpoint = custom_at("openai-completions", "http://keyshoal.invalid/v1".to_owned(), None);
    let verdicts = lab.prober.ask(&["key-a", "key-b"].map(|key| question(endpoint.clone(), ApiKey, key)));
    // Without any resolver the lookup may take longer than the test's patience.
    if verdicts.iter().any(|verdict| verdict.kind == VerdictKind::Timeout) {
        return None;
    }
    assert_eq!(crate::kinds(&verdicts), [VerdictKind::Dns; 2]);
    assert_eq!(verdicts[0].advice, verdicts[1].advice);
    verdicts[0].advice.clone()
}

#[test]
fn a_name_that_only_this_system_does_not_know_is_told_from_one_that_does_not_exist() {
    let closed = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for (servers, part) in [
        (vec![name_server(true)], "stale answer"),
        (vec![name_server(false)], "there is no name"),
        (vec![closed, name_server(true)], "stale answer"),
        (vec![closed], "no name server answers"),
    ] {
        let said = advice(servers);
        assert!(said.as_deref().is_none_or(|said| said.contains(part)), "{part}: {said:?}");
    }
}
