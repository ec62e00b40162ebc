//! Where messages go, arranged for showing.

use keyshoal_core::AgentId;
use keyshoal_openclaw::config::Config;
use keyshoal_openclaw::routing::{Answer, Finding, FindingKind, Origin, Query, Route, Severity};

/// Where messages go.
#[derive(Clone, Debug)]
pub struct RouteView {
    /// The release whose rules count, where it is known.
    pub openclaw_version: Option<String>,
    /// Who answers where no binding holds.
    pub default_agent: Option<AgentId>,
    /// The messages.
    pub routes: Vec<RoutedMessage>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The bindings, by their position.
    pub bindings: Vec<BindingView>,
}

/// One message and where it goes.
#[derive(Clone, Debug)]
pub struct RoutedMessage {
    /// The message.
    pub query: Query,
    /// Where it goes.
    pub route: Route,
    /// What tells of it; nothing where a person asked.
    pub origins: Vec<Origin>,
    /// The conversation as the program addresses it, or why that is not known.
    pub target: Result<String, &'static str>,
}

/// One binding.
#[derive(Clone, Debug)]
pub struct BindingView {
    /// Its position in the config.
    pub index: usize,
    /// The agent that it names, as written.
    pub agent: String,
    /// `file:line:column`.
    pub place: Option<String>,
}

impl BindingView {
    /// Makes those of a config.
    pub fn all(config: &Config) -> Vec<Self> {
        let view = |one: &keyshoal_openclaw::config::model::Binding| Self {
            index: one.index,
            agent: one.agent.clone(),
            place: one.place.clone(),
        };
        config.bindings.iter().map(view).collect()
    }
}

impl RouteView {
    /// Returns a binding.
    pub fn binding(&self, index: usize) -> Option<&BindingView> {
        self.bindings.iter().find(|one| one.index == index)
    }

    /// Returns why no message comes this way, where only a binding tells of it that none can come to.
    pub fn unreachable(&self, message: &RoutedMessage) -> Option<&str> {
        let why = |origin: &Origin| match origin {
            Origin::Binding(index) => self
                .findings
                .iter()
                .find(|one| one.kind == FindingKind::Unreachable && one.binding == Some(*index))
                .map(|one| one.message.as_str()),
            Origin::Account | Origin::Session { .. } => None,
        };
        message.origins.iter().map(why).collect::<Option<Vec<_>>>()?.first().copied()
    }

    /// Tells whether a person has to look.
    pub fn needs_attention(&self) -> bool {
        let asked = self.routes.iter().filter(|one| one.origins.is_empty());
        asked.map(|one| &one.route).any(|route| matches!(route.answer, Answer::Nobody(_)) || is_misled(route))
            || self.findings.iter().any(|one| one.severity == Severity::Attention)
    }
}

/// Tells whether another agent answers than the one that the binding names.
pub fn is_misled(route: &Route) -> bool {
    route.stranger.is_some() && route.answer.agent() != route.stranger.as_ref()
}
