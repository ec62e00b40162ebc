//! `keyshoal.route.v1`: which agent answers a message, and by which binding.

use crate::render::route::{mismatch_words, refusal_words};
use crate::view::route::{RouteView, RoutedMessage};
use keyshoal_core::AgentId;
use keyshoal_openclaw::config::model::Peer;
use keyshoal_openclaw::routing::{Answer, Mismatch, Origin, Query, Severity};
use serde::Serialize;

/// What `route --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct RouteDocument {
    schema: &'static str,
    openclaw_version: Option<String>,
    default_agent: Option<AgentId>,
    routes: Vec<RouteLine>,
    findings: Vec<FindingLine>,
    needs_attention: bool,
}

#[derive(Clone, Debug, Serialize)]
struct RouteLine {
    query: QueryDocument,
    agent: Option<AgentId>,
    refused_because: Option<&'static str>,
    tier: &'static str,
    binding: Option<BindingDocument>,
    unknown_agent: Option<AgentId>,
    passed: Option<Vec<PassedDocument>>,
    origins: Vec<OriginDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct QueryDocument {
    text: String,
    channel: String,
    account: String,
    peer: Option<String>,
    parent: Option<String>,
    guild: Option<String>,
    team: Option<String>,
    roles: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct BindingDocument {
    index: usize,
    agent: Option<String>,
    place: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct PassedDocument {
    binding: BindingDocument,
    why: &'static str,
    message: String,
}

#[derive(Clone, Debug, Serialize)]
struct OriginDocument {
    origin: &'static str,
    index: Option<usize>,
    agent: Option<AgentId>,
    session: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct FindingLine {
    finding: &'static str,
    severity: &'static str,
    binding: Option<BindingDocument>,
    message: String,
    fix: String,
}

impl RouteDocument {
    /// Makes it.
    pub fn of(view: &RouteView) -> Self {
        let binding = |index: usize| binding(view, index);
        let findings = view.findings.iter().map(|one| FindingLine {
            finding: one.kind.as_str(),
            severity: match one.severity {
                Severity::Info => "info",
                Severity::Attention => "attention",
            },
            binding: one.binding.map(binding),
            message: one.message.clone(),
            fix: one.fix.clone(),
        });
        Self {
            schema: "keyshoal.route.v1",
            openclaw_version: view.openclaw_version.clone(),
            default_agent: view.default_agent.clone(),
            routes: view.routes.iter().map(|one| line(view, one)).collect(),
            findings: findings.collect(),
            needs_attention: view.needs_attention(),
        }
    }
}

fn binding(view: &RouteView, index: usize) -> BindingDocument {
    let found = view.binding(index);
    BindingDocument {
        index,
        agent: found.map(|one| one.agent.clone()),
        place: found.and_then(|one| one.place.clone()),
    }
}

fn line(view: &RouteView, one: &RoutedMessage) -> RouteLine {
    let route = &one.route;
    let passed = route.passed.iter().map(|passed| PassedDocument {
        binding: binding(view, passed.binding),
        why: why(&passed.why),
        message: mismatch_words(&passed.why),
    });
    RouteLine {
        query: query(&one.query),
        agent: route.answer.agent().cloned(),
        refused_because: match route.answer {
            Answer::Agent(_) => None,
            Answer::Nobody(refusal) => Some(refusal_words(refusal)),
        },
        tier: route.tier.as_str(),
        binding: route.binding.map(|index| binding(view, index)),
        unknown_agent: route.stranger.clone(),
        // Of each of many messages that would be too much.
        passed: one.origins.is_empty().then(|| passed.collect()),
        origins: one.origins.iter().map(origin).collect(),
    }
}

fn query(query: &Query) -> QueryDocument {
    QueryDocument {
        text: query.to_string(),
        channel: query.channel.clone(),
        account: query.account_id(),
        peer: query.peer.as_ref().map(Peer::to_string),
        parent: query.parent.as_ref().map(Peer::to_string),
        guild: query.guild.clone(),
        team: query.team.clone(),
        roles: query.roles.clone(),
    }
}

fn why(why: &Mismatch) -> &'static str {
    match why {
        Mismatch::NotARoute => "not_a_route",
        Mismatch::Channel(_) => "other_channel",
        Mismatch::Account(_) => "other_account",
        Mismatch::UnusablePeer => "unusable_peer",
        Mismatch::Peer(_) => "other_peer",
        Mismatch::Guild(_) => "other_guild",
        Mismatch::Team(_) => "other_team",
        Mismatch::Roles(_) => "no_role",
        Mismatch::LaterTier(_) => "later_tier",
        Mismatch::LaterInConfig => "later_in_config",
    }
}

fn origin(origin: &Origin) -> OriginDocument {
    let (word, index, agent, session) = match origin {
        Origin::Account => ("account", None, None, None),
        Origin::Binding(index) => ("binding", Some(*index), None, None),
        Origin::Session { agent, key } => ("session", None, Some(agent.clone()), Some(key.clone())),
    };
    OriginDocument { origin: word, index, agent, session }
}
