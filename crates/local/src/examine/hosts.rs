//! The hosts of the providers that agents ask: their addresses and their clocks, asked only when a person wants it.

use keyshoal_core::examination::HostFacts;
use keyshoal_core::{Endpoint, Observation};
use keyshoal_providers::{Prober, ProberOptions, host_of};
use std::collections::{BTreeMap, BTreeSet};
use std::net::ToSocketAddrs;
use std::sync::mpsc;
use std::time::Duration;

/// So long names may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many hosts are asked.
const MOST: usize = 32;

/// Looks up every host once, all at the same time, and asks those that were found for their time.
pub(super) fn asked(observed: &Observation) -> Vec<HostFacts> {
    let endpoints = observed.agents.iter().flat_map(|agent| agent.endpoints.values());
    let mut by_host: BTreeMap<String, Endpoint> =
        endpoints.filter_map(|endpoint| Some((host_of(endpoint)?, endpoint.clone()))).collect();
    let hosts: BTreeSet<String> = by_host.keys().take(MOST).cloned().collect();
    let addresses = looked_up(&hosts);
    by_host.retain(|host, _| matches!(addresses.get(host), Some(Ok(_))));
    let endpoints: Vec<Endpoint> = by_host.into_values().collect();
    let clocks = Prober::new(ProberOptions::default()).map(|prober| prober.clocks_ahead(&endpoints));
    let clocks = clocks.unwrap_or_default();
    let facts = addresses.into_iter().map(|(host, addresses)| {
        let clock_ahead = clocks.get(&host).copied();
        HostFacts { host, addresses, clock_ahead }
    });
    facts.collect()
}

fn looked_up(hosts: &BTreeSet<String>) -> BTreeMap<String, Result<usize, String>> {
    let (done, results) = mpsc::channel();
    for host in hosts.iter().cloned() {
        let done = done.clone();
        // A resolver cannot be told to give up: its thread is left to itself after a while.
        std::thread::spawn(move || {
            // An address of version 6 stands in brackets in a URL.
            let name = host.trim_matches(['[', ']']);
            let found = (name, 443).to_socket_addrs().map(Iterator::count);
            // Nobody listens any more when it took too long.
            let _ = done.send((host, found.map_err(|error| error.to_string())));
        });
    }
    drop(done);
    let mut found: BTreeMap<String, Result<usize, String>> = BTreeMap::new();
    while let Ok((host, addresses)) = results.recv_timeout(PATIENCE) {
        found.insert(host, addresses);
    }
    for host in hosts {
        found.entry(host.clone()).or_insert_with(|| Err("no answer within 5 s".to_owned()));
    }
    found
}
