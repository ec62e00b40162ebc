//! Asks: each distinct value once per endpoint, many at a time, after the negative controls.
#![expect(clippy::disallowed_methods, reason = "a verdict carries the time at which the provider gave it")]

mod clock;

pub use clock::host_of;

use crate::advice;
use crate::answer::Answer;
use crate::client::{Clients, ProberError, ProberOptions, send};
use crate::control::{Ground, Refusal, confirm, examine};
use crate::endpoint::{Target, resolve};
use crate::probe::{self, Purpose};
use crate::{rules, shape};
use keyshoal_core::{Ask, CredentialKind, Fingerprint, Secret, Timestamp, Verdict, VerdictKind};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// One question, with the value that the ask names only by its fingerprint.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which value, sent how, to whom.
    pub ask: Ask,
    /// The value.
    pub secret: Secret,
}

/// Asks providers. Synchronous outside; requests run at once on a runtime of its own.
#[derive(Debug)]
pub struct Prober {
    runtime: Runtime,
    clients: Arc<Clients>,
    trusted: BTreeMap<String, String>,
    max_concurrency: usize,
}

/// A verdict in the making.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) kind: VerdictKind,
    pub(crate) answer: Option<Answer>,
    pub(crate) advice: Option<String>,
    pub(crate) latency_ms: Option<u64>,
}

type Value = (Fingerprint, CredentialKind, String);

struct Job {
    value: Value,
    endpoint: String,
    target: Target,
    secret: Secret,
}

impl Prober {
    /// Makes a prober.
    ///
    /// # Errors
    /// When TLS cannot be set up, or a certificate file or proxy that was named cannot be used.
    pub fn new(options: ProberOptions) -> Result<Self, ProberError> {
        let clients = Arc::new(Clients::new(&options)?);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime,
            clients,
            trusted: options.trusted_base_urls,
            max_concurrency: options.max_concurrency.max(1),
        })
    }

    /// Asks, and returns one verdict per question in the same order. Equal values for the same endpoint are asked once.
    pub fn ask(&self, questions: &[Question]) -> Vec<Verdict> {
        let value_of = |ask: &Ask| (ask.fingerprint, ask.kind.clone(), ask.endpoint.key());
        let mut verdicts: BTreeMap<Value, Verdict> = BTreeMap::new();
        let mut jobs: Vec<Job> = Vec::new();
        for question in questions {
            let value = value_of(&question.ask);
            if let Some(job) = jobs.iter_mut().find(|job| job.value == value) {
                // Agents may differ in whether they name a model; any model will do.
                job.target.model = job.target.model.take().or_else(|| question.ask.endpoint.model.clone());
                continue;
            }
            if verdicts.contains_key(&value) {
                continue;
            }
            match self.prepare(question) {
                Ok(target) => jobs.push(Job {
                    value,
                    endpoint: question.ask.endpoint.key(),
                    target,
                    secret: question.secret.clone(),
                }),
                Err((kind, advice)) => {
                    let verdict = Verdict { advice, ..Verdict::new(kind, Timestamp::now()) };
                    verdicts.insert(value, verdict);
                }
            }
        }
        verdicts.extend(self.runtime.block_on(self.run(jobs)));
        let missing = || Verdict::new(VerdictKind::Unknown, Timestamp::now());
        questions
            .iter()
            .map(|question| verdicts.get(&value_of(&question.ask)).cloned().unwrap_or_else(missing))
            .collect()
    }

    /// Says whom to ask, or what can be said without asking.
    fn prepare(&self, question: &Question) -> Result<Target, (VerdictKind, Option<String>)> {
        let Question { ask, secret } = question;
        if secret.is_empty() {
            return Err((VerdictKind::Missing, Some("there is no value: set one".to_owned())));
        }
        let target = resolve(&ask.endpoint, &ask.kind, &self.trusted)
            .map_err(|why| (VerdictKind::NotAsked, Some(why.advice())))?;
        shape::check(secret.reveal_secret(), target.known)
            .map_err(|why| (VerdictKind::MalformedKey, Some(why.advice())))?;
        Ok(target)
    }

    async fn run(&self, jobs: Vec<Job>) -> Vec<(Value, Verdict)> {
        let permits = Arc::new(Semaphore::new(self.max_concurrency));
        let mut endpoints: BTreeMap<&str, &Target> = BTreeMap::new();
        for job in &jobs {
            let known = endpoints.entry(&job.endpoint).or_insert(&job.target);
            if known.model.is_none() {
                *known = &job.target;
            }
        }
        let examined = endpoints.into_iter().map(|(endpoint, target)| {
            let (clients, target, endpoint) =
                (Arc::clone(&self.clients), target.clone(), endpoint.to_owned());
            async move { (endpoint, (examine(&clients, &target).await, target)) }
        });
        let grounds: BTreeMap<String, (Ground, Target)> =
            together(&permits, examined.collect()).await.into_iter().collect();
        let asked = jobs.into_iter().filter_map(|job| {
            let (ground, target) = grounds.get(&job.endpoint)?.clone();
            let clients = Arc::clone(&self.clients);
            Some(async move {
                let reply = match ground {
                    Ground::Stop(reply) => *reply,
                    Ground::Ask { purpose, control } => {
                        ask_one(&clients, &target, purpose, control.as_ref(), &job.secret).await
                    }
                };
                (job.value, reply.verdict(&target))
            })
        });
        together(&permits, asked.collect()).await
    }
}

