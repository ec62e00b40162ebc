//! Connecting to this installation's own gateway, and to no other.

use crate::{Installation, clock};
use keyshoal_core::{GatewayView, Observation};
use keyshoal_openclaw::config::Config;
use keyshoal_openclaw::gateway::{self, Client, ConnectOptions, Credentials, GatewayError, Whose};
use std::time::Duration;

/// Longest wait for an ordinary answer. A reload takes up to a second on a busy machine; 22 s were seen once.
const ANSWER: Duration = Duration::from_secs(30);

/// A connection, and what is known of its other end.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub client: Client,
    /// Whether the gateway is certainly this installation's.
    pub certain: bool,
}

impl Installation {
    /// Connects with what the config, the environment or the caller gives; a device identity only if the person allowed one.
    ///
    /// # Errors
    /// Also for a gateway that is another installation's: nothing is asked of it.
    pub(crate) fn connect(&self, observed: &Observation, config: &Config) -> Result<Connected, GatewayError> {
        let view = &observed.instance.gateway;
        let port = self.port(view, config);
        if let Some(state_dir) = view.other_state_dir.clone() {
            return Err(GatewayError::OtherStateDir { port, state_dir });
        }
        if let Some(remote) = config.gateway.remote.clone().filter(|_| view.running != Some(true)) {
            return Err(GatewayError::Remote { url: remote.url });
        }
        if config.gateway.tls {
            return Err(GatewayError::Tls { port });
        }
        let state_dir = &self.locations.state_dir;
        let client = Client::connect(&ConnectOptions {
            port,
            credentials: Credentials::find(config, &self.env, self.options.gateway_token.clone()),
            users: gateway::trusted_users(state_dir),
            device: self.options.allow_device.then(|| self.keys_dir.join("device.json")),
            timeout: ANSWER,
            now: clock::now(),
        })?;
        match gateway::whose(state_dir, client.word()) {
            Whose::Ours => Ok(Connected { client, certain: true }),
            Whose::CannotTell => Ok(Connected { client, certain: false }),
            Whose::Others => Err(GatewayError::OtherStateDir { port, state_dir: named(&client) }),
        }
    }

    /// Returns the port where the gateway is, or is to be expected.
    pub(super) fn port(&self, view: &GatewayView, config: &Config) -> u16 {
        view.port.unwrap_or_else(|| gateway::gateway_port(config, &self.env))
    }
}

/// Says why it is not certain that this installation's gateway was asked.
pub(super) fn uncertain(client: &Client) -> String {
    format!(
        "a gateway has read its stores again, and says that its state directory is {}, which is not on this machine: in a container it \
         may well be this one",
        named(client)
    )
}

fn named(client: &Client) -> String {
    client.word().state_dir.as_ref().map_or_else(String::new, |dir| dir.display().to_string())
}
