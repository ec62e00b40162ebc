//! The resolver itself.

use super::{Query, Rules};
use crate::agent_id;
use crate::config::Config;
use crate::config::model::{Binding, BindingKind, Peer, RosterForm};
use keyshoal_core::AgentId;
use std::fmt;

/// How closely a binding fits; the closest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// It names the conversation.
    Peer,
    /// It names the conversation that the thread belongs to.
    PeerParent,
    /// It names every conversation of the kind.
    PeerWildcard,
    /// It names guild and roles.
    GuildRoles,
    /// It names the guild.
    Guild,
    /// It names the team.
    Team,
    /// It is for the account.
    Account,
    /// It is for every account of the channel.
    Channel,
    /// No binding holds.
    Default,
}

impl Tier {
    /// All, the closest first.
    pub const ALL: [Self; 9] = [
        Self::Peer,
        Self::PeerParent,
        Self::PeerWildcard,
        Self::GuildRoles,
        Self::Guild,
        Self::Team,
        Self::Account,
        Self::Channel,
        Self::Default,
    ];

    /// Returns the program's word (`matchedBy`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Peer => "binding.peer",
            Self::PeerParent => "binding.peer.parent",
            Self::PeerWildcard => "binding.peer.wildcard",
            Self::GuildRoles => "binding.guild+roles",
            Self::Guild => "binding.guild",
            Self::Team => "binding.team",
            Self::Account => "binding.account",
            Self::Channel => "binding.channel",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a message goes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who answers.
    pub answer: Answer,
    /// By which tier.
    pub tier: Tier,
    /// The position of the binding in the config, where one holds.
    pub binding: Option<usize>,
    /// The agent that the binding names, where it is not in the roster.
    pub stranger: Option<AgentId>,
    /// The other bindings, in the order of the config, and why each is not the one.
    pub passed: Vec<Passed>,
}

/// Who answers a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An agent.
    Agent(AgentId),
    /// Nobody: the program refuses the message.
    Nobody(Refusal),
}

impl Answer {
    /// Returns the agent.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(id) => Some(id),
            Self::Nobody(_) => None,
        }
    }
}

/// Says why the program refuses a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The binding names an agent that is not in the roster.
    UnknownAgent,
    /// No binding holds, and there is no default agent.
    NoOwner,
}

/// A binding that is not the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its position in the config.
    pub binding: usize,
    /// Why.
    pub why: Mismatch,
}

/// Says why a binding is not the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It binds a conversation that another program leads (ACP).
    NotARoute,
    /// It is for another channel, or names none.
    Channel(Option<String>),
    /// It is for another account.
    Account(String),
    /// The conversation that it names cannot be one.
    UnusablePeer,
    /// It is for another conversation.
    Peer(Peer),
    /// It is for another guild.
    Guild(String),
    /// It is for another team.
    Team(String),
    /// The sender has none of its roles.
    Roles(Vec<String>),
    /// It holds as well, but this tier comes later.
    LaterTier(Tier),
    /// It holds as well, but stands later in the config.
    LaterInConfig,
}

/// Finds the agent that answers a message.
pub fn resolve(config: &Config, rules: &Rules, query: &Query) -> Route {
    let account = query.account_id();
    let tried: Vec<(usize, Result<Tier, Mismatch>)> =
        config.bindings.iter().map(|binding| (binding.index, fit(binding, rules, query, &account))).collect();
    let best = tried.iter().filter_map(|(index, fit)| Some((*fit.as_ref().ok()?, *index))).min();
    let passed = tried.into_iter().filter(|(index, _)| best.is_none_or(|(_, chosen)| *index != chosen));
    let passed = passed.map(|(binding, fit)| Passed {
        binding,
        why: match fit {
            Err(why) => why,
            Ok(tier) if best.is_some_and(|(chosen, _)| chosen == tier) => Mismatch::LaterInConfig,
            Ok(tier) => Mismatch::LaterTier(tier),
        },
    });
    let passed = passed.collect();
    route(config, rules, best, passed)
}

/// The same without the reasons, for looking at many messages.
pub fn decide(config: &Config, rules: &Rules, query: &Query) -> Route {
    let account = query.account_id();
    let fits =
        |binding: &Binding| fit(binding, rules, query, &account).ok().map(|tier| (tier, binding.index));
    let best = config.bindings.iter().filter_map(fits).min();
    route(config, rules, best, Vec::new())
}

