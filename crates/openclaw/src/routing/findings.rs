//! What is wrong with the bindings of a config.

use super::derive::{any_name, of_binding};
use super::resolve::{is_stranger, takes_anyone};
use super::{Answer, Derived, Origin, Refusal, Rules, decide, default_agent};
use crate::Environment;
use crate::agent_id;
use crate::config::Config;
use crate::config::model::{Binding, BindingKind};
use crate::sessions::KnownSession;
use keyshoal_core::AgentId;
use std::collections::BTreeSet;

/// One thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// How much it weighs.
    pub severity: Severity,
    /// Which binding it is about.
    pub binding: Option<usize>,
    /// What and why.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// Says how much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// A person has to look.
    Attention,
}

/// Says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A binding names an agent that is not in the roster.
    UnknownAgent,
    /// A binding is never the one: others hold for all its messages and come first.
    Shadowed,
    /// No message can come to a binding.
    Unreachable,
    /// The default agent was another one.
    DefaultMoved,
    /// Everything goes to one agent, and nothing to the others.
    Unbound,
    /// There are messages that nobody answers.
    Unanswered,
}

impl FindingKind {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAgent => "unknown_agent",
            Self::Shadowed => "shadowed",
            Self::Unreachable => "unreachable",
            Self::DefaultMoved => "default_moved",
            Self::Unbound => "unbound",
            Self::Unanswered => "unanswered",
        }
    }
}

/// Looks the bindings over. Some channels are configured by variables of the environment alone.
pub fn examine(
    config: &Config,
    rules: &Rules,
    derived: &[Derived],
    sessions: &[KnownSession],
    env: &Environment,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let any = any_name(config);
    for binding in config.bindings.iter().filter(|binding| binding.kind == BindingKind::Route) {
        found.extend(stranger(binding, config, rules));
        let unreachable = unreachable(binding, config, env);
        found.extend(unreachable.or_else(|| shadowed(binding, config, rules, &any)));
    }
    found.extend(unanswered(config, rules, derived));
    found.extend(unbound(config, rules, derived, sessions));
    found
}

fn attention(kind: FindingKind, binding: Option<usize>, message: String, fix: impl Into<String>) -> Finding {
    Finding { kind, severity: Severity::Attention, binding, message, fix: fix.into() }
}

fn stranger(binding: &Binding, config: &Config, rules: &Rules) -> Option<Finding> {
    let named = agent_id::normalize(&binding.agent);
    let fine = takes_anyone(config, rules) || (rules.refuses && named.as_str() == agent_id::FALLBACK);
    if fine || !is_stranger(config, &named) {
        return None;
    }
    let then = match default_agent(config, rules).filter(|_| !rules.refuses) {
        Some(default) => format!("{default} answers instead, without a word"),
        None => "nobody answers".to_owned(),
    };
    let message = format!("binds to agent {named}, which is not in the roster: {then}");
    Some(attention(
        FindingKind::UnknownAgent,
        Some(binding.index),
        message,
        "correct agentId, or add the agent",
    ))
}

/// Says why no message can come to a binding.
fn unreachable(binding: &Binding, config: &Config, env: &Environment) -> Option<Finding> {
    let say =
        |why: String, fix: &str| Some(attention(FindingKind::Unreachable, Some(binding.index), why, fix));
    let Some(channel) = &binding.channel else {
        return say("names no channel, so it matches nothing".to_owned(), "name a channel, or take it away");
    };
    if binding.unusable_peer {
        let why = "names a conversation without kind or id, so it matches nothing".to_owned();
        return say(why, "give peer a kind (direct, group or channel) and an id");
    }
    if channel == "webchat" {
        return None;
    }
    let Some(declared) = config.channels.get(channel) else {
        if has_variables(channel, config, env) {
            return None;
        }
        let why = format!("is for channel {channel}, which is not configured: no message comes from there");
        return say(why, "configure the channel, or take the binding away");
    };
    if !declared.enabled {
        let why = format!("is for channel {channel}, which is not enabled: no message comes from there");
        return say(why, "enable the channel, or take the binding away");
    }
    let account = binding.account.as_deref();
    if account == Some("*") || declared.accounts.is_empty() && account.is_none() {
        return None;
    }
    let account = agent_id::normalize_account(account.unwrap_or_default());
    match declared.accounts.get(&account) {
        Some(true) => None,
        Some(false) => {
            let why = format!("is for account {account} of channel {channel}, which is not enabled");
            say(why, "enable the account, or take the binding away")
        }
        // Accounts beside a token of the channel itself leave that one as `default`; only its plugin knows.
        None if account == agent_id::DEFAULT_ACCOUNT => None,
        None => {
            let names: Vec<&str> = declared.accounts.keys().map(String::as_str).collect();
            let there = match names.as_slice() {
                [] => "it has only the account default".to_owned(),
                names => format!("its accounts are {}", names.join(", ")),
            };
            let why =
                format!("is for account {account} of channel {channel}, which is not configured: {there}");
            say(why, "correct accountId, or configure the account")
        }
    }
}

