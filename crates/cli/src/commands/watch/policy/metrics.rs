//! `[metrics]`: where Prometheus finds the numbers.

use serde::Deserialize;
use std::net::SocketAddr;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    listen: Option<SocketAddr>,
    #[serde(default)]
    allow_remote: bool,
}

/// Where to serve metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// Other machines may reach it.
    pub allow_remote: bool,
}

impl Metrics {
    /// Returns where to serve, or what is wrong with it.
    pub fn read(self) -> Result<Option<Listen>, String> {
        let Some(address) = self.listen else { return Ok(None) };
        keyshoal_metrics::check(address, self.allow_remote).map_err(|error| format!("metrics: {error}"))?;
        Ok(Some(Listen { address, allow_remote: self.allow_remote }))
    }
}
