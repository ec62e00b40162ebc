//! What can go wrong between us and a gateway, and the way out of it.

use std::time::Duration;

/// A failure of the gateway client. No variant ever holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// Nothing listens there.
    #[error("no gateway answers on 127.0.0.1:{port}")]
    NotRunning {
        /// The port.
        port: u16,
    },
    /// It could not be found out whether anything listens.
    #[error("127.0.0.1:{port} cannot be reached: {why}")]
    Unreachable {
        /// The port.
        port: u16,
        /// What the system said.
        why: String,
    },
    /// What listens belongs to another user, or it cannot be seen to whom.
    #[error(
        "127.0.0.1:{port} is answered by {}, so it was shown no credential",
        user.map_or_else(|| "a process that cannot be seen from here".to_owned(), |user| format!("a process of user {user}"))
    )]
    Stranger {
        /// The port.
        port: u16,
        /// Whose process it is.
        user: Option<u32>,
    },
    /// The gateway works on another state directory than the one that was meant.
    #[error("the gateway on 127.0.0.1:{port} uses another state directory: {state_dir}")]
    OtherStateDir {
        /// The port.
        port: u16,
        /// The directory that it names.
        state_dir: String,
    },
    /// The config makes this installation a client of a gateway elsewhere.
    #[error("gateway.mode is `remote`{}: the gateway of this config runs elsewhere", url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default())]
    Remote {
        /// `gateway.remote.url`.
        url: Option<String>,
    },
    /// Something listens that is no OpenClaw gateway.
    #[error("127.0.0.1:{port} is not an OpenClaw gateway: {why}")]
    NotAGateway {
        /// The port.
        port: u16,
        /// What it did.
        why: String,
    },
    /// The gateway's TLS is on; this client speaks plain WebSocket over loopback only.
    #[error("the gateway on 127.0.0.1:{port} wants TLS, which this client does not speak")]
    Tls {
        /// The port.
        port: u16,
    },
    /// The config, the environment and the caller name no token or password.
    #[error("the gateway on 127.0.0.1:{port} wants a credential and none was found")]
    NoCredential {
        /// The port.
        port: u16,
    },
    /// The gateway refused the credential.
    #[error("the gateway on 127.0.0.1:{port} refused {}: {why}", shown.join(" and "))]
    Refused {
        /// The port.
        port: u16,
        /// What it was shown, each with the place where it was found.
        shown: Vec<String>,
        /// Its own words.
        why: String,
    },
    /// The gateway wants the device to be approved first.
    #[error("the gateway on 127.0.0.1:{port} wants this device to be approved: {why}")]
    PairingRequired {
        /// The port.
        port: u16,
        /// Its own words.
        why: String,
    },
    /// Connected, but without the right to administrate: early releases strip it from clients without a device identity.
    #[error("the gateway (OpenClaw {}) gave no operator.admin right to this connection", version.as_deref().unwrap_or("of unknown version"))]
    NoAdmin {
        /// What it says it is.
        version: Option<String>,
        /// Whether a device identity was used.
        with_device: bool,
    },
    /// The gateway does not know the method.
    #[error("this gateway has no {method}")]
    NoSuchMethod {
        /// The method.
        method: String,
    },
    /// The gateway answered a call with an error.
    #[error("{method} failed{} ({code})", if is_silent(method, message) { String::new() } else { format!(": {message}") })]
    Call {
        /// The method.
        method: String,
        /// Its code (`UNAVAILABLE`, `INVALID_REQUEST`, …).
        code: String,
        /// Its own words, cut to a line.
        message: String,
        /// Whether it says that trying again may help.
        retryable: bool,
    },
    /// No answer in time.
    #[error("{what} took longer than {} s", limit.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// The connection ended.
    #[error("the gateway closed the connection{}: {why}", code.map(|code| format!(" ({code})")).unwrap_or_default())]
    Closed {
        /// WebSocket close code, where there was one.
        code: Option<u16>,
        /// Its own words.
        why: String,
    },
    /// The gateway sent what no gateway sends.
    #[error("the gateway's answer could not be understood: {why}")]
    Protocol {
        /// What.
        why: String,
    },
    /// The device identity cannot be used.
    #[error("the device identity {path} cannot be used: {why}")]
    Identity {
        /// Its file.
        path: String,
        /// Why.
        why: String,
    },
}

