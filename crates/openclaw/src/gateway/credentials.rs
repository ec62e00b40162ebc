//! What proves to a gateway who we are: its shared token or password, and for early releases a device identity.

pub use super::device::DeviceIdentity;
use crate::{Environment, config::Config};
use keyshoal_core::Secret;

const TOKEN: &str = "OPENCLAW_GATEWAY_TOKEN";
const PASSWORD: &str = "OPENCLAW_GATEWAY_PASSWORD";

/// One way to prove it, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// `gateway.auth.token`.
    pub token: Option<Secret>,
    /// `gateway.auth.password`.
    pub password: Option<Secret>,
    /// Where it was found, in words.
    pub origin: String,
}

impl Credential {
    /// Returns what it is and where it was found, in words.
    pub fn words(&self) -> String {
        let what = match (&self.token, &self.password) {
            (Some(_), Some(_)) => "token and password",
            (None, Some(_)) => "password",
            _ => "token",
        };
        format!("the {what} of {}", self.origin)
    }
}

/// Everything that may be tried, best first, without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The ways.
    pub ways: Vec<Credential>,
}

impl Credentials {
    /// Finds them: what the caller gives alone, else the config's, then those of the environment and of `.env`.
    ///
    /// The config comes first, as in the gateway itself; the environment of this process is only a guess at the gateway's.
    pub fn find(config: &Config, env: &Environment, given: Option<Secret>) -> Self {
        let mut found = Self::default();
        if given.is_some() {
            found.add(given.clone(), None, "--gateway-token-file");
            // A gateway takes either; which of the two was given, only it can tell.
            found.add(None, given, "--gateway-token-file");
            return found;
        }
        let gateway = &config.gateway;
        found.add(gateway.token.clone(), gateway.password.clone(), &config.path.display().to_string());
        let var = |name: &str| env.get(name).map(Secret::new);
        found.add(var(TOKEN), var(PASSWORD), "the environment");
        let dotenv = |name: &str| config.dotenv.get(name).cloned();
        found.add(dotenv(TOKEN), dotenv(PASSWORD), ".env in the state directory");
        found
    }

    /// Adds a way, unless it is empty or there already.
    pub fn add(&mut self, token: Option<Secret>, password: Option<Secret>, origin: &str) {
        let known = self.ways.iter().any(|way| way.token == token && way.password == password);
        if !known && (token.is_some() || password.is_some()) {
            self.ways.push(Credential { token, password, origin: origin.to_owned() });
        }
    }

    /// Tells whether there is anything to show.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }
}
