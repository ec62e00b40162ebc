//! Which messages there may be, as far as config and sessions tell.

use super::{Query, Rules, target};
use crate::agent_id;
use crate::config::Config;
use crate::config::model::{Binding, BindingKind, ChannelDecl, Peer, PeerKind};
use crate::sessions::KnownSession;
use keyshoal_core::AgentId;
use std::collections::BTreeMap;

/// A message that there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The message.
    pub query: Query,
    /// What tells of it.
    pub origins: Vec<Origin>,
    /// The conversation as the program addresses it, or why that is not known.
    pub target: Result<String, &'static str>,
}

/// What tells of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A configured channel and account, with a conversation that no binding names.
    Account,
    /// A binding, which is for such messages.
    Binding(usize),
    /// A conversation that an agent has had.
    Session {
        /// Which agent.
        agent: AgentId,
        /// The session's key.
        key: String,
    },
}

/// Returns every message that bindings, configured channels and sessions tell of, each once.
///
/// A conversation, guild or account that nothing names stands for all others; it has a name that no binding has.
pub fn derive(config: &Config, rules: &Rules, sessions: &[KnownSession]) -> Vec<Derived> {
    let mut found: BTreeMap<Query, Vec<Origin>> = BTreeMap::new();
    let mut addressed: BTreeMap<Query, String> = BTreeMap::new();
    let mut add = |query: Query, origin: Origin| found.entry(query).or_default().push(origin);
    let any = any_name(config);
    for (channel, declared) in config.channels.iter().filter(|(_, declared)| declared.enabled) {
        for account in declared.enabled_accounts() {
            for kind in [PeerKind::Direct, PeerKind::Group] {
                let peer = Some(Peer { kind, id: any.clone() });
                let account = Some(account.clone());
                add(Query { channel: channel.clone(), account, peer, ..Query::default() }, Origin::Account);
            }
        }
    }
    for binding in &config.bindings {
        for query in of_binding(binding, config, rules, &any) {
            add(query, Origin::Binding(binding.index));
        }
    }
    for session in sessions {
        if let Some(query) = of_session(session, config) {
            if let Some(to) = &session.to {
                addressed.entry(query.clone()).or_insert_with(|| to.clone());
            }
            add(query, Origin::Session { agent: session.agent.clone(), key: session.key.clone() });
        }
    }
    let derived = found.into_iter().map(|(query, origins)| {
        let target = match addressed.remove(&query) {
            Some(to) => Ok(to),
            None => target::of(&query, &origins, &any),
        };
        Derived { query, origins, target }
    });
    derived.collect()
}

/// Returns the messages that a binding is for and that as few others as possible are for: it holds for each of them.
pub(super) fn of_binding(binding: &Binding, config: &Config, rules: &Rules, any: &str) -> Vec<Query> {
    let Some(channel) = binding.channel.clone().filter(|_| binding.kind == BindingKind::Route) else {
        return Vec::new();
    };
    if binding.unusable_peer {
        return Vec::new();
    }
    let accounts: Vec<String> = match binding.account.as_deref() {
        Some("*") => match config.channels.get(&channel).map(ChannelDecl::enabled_accounts) {
            Some(accounts) if !accounts.is_empty() => accounts,
            _ => vec![any.to_owned()],
        },
        account => vec![agent_id::normalize_account(account.unwrap_or_default())],
    };
    let of_kind = |kind: PeerKind| Peer { kind, id: any.to_owned() };
    let peers = match &binding.peer {
        Some(peer) if peer.id == "*" && rules.peer_wildcards => vec![of_kind(peer.kind)],
        Some(peer) => vec![peer.clone()],
        // Direct messages come from no guild.
        None if binding.guild.is_some() => vec![of_kind(PeerKind::Channel)],
        None => vec![of_kind(PeerKind::Direct), of_kind(PeerKind::Group)],
    };
    let roles: Vec<Vec<String>> = match binding.roles.as_slice() {
        [] => vec![Vec::new()],
        roles => roles.iter().map(|role| vec![role.clone()]).collect(),
    };
    let mut queries = Vec::new();
    for account in &accounts {
        for peer in &peers {
            for roles in &roles {
                queries.push(Query {
                    channel: channel.clone(),
                    account: Some(account.clone()),
                    peer: Some(peer.clone()),
                    parent: None,
                    guild: binding.guild.clone(),
                    team: binding.team.clone(),
                    roles: roles.clone(),
                });
            }
        }
    }
    queries
}

/// Returns the message that a session came from. Keys are in lower case; a binding tells how an id is really written.
fn of_session(session: &KnownSession, config: &Config) -> Option<Query> {
    let (channel, peer) = session.with.clone()?;
    let of_channel = config.bindings.iter().filter(|one| one.channel.as_ref() == Some(&channel));
    let same = |text: &str, other: &str| text.to_lowercase() == other.to_lowercase();
    let written = of_channel
        .clone()
        .filter_map(|binding| binding.peer.as_ref())
        .find(|one| one.kind.is_like(peer.kind) && same(&one.id, &peer.id));
    let space = session.space.as_deref();
    let named = |of: fn(&Binding) -> Option<&String>| {
        of_channel.clone().filter_map(of).find(|one| space.is_some_and(|space| same(space, one))).cloned()
    };
    Some(Query {
        account: Some(agent_id::normalize_account(session.account.as_deref().unwrap_or_default())),
        peer: Some(written.map_or(peer.clone(), |one| Peer { kind: peer.kind, id: one.id.clone() })),
        parent: None,
        guild: named(|binding| binding.guild.as_ref()),
        team: named(|binding| binding.team.as_ref()),
        roles: Vec::new(),
        channel,
    })
}

/// Returns a name that nothing in the bindings or accounts has.
pub(super) fn any_name(config: &Config) -> String {
    let taken = |name: &str| {
        let accounts = config.channels.values().any(|channel| channel.accounts.contains_key(name));
        accounts
            || config.bindings.iter().any(|binding| {
                binding.account.as_deref().map(agent_id::normalize_account).as_deref() == Some(name)
                    || binding.peer.as_ref().is_some_and(|peer| peer.id == name)
            })
    };
    let mut name = "any".to_owned();
    while taken(&name) {
        name.push_str("-other");
    }
    name
}
