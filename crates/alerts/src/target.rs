//! Whom to tell, and how.

use crate::Quiet;
use keyshoal_core::Secret;
use url::{Host, Url};

/// One addressee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name, by which the person knows it.
    pub name: String,
    /// How it is told.
    pub kind: Kind,
    /// When it is to be left in peace.
    pub quiet: Option<Quiet>,
    /// Then what is urgent waits as well.
    pub urgent_too: bool,
    /// So many messages reach it within an hour at most, the rest in one; 0: any number.
    pub per_hour: u32,
}

/// How an addressee is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A JSON document, signed when there is a secret.
    Webhook {
        /// Where.
        url: Address,
        /// What signs it.
        secret: Option<Secret>,
    },
    /// An incoming webhook of Slack, or of what takes the same.
    Slack {
        /// Where.
        url: Address,
    },
    /// A message of a bot.
    Telegram {
        /// The Bot API.
        server: Address,
        /// The bot's token.
        token: Secret,
        /// The chat's id, or `@name` of a channel.
        chat: String,
    },
    /// A topic of ntfy.
    Ntfy {
        /// The topic's URL.
        url: Address,
        /// An access token.
        token: Option<Secret>,
    },
    /// The person's own command, run by `sh -c` with the JSON document on its standard input.
    Command {
        /// The command.
        command: String,
    },
}

impl Kind {
    /// Returns its word in the policy.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Telegram { .. } => "telegram",
            Self::Ntfy { .. } => "ntfy",
            Self::Command { .. } => "command",
        }
    }

    /// Returns where it leads, as it may be shown: no path and no query, which may be secret.
    pub fn shown(&self) -> String {
        match self {
            Self::Webhook { url, .. } | Self::Slack { url } | Self::Ntfy { url, .. } => url.shown.clone(),
            Self::Telegram { server, .. } => server.shown.clone(),
            Self::Command { .. } => "sh -c".to_owned(),
        }
    }

    /// Returns its address, where it is told over the network.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Webhook { url, .. } | Self::Slack { url } | Self::Ntfy { url, .. } => Some(url),
            Self::Telegram { server, .. } => Some(server),
            Self::Command { .. } => None,
        }
    }

    /// Returns everything secret of it, so that it can be looked for where it must not be.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        let mut secrets: Vec<&Secret> = self.address().map(|address| &address.url).into_iter().collect();
        match self {
            Self::Webhook { secret, .. } => secrets.extend(secret),
            Self::Telegram { token, .. } => secrets.push(token),
            Self::Ntfy { token, .. } => secrets.extend(token),
            Self::Slack { .. } | Self::Command { .. } => {}
        }
        secrets
    }
}

/// An address of the network. It may hold a secret (a webhook's path does), so only scheme and host are ever shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) url: Secret,
    shown: String,
    loopback: bool,
    plain: bool,
}

/// Why a text is no address. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("it is no URL")]
    NoUrl,
    /// Its scheme is not spoken here.
    #[error("only http and https are spoken")]
    Scheme,
    /// It names no host.
    #[error("it names no host")]
    NoHost,
}

impl Address {
    /// Reads it.
    pub fn new(text: &Secret) -> Result<Self, AddressError> {
        let url = Url::parse(text.reveal_secret().trim()).map_err(|_| AddressError::NoUrl)?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(AddressError::Scheme),
        };
        let host = url.host().ok_or(AddressError::NoHost)?;
        let loopback = match &host {
            Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{}://{host}{port}", url.scheme());
        Ok(Self { url: Secret::new(String::from(url)), shown, loopback, plain })
    }

    /// Tells whether it stays on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Tells whether what is sent there can be read on the way.
    pub fn is_readable_on_the_way(&self) -> bool {
        self.plain && !self.loopback
    }

    /// Returns scheme and host.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        let address =
            Address::new(&Secret::new("https://u:p@hooks.example.com:8443/T0/B0/s3cret?x=s3cret")).unwrap();
        assert_eq!(address.shown(), "https://hooks.example.com:8443");
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    #[test]
    fn other_schemes_are_refused_without_being_repeated() {
        for text in ["file:///etc/s3cret", "gopher://x/s3cret", "unix:/run/s3cret", "s3cret", "data:,s3cret"]
        {
            let error = Address::new(&Secret::new(text)).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let plain = Address::new(&Secret::new("http://10.0.0.1/x")).unwrap();
        assert!(plain.is_readable_on_the_way() && !plain.is_loopback());
        assert!(Address::new(&Secret::new("http://[::1]:1/x")).unwrap().is_loopback());
    }
}
