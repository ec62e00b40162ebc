//! A message, as far as routing looks at it.

use crate::agent_id;
use crate::config::model::{Peer, PeerKind};
use std::fmt;
use std::str::FromStr;

/// A message to be routed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The channel, in lower case.
    pub channel: String,
    /// The channel's account; `default` where none is named.
    pub account: Option<String>,
    /// The conversation.
    pub peer: Option<Peer>,
    /// The conversation that a thread belongs to.
    pub parent: Option<Peer>,
    /// The guild.
    pub guild: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// The sender's roles.
    pub roles: Vec<String>,
}

/// What is wrong with a query that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?}: {problem}")]
pub struct QueryError {
    /// The part of the query.
    pub part: String,
    /// What is wrong with it.
    pub problem: String,
}

const FIELDS: &str = "channel, account, peer, parent, guild, team, roles";

impl Query {
    /// Returns the account as the program compares it.
    pub fn account_id(&self) -> String {
        agent_id::normalize_account(self.account.as_deref().unwrap_or_default())
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let wrong = |part: &str, problem: String| QueryError { part: part.to_owned(), problem };
        let mut query = Self::default();
        let mut seen = Vec::new();
        for part in text.split(',') {
            let Some((name, value)) = part.split_once('=') else {
                return Err(wrong(part, format!("should be name=value, with a name of {FIELDS}")));
            };
            let (name, value) = (name.trim(), value.trim());
            if seen.contains(&name) {
                return Err(wrong(part, format!("{name} is named twice")));
            }
            if value.is_empty() {
                return Err(wrong(
                    part,
                    format!("{name} has no value; leave it out if the message has none"),
                ));
            }
            let text = Some(value.to_owned());
            match name {
                "channel" => query.channel = value.to_lowercase(),
                "account" if value == "*" => {
                    return Err(wrong(part, "a message comes to one account; * is for bindings".to_owned()));
                }
                "account" => query.account = text,
                "peer" => query.peer = Some(peer(value).map_err(|problem| wrong(part, problem))?),
                "parent" => query.parent = Some(peer(value).map_err(|problem| wrong(part, problem))?),
                "guild" => query.guild = text,
                "team" => query.team = text,
                "roles" => {
                    query.roles = value.split('+').map(str::trim).map(str::to_owned).collect();
                    if query.roles.iter().any(String::is_empty) {
                        return Err(wrong(part, "a role is empty; write roles=a+b".to_owned()));
                    }
                }
                _ => return Err(wrong(part, format!("there is no {name:?}; there are {FIELDS}"))),
            }
            seen.push(name);
        }
        if query.channel.is_empty() {
            return Err(wrong(text, "names no channel; begin with channel=…".to_owned()));
        }
        Ok(query)
    }
}

fn peer(value: &str) -> Result<Peer, String> {
    const KINDS: &str = "direct, group or channel";
    let Some((kind, id)) = value.split_once(':') else {
        return Err(format!("should be kind:id, with a kind of {KINDS}"));
    };
    let kind = PeerKind::of(kind).ok_or_else(|| format!("there is no kind {kind:?}; there are {KINDS}"))?;
    let id = id.trim();
    if id.is_empty() {
        return Err(format!("the id is missing after {}:", kind.as_str()));
    }
    Ok(Peer { kind, id: id.to_owned() })
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel={}", self.channel)?;
        let peer = self.peer.as_ref().map(Peer::to_string);
        let parent = self.parent.as_ref().map(Peer::to_string);
        let roles = (!self.roles.is_empty()).then(|| self.roles.join("+"));
        let fields = [
            ("account", &self.account),
            ("peer", &peer),
            ("parent", &parent),
            ("guild", &self.guild),
            ("team", &self.team),
            ("roles", &roles),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                write!(f, ",{name}={value}")?;
            }
        }
        Ok(())
    }
}
