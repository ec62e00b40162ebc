//! The calls that Keyshoal makes, typed.

use super::wire::line;
use super::{Client, GatewayError};
use keyshoal_core::{AgentId, ProfileId, ProviderId};
use serde_json::{Value, json};
use std::time::Duration;

/// References of the `exec` kind may take 5 s each, and the releases of 2026.9 take a second by themselves.
const RELOAD_LIMIT: Duration = Duration::from_secs(45);
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// The answer to `secrets.reload` and `models.authRefresh`: the gateway has read all stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// How many warnings the gateway has, where it says so. The reload itself is all or nothing.
    pub warnings: Option<u64>,
}

/// The answer to `gateway.restart.request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarting {
    /// `scheduled`, `deferred` (turns are under way), `coalesced`; the gateway's own word.
    pub status: String,
    /// The process that will restart, where it says so.
    pub pid: Option<u32>,
    /// Whether it has said that it goes down, once that was waited for.
    pub announced: bool,
}

/// What `models.authStatus` says of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthStatus {
    /// Its provider.
    pub provider: ProviderId,
    /// The profile.
    pub profile: ProfileId,
    /// `saved`, `inherited`, `config` or `external`; `None` in releases that do not say.
    pub source: Option<String>,
    /// `ok`, `static`, `expiring`, `expired`, `missing`, …
    pub status: String,
}

/// The answer to `models.probe`: a real completion with what the gateway holds in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// What came of it, the best of all targets that were tried.
    pub status: ProbeStatus,
    /// What came of each profile.
    pub targets: Vec<(Option<ProfileId>, ProbeStatus)>,
    /// The gateway's own words about a failure, cut to a line, without secrets.
    pub error: Option<String>,
}

impl ProbeAnswer {
    /// Returns what came of one profile. `None` when the answer is about others, or about others as well: then it says nothing certain.
    pub fn of(&self, profile: &ProfileId) -> Option<&ProbeStatus> {
        let about_it = |(named, _): &(Option<ProfileId>, ProbeStatus)| named.as_ref() == Some(profile);
        let first = self.targets.first()?;
        self.targets.iter().all(about_it).then(|| {
            let accepted = self.targets.iter().find(|(_, status)| *status == ProbeStatus::Ok);
            &accepted.unwrap_or(first).1
        })
    }
}

/// Says what came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeStatus {
    /// A completion came back.
    Ok,
    /// The provider refused the credential.
    Auth,
    /// Too many requests.
    RateLimit,
    /// No credit.
    Billing,
    /// No answer in time.
    Timeout,
    /// Nothing certain (`unknown`, `format`, `no_model`, …), in the gateway's word.
    Other(String),
}

impl ProbeStatus {
    /// Returns it as people read it.
    pub fn words(&self) -> String {
        match self {
            Self::Ok => "a completion came back".to_owned(),
            Self::Auth => "the provider refused the credential".to_owned(),
            Self::RateLimit => "the provider takes no more requests for the moment".to_owned(),
            Self::Billing => "the account has no credit".to_owned(),
            Self::Timeout => "no answer came in time".to_owned(),
            Self::Other(word) => format!("nothing certain: the gateway calls it \"{word}\""),
        }
    }

    fn read(value: &Value) -> Self {
        match value.get("status").and_then(Value::as_str).unwrap_or("unknown") {
            "ok" => Self::Ok,
            "auth" => Self::Auth,
            "rate_limit" => Self::RateLimit,
            "billing" => Self::Billing,
            "timeout" => Self::Timeout,
            other => Self::Other(line(other)),
        }
    }
}

impl Client {
    /// Makes the gateway read all stores and references again (every release). On an error it keeps its last good values.
    pub fn secrets_reload(&mut self) -> Result<Reloaded, GatewayError> {
        let answer = self.call_within("secrets.reload", &json!({}), RELOAD_LIMIT)?;
        confirmed(&answer, "ok", "secrets.reload")?;
        Ok(Reloaded { warnings: answer.get("warningCount").and_then(Value::as_u64) })
    }