/// Runs futures at once, as many as there are permits.
async fn together<T, F>(permits: &Arc<Semaphore>, futures: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for future in futures {
        let permits = Arc::clone(permits);
        tasks.spawn(async move {
            // The semaphore is never closed; without a permit it would merely run at once.
            let _permit = permits.acquire_owned().await.ok();
            future.await
        });
    }
    let mut done = Vec::new();
    while let Some(finished) = tasks.join_next().await {
        // A task that panicked has no result; its question is answered `unknown`.
        done.extend(finished.ok());
    }
    done
}

/// Sends one question and measures how long it takes.
pub(crate) async fn exchange(
    clients: &Clients,
    target: &Target,
    purpose: Purpose,
    secret: &Secret,
) -> (Result<Answer, VerdictKind>, u64) {
    let started = Instant::now();
    let answer = match target.request(clients.to(target.loopback), purpose, secret) {
        Some(request) => send(request).await,
        None => Err(VerdictKind::MalformedKey),
    };
    (answer, u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX))
}

async fn ask_one(
    clients: &Clients,
    target: &Target,
    purpose: Purpose,
    control: Option<&Refusal>,
    secret: &Secret,
) -> Reply {
    let (answer, latency) = exchange(clients, target, purpose, secret).await;
    let latency_ms = Some(latency);
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(kind) => return Reply { kind, answer: None, advice: None, latency_ms },
    };
    // Somebody may send back what was sent.
    answer.request_id = answer.request_id.filter(|id| !advice::mentions(id, secret));
    if let Some(kind) = probe::success(purpose, &answer, Timestamp::now()) {
        return Reply { kind, answer: Some(answer), advice: None, latency_ms };
    }
    let said = rules::classify(target.wire, target.own.is_some(), &answer);
    let (kind, advice) = confirm(said, &answer, control);
    let advice = advice.or_else(|| match kind {
        VerdictKind::Unknown | VerdictKind::Policy => {
            advice::quote(&answer, secret).map(|words| format!("the endpoint said: {words}"))
        }
        _ => None,
    });
    Reply { kind, answer: Some(answer), advice, latency_ms }
}

impl Reply {
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
            retryable: matches!(
                self.kind,
                VerdictKind::RateLimited
                    | VerdictKind::Dns
                    | VerdictKind::Connect
                    | VerdictKind::Tls
                    | VerdictKind::Timeout
                    | VerdictKind::ProviderDown
                    | VerdictKind::UnexpectedAnswer
            ),
            http_status: self.answer.as_ref().map(|answer| answer.status),
            request_id: self.answer.as_ref().and_then(|answer| answer.request_id.clone()),
            latency_ms: self.latency_ms,
            advice,
        }
    }
}