fn route(config: &Config, rules: &Rules, best: Option<(Tier, usize)>, passed: Vec<Passed>) -> Route {
    let Some((tier, index)) = best else {
        let answer = default_agent(config, rules).map_or(Answer::Nobody(Refusal::NoOwner), Answer::Agent);
        return Route { answer, tier: Tier::Default, binding: None, stranger: None, passed };
    };
    let named = config.bindings.iter().find(|binding| binding.index == index);
    let named = agent_id::normalize(named.map_or(agent_id::FALLBACK, |binding| &binding.agent));
    let stranger = is_stranger(config, &named).then(|| named.clone());
    let known = stranger.is_none() || takes_anyone(config, rules);
    let answer = match known || (rules.refuses && named.as_str() == agent_id::FALLBACK) {
        true => Answer::Agent(named),
        false if rules.refuses => Answer::Nobody(Refusal::UnknownAgent),
        false => default_agent(config, rules).map_or(Answer::Nobody(Refusal::NoOwner), Answer::Agent),
    };
    Route { answer, tier, binding: Some(index), stranger, passed }
}

/// Tells whether an agent is not in the roster.
pub(super) fn is_stranger(config: &Config, named: &AgentId) -> bool {
    config.agent(named).is_none()
}

/// Tells whether whoever a binding names is an agent: where nobody is written. Later releases make a roster of `main` then, but not under
/// explicit ownership.
pub(super) fn takes_anyone(config: &Config, rules: &Rules) -> bool {
    config.roster_implied && (!rules.refuses || config.explicit_ownership)
}

/// Returns who answers where no binding holds.
pub fn default_agent(config: &Config, rules: &Rules) -> Option<AgentId> {
    let default = config.default_agent().map(|agent| agent.id.clone());
    if !rules.refuses {
        return default.or_else(|| Some(config.agents.first()?.id.clone()));
    }
    if config.roster_implied {
        let there = config.roster_form != RosterForm::Implicit && config.explicit_ownership;
        return default.filter(|_| !there);
    }
    let recorded = config.system_agent.as_ref().filter(|_| rules.system_agent && config.explicit_ownership);
    // These releases read a list as well, but its order makes no default.
    let certain = config.roster_form != RosterForm::List
        || config.agents.len() == 1
        || (config.default_marks == 1 && !config.explicit_ownership);
    recorded.filter(|id| config.agent(id).is_some()).cloned().or(default.filter(|_| certain))
}

/// Tells by which tier a binding holds, or why it does not.
fn fit(binding: &Binding, rules: &Rules, query: &Query, account: &str) -> Result<Tier, Mismatch> {
    if binding.kind != BindingKind::Route {
        return Err(Mismatch::NotARoute);
    }
    if binding.channel.as_deref() != Some(query.channel.as_str()) {
        return Err(Mismatch::Channel(binding.channel.clone()));
    }
    let any_account = binding.account.as_deref() == Some("*");
    if !any_account && binding.account.as_deref() != Some(account) {
        let wanted = agent_id::normalize_account(binding.account.as_deref().unwrap_or_default());
        if wanted != account {
            return Err(Mismatch::Account(wanted));
        }
    }
    if binding.unusable_peer {
        return Err(Mismatch::UnusablePeer);
    }
    let tier = match &binding.peer {
        Some(wanted) => peer_tier(wanted, rules, query).ok_or_else(|| Mismatch::Peer(wanted.clone()))?,
        None if binding.guild.is_some() && !binding.roles.is_empty() => Tier::GuildRoles,
        None if binding.guild.is_some() => Tier::Guild,
        None if binding.team.is_some() => Tier::Team,
        None if any_account => Tier::Channel,
        None => Tier::Account,
    };
    if let Some(wanted) = binding.guild.as_ref().filter(|wanted| query.guild.as_ref() != Some(wanted)) {
        return Err(Mismatch::Guild(wanted.clone()));
    }
    if let Some(wanted) = binding.team.as_ref().filter(|wanted| query.team.as_ref() != Some(wanted)) {
        return Err(Mismatch::Team(wanted.clone()));
    }
    if !binding.roles.is_empty() && !binding.roles.iter().any(|role| query.roles.contains(role)) {
        return Err(Mismatch::Roles(binding.roles.clone()));
    }
    Ok(tier)
}

/// Tells by which tier a binding to a conversation holds for this one.
fn peer_tier(wanted: &Peer, rules: &Rules, query: &Query) -> Option<Tier> {
    let is = |peer: &&Peer| wanted.kind.is_like(peer.kind) && wanted.id == peer.id;
    if rules.peer_wildcards && wanted.id == "*" {
        let peer = query.peer.as_ref()?;
        return wanted.kind.is_like(peer.kind).then_some(Tier::PeerWildcard);
    }
    if query.peer.as_ref().filter(is).is_some() {
        return Some(Tier::Peer);
    }
    query.parent.as_ref().filter(is).map(|_| Tier::PeerParent)
}
