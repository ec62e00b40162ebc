//! Whether the providers' hosts are found.

use super::super::{Case, Check, Symptom, Told};

pub(super) const CHECK: Check = Check {
    id: "dns",
    question: "Are the providers' hosts found?",
    looks_at: "With --online, the addresses of the hosts that agents ask. Without it nothing leaves the machine, and what providers \
               last said is all that is known.",
    matters: "A name that does not resolve, or a network that is down, looks like an authentication failure in many a log.",
    way_out: "Mend the name server or the network, or the base URL in models.providers; providers' status pages tell of theirs.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    if case.facts.hosts.is_empty() {
        told.seen.push("no host was looked up (--online)".to_owned());
    }
    for host in &case.facts.hosts {
        match &host.addresses {
            Ok(count) => told.seen.push(format!("{} has {count} addresses", host.host)),
            Err(why) => told.symptoms.push(
                Symptom::attention(format!("{} is not found: {why}", host.host))
                    .fix("mend the name server or the network, or the base URL in the config"),
            ),
        }
    }
    let unreached = case.known().verdicts.iter().filter(|(_, said)| {
        use keyshoal_core::VerdictKind::{Connect, Dns, Timeout, Tls};
        matches!(said.kind, Dns | Connect | Tls | Timeout)
    });
    for ((_, endpoint), said) in unreached {
        let provider = endpoint.split('|').next().unwrap_or_default();
        let line = format!(
            "{provider} was not reached on {} ({})",
            super::super::case::moment(said.at),
            said.kind.short()
        );
        if !told.seen.contains(&line) {
            told.seen.push(line);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::HostFacts;

    fn looked_up(addresses: Result<usize, String>) -> World {
        World::new().with(|world| {
            world.facts.hosts =
                vec![HostFacts { host: "api.acme.test".into(), addresses, clock_ahead: None }];
        })
    }

    #[test]
    fn a_host_that_is_not_found_is_found_out() {
        finds(&CHECK, &looked_up(Err("no such name".into())), &["api.acme.test is not found: no such name"]);
    }

    #[test]
    fn hosts_with_addresses_or_nobody_asked_are_fine() {
        is_clean(&CHECK, &looked_up(Ok(2)));
        is_clean(&CHECK, &World::new());
    }
}
