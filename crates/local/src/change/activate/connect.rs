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
        self.connect_within(observed, config, ANSWER)
    }

    /// The same, with another patience for the connection and for each answer.
    pub(crate) fn connect_within(
        &self,
        observed: &Observation,
        config: &Config,
        timeout: Duration,
    ) -> Result<Connected, GatewayError> {
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
            timeout,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenOptions;
    use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome, Layout, StoreId, Timestamp};
    use keyshoal_engine::ports::Observe;
    use keyshoal_openclaw::Environment;
    use keyshoal_openclaw::layout::GatewayWord;
    use serde_json::{Value, json};
    use std::io::Read;
    use std::net::TcpListener;
    use std::path::Path;

    fn opened(dir: &Path, gateway: Value) -> Installation {
        let state = dir.join("state");
        keyshoal_openclaw::sample::Installation::new(Layout::SharedRow)
            .config(json!({ "gateway": gateway }))
            .agent("stocks")
            .api_key(StoreId::Base, "acme:default", "key-1")
            .write(&state)
            .unwrap();
        let env = Environment { home: Some(dir.join("home")), ..Environment::default() };
        let keys_dir = Some(dir.join("keys"));
        let options = OpenOptions {
            state_dir: Some(state),
            keys_dir,
            env,
            allow_device: true,
            ..OpenOptions::default()
        };
        let installation = Installation::open(options).unwrap();
        installation.observe().unwrap();
        installation
    }

    fn outcome(installation: &Installation) -> ActivationOutcome {
        installation.activate_now(ActivationNeed::Reload, ActivationMode::Auto)
    }

    #[test]
    fn a_gateway_elsewhere_or_of_others_is_never_called_down() {
        let dir = tempfile::tempdir().unwrap();
        let remote = json!({ "port": 1, "mode": "remote", "remote": { "url": "wss://far.example" } });
        let ActivationOutcome::Unknown { reason } = outcome(&opened(dir.path(), remote)) else {
            panic!("it is called down")
        };
        assert!(reason.contains("wss://far.example") && reason.contains("on the machine"), "{reason}");

        let dir = tempfile::tempdir().unwrap();
        let installation = opened(dir.path(), json!({ "port": 1 }));
        assert_eq!(outcome(&installation), ActivationOutcome::GatewayDown);
        let mut observed = installation.seen().unwrap().observed.as_ref().clone();
        observed.instance.gateway.other_state_dir = Some("/somewhere/else".into());
        let error = installation.connect(&observed, &installation.seen().unwrap().config).unwrap_err();
        assert_eq!(error, GatewayError::OtherStateDir { port: 1, state_dir: "/somewhere/else".into() });
    }

    #[test]
    fn a_gateway_with_tls_hears_no_plain_text_and_the_way_out_is_said() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let gateway = json!({ "port": port, "tls": { "enabled": true }, "auth": { "token": "secret-1" } });
        let ActivationOutcome::NotDone { reason, needs_restart: true } =
            outcome(&opened(dir.path(), gateway))
        else {
            panic!("it was done")
        };
        assert!(reason.contains("TLS") && reason.contains("--restart-command"), "{reason}");
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).unwrap();
            assert_eq!(heard, b"");
        }
        assert!(!dir.path().join("keys/device.json").exists());
    }

    #[test]
    fn the_word_of_a_process_counts_while_it_lives() {
        let dir = tempfile::tempdir().unwrap();
        let installation = opened(dir.path(), json!({ "port": 1 }));
        let word = GatewayWord { version: Some("2026.3.28".into()), ..GatewayWord::default() };
        let life = |pid, second| GatewayView {
            pid: Some(pid),
            started: Some(Timestamp::from_second(second).unwrap()),
            ..GatewayView::default()
        };
        installation.remember_word(&word, &life(7, 100));
        assert_eq!(installation.gateway_word(&life(7, 100)), Some(word.clone()));
        assert_eq!(installation.gateway_word(&life(8, 100)), None);
        assert_eq!(installation.gateway_word(&life(7, 101)), None, "the number was given again");
        assert_eq!(installation.gateway_word(&GatewayView::default()), None);
        installation.remember_word(&word, &GatewayView::default());
        assert_eq!(installation.gateway_word(&GatewayView::default()), None, "nobody knows whose word it is");
    }
}
