//! Steering over HTTP, for an emulator that runs as its own process.
//!
//! `POST /__ctl` takes `{"only_accept":[…], "accept":[…], "reject":{key: behaviour}, "everyone": behaviour|null,
//! "latency_ms": n, "refresh_tokens":[…]}`, every field optional. `GET /__log` returns the rows, `DELETE /__log` forgets them.

use crate::Behaviour;
use crate::state::Inner;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One change of the emulator's mind.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Orders {
    only_accept: Option<Vec<String>>,
    accept: Vec<String>,
    reject: BTreeMap<String, Behaviour>,
    #[serde(deserialize_with = "present")]
    everyone: Option<Option<Behaviour>>,
    latency_ms: Option<u64>,
    refresh_tokens: Vec<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<Behaviour>>, D::Error> {
    Option::deserialize(from).map(Some)
}

pub(crate) fn obey(state: &mut Inner, orders: Orders) {
    if let Some(keys) = orders.only_accept {
        state.only_accept(&keys);
    }
    for key in orders.accept {
        state.keys.insert(key, Behaviour::Ok);
    }
    state.keys.extend(orders.reject);
    if let Some(everyone) = orders.everyone {
        state.everyone = everyone;
    }
    if let Some(latency) = orders.latency_ms {
        state.latency = Duration::from_millis(latency);
    }
    for token in orders.refresh_tokens {
        state.tokens.issue(&token);
    }
}