impl GatewayError {
    /// Tells whether the same call may succeed later without anyone doing anything.
    pub fn retryable(&self) -> bool {
        match self {
            Self::NotRunning { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Closed { .. } => true,
            Self::Call { retryable, .. } => *retryable,
            _ => false,
        }
    }

    /// Tells whether there is more in it than that a call failed. Releases since 2026.5 give the reason of a refused reload to their log alone.
    pub fn says_why(&self) -> bool {
        match self {
            Self::Call { method, message, .. } => !is_silent(method, message),
            _ => true,
        }
    }

    /// Returns the way out, one line.
    pub fn hint(&self) -> String {
        match self {
            Self::NotRunning { .. } => "start the gateway; it reads its stores when it starts".into(),
            Self::NotAGateway { .. } => {
                "set gateway.port or OPENCLAW_GATEWAY_PORT to the port of the gateway".into()
            }
            Self::Unreachable { .. } => "see what hinders connections to the loopback, and try again".into(),
            Self::Stranger { user: Some(_), .. } => {
                "set gateway.port to a port that nobody else has, or run keyshoal as the gateway's user".into()
            }
            Self::Stranger { user: None, .. } => {
                "run keyshoal where the gateway runs (in its container), or name the command that restarts it: --restart-command".into()
            }
            Self::OtherStateDir { .. } => "name that directory with --state-dir, or this one's port in gateway.port".into(),
            Self::Remote { .. } => "run keyshoal on the machine where the gateway runs".into(),
            Self::Tls { .. } => {
                "run `openclaw secrets reload`, or name the command that restarts the gateway: --activate restart --restart-command".into()
            }
            Self::NoCredential { .. } => {
                "set gateway.auth.token in openclaw.json, or OPENCLAW_GATEWAY_TOKEN, or name a file with --gateway-token-file".into()
            }
            Self::Refused { .. } => {
                "the gateway was started with another one: check gateway.auth and OPENCLAW_GATEWAY_TOKEN, or name a file with --gateway-token-file".into()
            }
            Self::PairingRequired { .. } => "approve it with `openclaw devices approve`, then try again".into(),
            Self::NoAdmin { with_device: false, .. } => {
                "allow a device identity of Keyshoal's own with --allow-device (a local pairing, approved by the gateway itself)".into()
            }
            Self::NoAdmin { with_device: true, .. } => {
                "approve the wider rights with `openclaw devices approve`, or remove the device there and try again".into()
            }
            Self::NoSuchMethod { .. } => "this release needs another way: see `keyshoal restart`".into(),
            Self::Call { .. } if self.says_why() => {
                "the gateway keeps its last good values; fix what it names and try again".into()
            }
            Self::Call { .. } => "the gateway keeps its last good values, and only its log says why".into(),
            Self::Timeout { .. } => "the gateway may be busy or starting: try again".into(),
            Self::Closed { .. } => "the gateway may be restarting: try again".into(),
            Self::Protocol { .. } => "check that the port belongs to OpenClaw and that its release is supported".into(),
            Self::Identity { path, .. } => format!("move {path} away to have a new identity made"),
        }
    }
}

/// Tells whether a gateway's words about a failed call say nothing but that it failed.
fn is_silent(method: &str, message: &str) -> bool {
    message.is_empty() || message.strip_prefix(method) == Some(" failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_mended_is_spoken_of_where_it_is_named() {
        let call = |message: &str| GatewayError::Call {
            method: "secrets.reload".into(),
            code: "UNAVAILABLE".into(),
            message: message.into(),
            retryable: false,
        };
        let named = call("no such file");
        assert_eq!(named.to_string(), "secrets.reload failed: no such file (UNAVAILABLE)");
        assert!(named.says_why() && named.hint().contains("fix what it names"), "{}", named.hint());
        let silent = call("secrets.reload failed");
        assert_eq!(silent.to_string(), "secrets.reload failed (UNAVAILABLE)");
        assert!(!silent.says_why() && silent.hint().contains("log says why"), "{}", silent.hint());
    }
}
