//! One round of questions: the controls, then the values, each through the gate; and what every answer comes to.
#![expect(clippy::disallowed_methods, reason = "a verdict carries the time at which the provider gave it")]

use crate::Wire;
use crate::advice;
use crate::answer::Answer;
use crate::bare;
use crate::client::{Clients, send};
use crate::control::{Ground, Refusal, confirm, examine};
use crate::dns::second_look;
use crate::endpoint::Target;
use crate::limits::{Errand, Gate};
use crate::probe::{self, Purpose};
use crate::rules;
use keyshoal_core::{CredentialKind, Fingerprint, Secret, Timestamp, Verdict, VerdictKind};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// What is asked once: a value of a kind, the endpoint's key, and the model that shall answer.
pub(crate) type Value = (Fingerprint, CredentialKind, String, Option<String>);

/// One value to ask about.
pub(crate) struct Job {
    pub(crate) value: Value,
    pub(crate) target: Target,
    pub(crate) secret: Secret,
}

/// What all questions of a round share.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) clients: Arc<Clients>,
    pub(crate) gate: Gate,
    pub(crate) nameservers: Vec<SocketAddr>,
}

/// A verdict in the making.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) kind: VerdictKind,
    pub(crate) answer: Option<Answer>,
    pub(crate) advice: Option<String>,
    pub(crate) latency_ms: Option<u64>,
}

impl Round {
    /// Asks every question and returns what was said of each.
    pub(crate) async fn run(self: &Arc<Self>, jobs: Vec<Job>) -> Vec<(Value, Verdict)> {
        // A login and a key of one provider may be good at different places.
        let place = |job: &Job| (job.value.2.clone(), job.target.wire);
        let mut endpoints: BTreeMap<(String, Wire), &Target> = BTreeMap::new();
        for job in jobs.iter().filter(|job| !job.target.bare) {
            let known = endpoints.entry(place(job)).or_insert(&job.target);
            if known.model.is_none() {
                *known = &job.target;
            }
        }
        let examined = endpoints.into_iter().map(|(place, target)| {
            let (round, target) = (Arc::clone(self), target.clone());
            async move { (place, (examine(&round, &target).await, target)) }
        });
        let grounds: BTreeMap<(String, Wire), (Ground, Target)> =
            together(examined.collect()).await.into_iter().collect();
        let asked = jobs.into_iter().filter_map(|job| {
            let ground = grounds.get(&place(&job)).cloned();
            if ground.is_none() && !job.target.bare {
                return None;
            }
            let round = Arc::clone(self);
            Some(async move {
                match ground.filter(|_| !job.target.bare) {
                    Some((ground, target)) => round.answer(job, ground, target).await,
                    None => bare::answer(&round, job).await,
                }
            })
        });
        let answers = together(asked.collect()).await;
        self.look_again(answers).await
    }

    async fn answer(&self, job: Job, ground: Ground, mut target: Target) -> (Value, Target, Reply) {
        let reply = match (ground, &job.value.3) {
            (Ground::Stop(reply), _) | (Ground::Open(reply), None) => *reply,
            (Ground::Ask { purpose, control }, None) => {
                self.ask(&target, purpose, control.as_ref(), &job.secret).await
            }
            (Ground::Ask { control, .. }, Some(model)) => {
                target.model = Some(model.clone());
                self.ask(&target, Purpose::Completion, control.as_ref(), &job.secret).await
            }
            // The model can be asked all the same; a refusal there is never the credential's death.
            (Ground::Open(open), Some(model)) => {
                target.model = Some(model.clone());
                let nobodys = Refusal::default();
                let reply = self.ask(&target, Purpose::Completion, Some(&nobodys), &job.secret).await;
                Reply {
                    advice: reply.advice.or(open.advice.filter(|_| reply.kind == VerdictKind::Ok)),
                    ..reply
                }
            }
        };
        (job.value, target, reply)
    }

    /// Sends one request and measures how long it takes; a request that is not sent or not answered is a reply already.
    pub(crate) async fn exchange(
        &self,
        target: &Target,
        purpose: Purpose,
        secret: &Secret,
        errand: Errand,
    ) -> Result<Answer, Reply> {
        let proxy = target.dress.proxy.as_ref();
        let client = proxy.map_or_else(|| self.clients.to(target.loopback), |proxy| &proxy.client);
        let Some(request) = target.request(client, purpose, secret) else {
            return Err(Reply::bare(VerdictKind::MalformedKey));
        };
        let host = target.base.host_str().unwrap_or("the endpoint");
        let leave = self.gate.enter(&target.lane, errand).await.map_err(|refused| {
            let (kind, advice) = refused.verdict(host);
            Reply { advice: Some(advice), ..Reply::bare(kind) }
        })?;
        let started = Instant::now();
        let answer = send(request).await;
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        leave.done(match &answer {
            Ok(answer) => (500..600).contains(&answer.status).then_some(VerdictKind::ProviderDown),
            Err(kind) => Some(*kind),
        });
        let failed = |kind| Reply { latency_ms: Some(latency_ms), ..Reply::bare(kind) };
        match (answer, proxy) {
            // "Proxy Authentication Required" is never a provider's word.
            (Ok(Answer { status: 407, .. }), Some(proxy)) => {
                Err(Reply { advice: Some(proxy.failed()), ..failed(VerdictKind::Connect) })
            }
            (Err(kind @ (VerdictKind::Dns | VerdictKind::Connect)), Some(proxy)) => {
                Err(Reply { advice: Some(proxy.failed()), ..failed(kind) })
            }
            (Ok(answer), _) => Ok(Answer { latency_ms, ..answer }),
            (Err(kind), _) => Err(failed(kind)),
        }
    }

