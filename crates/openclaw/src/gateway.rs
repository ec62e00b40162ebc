//! The running gateway: finding it, talking to it, and making it read its stores again. Loopback only, ever.
//!
//! [`discover`] needs no credential. [`Client`] speaks protocols 3 and 4 (2026.3 to 2026.9).

pub mod answer;
mod applied;
pub mod calls;
pub mod client;
pub mod credentials;
pub mod device;
pub mod discovery;
pub mod error;
pub mod frames;
pub mod handshake;
mod http;
pub mod lock;
mod post;
pub mod process;
pub mod proxy;
pub mod ready;
pub mod sockets;
pub mod wire;

pub use crate::layout::GatewayWord;
pub use answer::Answer;
pub use applied::{ConfigState, Unresolved};
pub use calls::{AuthStatus, ProbeAnswer, ProbeStatus, Reloaded, Restarting};
pub use client::{Client, ConnectOptions};
pub use credentials::{Credential, Credentials};
pub use device::DeviceIdentity;
pub use discovery::{Whose, discover, gateway_port, key_environment, whose};
pub use error::GatewayError;
pub use post::Posted;
pub use proxy::{ProxyEnvironment, proxy_environment};
pub use ready::{is_ready, wait_ready};
pub use sockets::trusted_users;
