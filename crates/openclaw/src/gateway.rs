//! The running gateway: finding it, talking to it, and making it read its stores again. Loopback only, ever.

pub mod client;
pub mod credentials;
pub mod discovery;
pub mod error;

pub use client::{AuthStatus, Client, ConnectOptions, ProbeAnswer, ProbeStatus, Reloaded, Restarting};
pub use credentials::{Credentials, DeviceIdentity};
pub use discovery::discover;
pub use error::GatewayError;

use std::path::PathBuf;

/// What a gateway says of itself once it is asked with credentials, or through its lock file. The strongest evidence of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GatewayWord {
    /// The release that runs (`2026.9.6`).
    pub version: Option<String>,
    /// The state directory it works in.
    pub state_dir: Option<PathBuf>,
    /// The config file it works with.
    pub config_path: Option<PathBuf>,
}