    async fn ask(
        &self,
        target: &Target,
        purpose: Purpose,
        control: Option<&Refusal>,
        secret: &Secret,
    ) -> Reply {
        let mut answer = match self.exchange(target, purpose, secret, Errand::Probe).await {
            Ok(answer) => answer,
            Err(reply) => return reply,
        };
        // Somebody may send back what was sent.
        answer.request_id = answer.request_id.filter(|id| !advice::tells(id, target, secret));
        if let Some(kind) = probe::success(purpose, &answer, Timestamp::now()) {
            return Reply::answered(kind, answer);
        }
        let said = rules::classify(target.wire, target.own.is_some(), &answer);
        let (kind, advice) = confirm(said, &answer, control);
        let advice = advice.or_else(|| match kind {
            VerdictKind::Unknown | VerdictKind::Policy => {
                advice::quote(&answer, target, secret).map(|words| format!("the endpoint said: {words}"))
            }
            _ => None,
        });
        Reply { advice, ..Reply::answered(kind, answer) }
    }

    /// Looks names that could not be resolved up a second time, each once.
    async fn look_again(&self, answers: Vec<(Value, Target, Reply)>) -> Vec<(Value, Verdict)> {
        let unresolved = answers.iter().filter(|(_, _, reply)| reply.kind == VerdictKind::Dns);
        let hosts: BTreeSet<String> =
            unresolved.filter_map(|(_, target, _)| target.base.host_str().map(str::to_owned)).collect();
        let mut words = BTreeMap::new();
        for host in hosts {
            let word = second_look(&host, &self.nameservers).await.advice(&host);
            words.insert(host, word);
        }
        let told = |(value, target, mut reply): (Value, Target, Reply)| {
            if reply.kind == VerdictKind::Dns && reply.advice.is_none() {
                reply.advice = target.base.host_str().and_then(|host| words.get(host)).cloned();
            }
            (value, reply.verdict(&target))
        };
        answers.into_iter().map(told).collect()
    }
}

/// Runs futures at once; the gate says how many of them send.
pub(crate) async fn together<T, F>(futures: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks: JoinSet<T> = futures.into_iter().collect();
    let mut done = Vec::new();
    while let Some(finished) = tasks.join_next().await {
        // A task that panicked has no result; its question is answered `unknown`.
        done.extend(finished.ok());
    }
    done
}

impl Reply {
    /// Nothing was answered.
    pub(crate) fn bare(kind: VerdictKind) -> Self {
        Self { kind, answer: None, advice: None, latency_ms: None }
    }

    pub(crate) fn answered(kind: VerdictKind, answer: Answer) -> Self {
        Self { latency_ms: Some(answer.latency_ms), answer: Some(answer), ..Self::bare(kind) }
    }

    fn verdict(self, target: &Target) -> Verdict {
        let advice = match self.advice {
            Some(advice) => Some(match advice::plaintext(target) {
                Some(warning) => format!("{advice}; {warning}"),
                None => advice,
            }),
            None => advice::for_verdict(self.kind, target, self.answer.as_ref()),
        };
        Verdict {
            kind: self.kind,
            at: Timestamp::now(),
            retryable: may_wait(self.kind),
            retry_after: self.answer.as_ref().filter(|_| may_wait(self.kind)).and_then(Answer::wait),
            http_status: self.answer.as_ref().map(|answer| answer.status),
            request_id: self.answer.as_ref().and_then(|answer| answer.request_id.clone()),
            latency_ms: self.latency_ms,
            advice,
            status_page: target.known.and_then(|known| known.status_page).map(str::to_owned),
        }
    }
}

/// Tells whether asking again later may help.
fn may_wait(kind: VerdictKind) -> bool {
    matches!(
        kind,
        VerdictKind::RateLimited
            | VerdictKind::Dns
            | VerdictKind::Connect
            | VerdictKind::Tls
            | VerdictKind::Timeout
            | VerdictKind::ProviderDown
            | VerdictKind::UnexpectedAnswer
    )
}