/// Tells whether a variable is named after a channel, as `TELEGRAM_BOT_TOKEN` is.
fn has_variables(channel: &str, config: &Config, env: &Environment) -> bool {
    let named: String = channel
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    let prefix = named + "_";
    let mut names = env.vars.keys().chain(config.env.keys()).chain(config.dotenv.keys());
    names.any(|name| name.starts_with(&prefix))
}

/// Says which others hold for all messages of a binding and come first.
fn shadowed(binding: &Binding, config: &Config, rules: &Rules, any: &str) -> Option<Finding> {
    let mut by = BTreeSet::new();
    for query in of_binding(binding, config, rules, any) {
        match decide(config, rules, &query).binding {
            Some(index) if index != binding.index => by.insert(index),
            _ => return None,
        };
    }
    let names: Vec<String> = by.iter().map(|index| format!("bindings[{index}]")).collect();
    let agents: BTreeSet<AgentId> = config
        .bindings
        .iter()
        .filter(|one| by.contains(&one.index))
        .map(|one| agent_id::normalize(&one.agent))
        .collect();
    let first = names.first()?;
    let same = agents.len() == 1 && agents.contains(&agent_id::normalize(&binding.agent));
    let message = format!("is never reached: for all its messages {} comes first", names.join(" or "));
    let mut made = attention(
        FindingKind::Shadowed,
        Some(binding.index),
        message,
        format!("put it before {first}, make that one narrower, or take it away"),
    );
    if same {
        // The same agent answers all the same.
        made.severity = Severity::Info;
        "it may be taken away: the same agent answers".clone_into(&mut made.fix);
    }
    Some(made)
}

/// Says for which messages there is no default agent. Those to unknown agents are told of with their bindings.
fn unanswered(config: &Config, rules: &Rules, derived: &[Derived]) -> Option<Finding> {
    let nobody: Vec<&Derived> = derived
        .iter()
        .filter(|one| decide(config, rules, &one.query).answer == Answer::Nobody(Refusal::NoOwner))
        .collect();
    let first = nobody.first()?;
    let more = if nobody.len() > 1 { format!(" and {} more", nobody.len() - 1) } else { String::new() };
    let message =
        format!("no binding holds for {}{more}, and there is no default agent: nobody answers", first.query);
    Some(attention(FindingKind::Unanswered, None, message, "bind the channel, or mark a default agent"))
}

/// Says when all messages go to one agent although there are others.
fn unbound(
    config: &Config,
    rules: &Rules,
    derived: &[Derived],
    sessions: &[KnownSession],
) -> Option<Finding> {
    let routed: Vec<&Derived> = derived
        .iter()
        .filter(|one| one.origins.iter().any(|it| !matches!(it, Origin::Session { .. })))
        .collect();
    let mut answers: BTreeSet<Option<AgentId>> =
        routed.iter().map(|one| decide(config, rules, &one.query).answer.agent().cloned()).collect();
    // Bindings alone tell of no message that none of them is for.
    if !answers.is_empty() && !routed.iter().any(|one| one.origins.contains(&Origin::Account)) {
        answers.insert(default_agent(config, rules));
    }
    let only = answers.first().cloned().flatten().filter(|_| answers.len() == 1)?;
    let bound = |id: &AgentId| config.bindings.iter().any(|one| agent_id::normalize(&one.agent) == *id);
    let others: Vec<&AgentId> =
        config.agents.iter().map(|agent| &agent.id).filter(|id| **id != only && !bound(id)).collect();
    if others.is_empty() {
        return None;
    }
    // Agents that have had sessions are used in other ways: by other agents, jobs or a person.
    let idle = others.iter().all(|id| !sessions.iter().any(|one| one.agent == **id));
    let names: Vec<&str> = others.iter().map(|id| id.as_str()).collect();
    let message = format!("every message goes to {only}; no binding leads to {}", names.join(", "));
    let mut made = attention(
        FindingKind::Unbound,
        None,
        message,
        "bind a channel, account or conversation to them, if they shall answer any",
    );
    if !idle {
        made.severity = Severity::Info;
    }
    Some(made)
}
