//! Conversations that an agent has had, by the keys of its sessions.
//!
//! A key says who had it with whom: `agent:<id>:<channel>:<kind>:<peer>`, for direct messages also with the account before the kind, and with
//! `:thread:…` or `:topic:…` behind. What an agent has in its main session (`agent:<id>:main`) or for itself (cron, hooks, subagents) names no
//! conversation.

use super::{Places, is_of, places};
use crate::config::Config;
use crate::config::model::{AgentEntry, Peer, PeerKind};
use crate::files;
use crate::locate::Locations;
use crate::store::sqlite_store::connect::read_only;
use keyshoal_core::AgentId;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;

/// A conversation that an agent has had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownSession {
    /// Whose it is.
    pub agent: AgentId,
    /// Its key.
    pub key: String,
    /// Where the last message came from, where the key says so: channel, and with whom. Ids are in lower case there.
    pub with: Option<(String, Peer)>,
    /// The account, where key or entry say so.
    pub account: Option<String>,
    /// The guild or team, where the entry says so.
    pub space: Option<String>,
    /// The conversation as the program addresses it, where the entry says so for the same channel.
    pub to: Option<String>,
}

/// Reads the sessions of an agent. What is missing or cannot be read is none: sessions explain, they decide nothing.
pub fn known(locations: &Locations, config: &Config, agent: &AgentEntry) -> Vec<KnownSession> {
    let Some(Places { store, database, shared }) = places(locations, config, agent) else {
        return Vec::new();
    };
    let mut entries = BTreeMap::new();
    if let Ok(Some(bytes)) = files::read(&store, super::FILE_LIMIT)
        && let Ok(Value::Object(of_file)) = serde_json::from_slice(&bytes)
    {
        entries.extend(of_file);
    }
    // A release that has the table no longer writes the file.
    entries.extend(read_only(&database, rows).ok().flatten().and_then(Result::ok).into_iter().flatten());
    let mine = entries.into_iter().filter(|(key, _)| !shared || is_of(key, agent));
    mine.map(|(key, entry)| session(agent, key, &entry)).collect()
}

/// Reads all sessions of an agent's database. An error for one of another shape: earlier releases have no such table.
fn rows(db: &Connection) -> rusqlite::Result<Vec<(String, Value)>> {
    let mut query = db.prepare("SELECT session_key, entry_json FROM session_nodes")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| row.map(|(key, entry)| (key, serde_json::from_str(&entry).unwrap_or_default()))).collect()
}

fn session(agent: &AgentEntry, key: String, entry: &Value) -> KnownSession {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).map(str::trim);
    let named = |pointers: &[&str]| {
        pointers.iter().filter_map(|at| text(at)).find(|found| !found.is_empty()).map(str::to_owned)
    };
    let (with, account) = match parts(&key) {
        Some((channel, account, peer)) => (Some((channel, peer)), account),
        None => (None, None),
    };
    let account =
        account.or_else(|| named(&["/lastAccountId", "/deliveryContext/accountId", "/origin/accountId"]));
    let of = |channel: &[&str], to: &[&str]| {
        let same = named(channel)
            .is_some_and(|named| with.as_ref().is_some_and(|(with, _)| *with == named.to_lowercase()));
        named(to).filter(|_| same)
    };
    let to = of(&["/deliveryContext/channel"], &["/deliveryContext/to"])
        .or_else(|| of(&["/lastChannel"], &["/lastTo"]));
    KnownSession { agent: agent.id.clone(), key, with, account, space: named(&["/space"]), to }
}

/// Takes a key apart: channel, account where it names one, and with whom.
fn parts(key: &str) -> Option<(String, Option<String>, Peer)> {
    let mut rest = key.strip_prefix("agent:")?.splitn(4, ':').skip(1);
    let (channel, second, rest) = (rest.next()?, rest.next()?, rest.next()?);
    let (account, kind, id) = match PeerKind::of(second) {
        Some(kind) => (None, kind, rest),
        None => {
            let (kind, id) = rest.split_once(':')?;
            (Some(second.to_owned()), PeerKind::of(kind)?, id)
        }
    };
    // A thread or topic belongs to the conversation before it.
    let id = [":thread:", ":topic:"].iter().filter_map(|mark| id.find(mark)).min().map_or(id, |at| &id[..at]);
    let peer = Peer { kind, id: id.to_owned() };
    (!channel.is_empty() && !id.is_empty()).then(|| (channel.to_owned(), account, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart() {
        let of = |key: &str| {
            parts(key).map(|(channel, account, peer)| {
                format!("{channel}/{}/{peer}", account.unwrap_or_else(|| "-".to_owned()))
            })
        };
        for (key, said) in [
            ("agent:ops:telegram:direct:123", "telegram/-/direct:123"),
            ("agent:ops:telegram:biz:direct:123", "telegram/biz/direct:123"),
            ("agent:ops:telegram:group:-100:topic:7", "telegram/-/group:-100"),
            ("agent:ops:discord:channel:c1:thread:t1", "discord/-/channel:c1"),
            ("agent:ops:matrix:channel:!a:example.org", "matrix/-/channel:!a:example.org"),
        ] {
            assert_eq!(of(key).as_deref(), Some(said), "{key}");
        }
        for key in [
            "agent:ops:main",
            "agent:ops:cron:1:run:2",
            "agent:ops:subagent:x",
            "main",
            "agent:ops:direct:7",
            "",
        ] {
            assert_eq!(of(key), None, "{key}");
        }
    }
}