    /// The same by `models.authRefresh` (2026.9). `agent` must be one of the roster; the stores of all agents are read.
    pub fn auth_refresh(&mut self, agent: &AgentId) -> Result<Reloaded, GatewayError> {
        let params = json!({ "operation": "update", "agentId": agent.as_str() });
        let answer = self.call_within("models.authRefresh", &params, RELOAD_LIMIT)?;
        confirmed(&answer, "refreshed", "models.authRefresh")?;
        Ok(Reloaded { warnings: None })
    }

    /// Asks what the gateway thinks of every profile of an agent, without secrets. `refresh` makes it read its stores first (slow on 2026.8).
    pub fn auth_status(
        &mut self,
        agent: Option<&AgentId>,
        refresh: bool,
    ) -> Result<Vec<AuthStatus>, GatewayError> {
        let mut params = json!({ "refresh": refresh });
        if let Some(agent) = agent {
            params["agentId"] = agent.as_str().into();
        }
        let answer = self.call_within("models.authStatus", &params, RELOAD_LIMIT)?;
        Ok(statuses(&answer))
    }

    /// Asks a provider through the gateway with the gateway's own in-memory credential (2026.8 and later).
    ///
    /// `Ok` proves that *some* credential of the agent was accepted. It does not prove that `profile` was: with an expired OAuth profile, or a
    /// profile pinned in `models.providers.<p>.apiKey`, the request carries another one's key (seen on 2026.9.6).
    pub fn probe(
        &mut self,
        provider: &ProviderId,
        agent: &AgentId,
        profile: Option<&ProfileId>,
    ) -> Result<ProbeAnswer, GatewayError> {
        let mut params = json!({
            "provider": provider.as_str(),
            "agentId": agent.as_str(),
            "timeoutMs": u64::try_from(PROBE_LIMIT.as_millis()).unwrap_or(u64::MAX),
        });
        if let Some(profile) = profile {
            params["profileId"] = profile.as_str().into();
        }
        let answer = self.call_within("models.probe", &params, PROBE_LIMIT * 3)?;
        let asked = answer.get("agentId").and_then(Value::as_str);
        if let Some(other) = asked.filter(|asked| *asked != agent.as_str()) {
            let why =
                format!("models.probe was asked about agent {agent} and answered about {}", line(other));
            return Err(GatewayError::Protocol { why });
        }
        let targets = answer.get("results").and_then(Value::as_array).into_iter().flatten();
        Ok(ProbeAnswer {
            status: ProbeStatus::read(&answer),
            targets: targets
                .map(|one| {
                    let profile = one.get("profileId").and_then(Value::as_str).map(ProfileId::from);
                    (profile, ProbeStatus::read(one))
                })
                .collect(),
            error: answer.get("error").and_then(Value::as_str).map(line),
        })
    }

    /// Asks the gateway to restart itself. It goes down after the answer: see [`super::wait_ready`].
    pub fn request_restart(&mut self, reason: &str) -> Result<Restarting, GatewayError> {
        let answer = self.call("gateway.restart.request", &json!({ "reason": line(reason) }))?;
        confirmed(&answer, "ok", "gateway.restart.request")?;
        Ok(Restarting {
            status: answer.get("status").and_then(Value::as_str).map(line).unwrap_or_default(),
            pid: answer
                .pointer("/restart/pid")
                .or_else(|| answer.get("pid"))
                .and_then(Value::as_u64)
                .and_then(|pid| pid.try_into().ok()),
            announced: false,
        })
    }
}

/// An answer that does not say yes is none: `ok` is said of what was confirmed.
fn confirmed(answer: &Value, key: &str, method: &str) -> Result<(), GatewayError> {
    if answer.get(key).and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    Err(GatewayError::Protocol { why: format!("{method} answered without `{key}: true`") })
}

fn statuses(answer: &Value) -> Vec<AuthStatus> {
    let list = |value: &Value, key: &str| -> Vec<Value> {
        value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut found = Vec::new();
    for provider in list(answer, "providers") {
        let Some(name) = text(&provider, "provider") else { continue };
        for profile in list(&provider, "profiles") {
            let Some(id) = text(&profile, "profileId") else { continue };
            found.push(AuthStatus {
                provider: ProviderId::from(name.as_str()),
                profile: ProfileId::from(id.as_str()),
                source: text(&profile, "source"),
                status: text(&profile, "status").unwrap_or_default(),
            });
        }
    }
    found
}
