//! Asks: each distinct value once per endpoint and model, within limits, after the negative controls.
#![expect(clippy::disallowed_methods, reason = "a verdict carries the time at which the provider gave it")]

mod clock;

pub use clock::host_of;

use crate::client::{Clients, ProberError, ProberOptions};
use crate::endpoint::{NoTarget, Target, resolve};
use crate::limits::{Counter, Gate, Limits, Requests};
use crate::round::{Job, Round, Value};
use crate::transport::Dress;
use crate::{Wire, login, registry, shape};
use keyshoal_core::{Ask, CredentialKind, Fingerprint, Secret, Timestamp, Verdict, VerdictKind};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// One question, with the values that the ask names only by their fingerprints.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which value, sent how, to whom.
    pub ask: Ask,
    /// The value; empty where the ask is about [`Fingerprint::NO_KEY`].
    pub secret: Secret,
    /// A model that shall answer with it. Costs a token. `None` for whether the value is accepted at all.
    pub model: Option<String>,
    /// What the endpoint's [`keyshoal_core::Transport`] names.
    pub carried: BTreeMap<Fingerprint, Secret>,
}

impl Question {
    /// Asks whether a value is accepted.
    pub fn new(ask: Ask, secret: Secret) -> Self {
        Self { ask, secret, model: None, carried: BTreeMap::new() }
    }

    /// Asks whether this model answers with it, instead.
    pub fn completing(self, model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..self }
    }

    fn value(&self) -> Value {
        (self.ask.fingerprint, self.ask.kind.clone(), self.ask.endpoint.key(), self.model.clone())
    }
}

/// Asks providers. Synchronous outside; requests run at once on a runtime of its own.
#[derive(Debug)]
pub struct Prober {
    runtime: Runtime,
    clients: Arc<Clients>,
    trusted: BTreeMap<String, String>,
    limits: Limits,
    ask_logins: bool,
    nameservers: Vec<SocketAddr>,
    counter: Arc<Counter>,
}

type Said = (VerdictKind, Option<String>);

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
            limits: options.limits,
            ask_logins: options.ask_logins,
            nameservers: options.nameservers,
            counter: Arc::default(),
        })
    }

    /// Returns how many requests this prober has sent so far.
    pub fn requests(&self) -> Requests {
        self.counter.read()
    }

    /// Asks, and returns one verdict per question in the same order. Equal values for the same endpoint and model are asked once;
    /// the limits count for this call.
    pub fn ask(&self, questions: &[Question]) -> Vec<Verdict> {
        let values: Vec<Value> = questions.iter().map(Question::value).collect();
        let mut said: BTreeMap<&Value, Verdict> = BTreeMap::new();
        let mut at: BTreeMap<&Value, usize> = BTreeMap::new();
        let mut jobs: Vec<Job> = Vec::new();
        for (question, value) in questions.iter().zip(&values) {
            let place = match at.entry(value) {
                Entry::Occupied(known) => {
                    // Agents may differ in whether they name a model; any model will do.
                    if let Some(job) = jobs.get_mut(*known.get()) {
                        let named = || question.ask.endpoint.model.clone();
                        job.target.model = job.target.model.take().or_else(named);
                    }
                    continue;
                }
                Entry::Vacant(place) => place,
            };
            if said.contains_key(value) {
                continue;
            }
            match self.prepare(question) {
                Ok(target) => {
                    place.insert(jobs.len());
                    jobs.push(Job { value: value.clone(), target, secret: question.secret.clone() });
                }
                Err((kind, advice)) => {
                    let named = registry::find(question.ask.endpoint.provider.as_str());
                    let status_page = named.and_then(|named| named.status_page).map(str::to_owned);
                    let verdict = Verdict { advice, status_page, ..Verdict::new(kind, Timestamp::now()) };
                    said.insert(value, verdict);
                }
            }
        }
        let round = Arc::new(Round {
            clients: Arc::clone(&self.clients),
            gate: Gate::new(&self.limits, &self.counter),
            nameservers: self.nameservers.clone(),
        });
        let answers: BTreeMap<Value, Verdict> = self.runtime.block_on(round.run(jobs)).into_iter().collect();
        let missing = || Verdict::new(VerdictKind::Unknown, Timestamp::now());
        let verdict = |value| answers.get(value).or_else(|| said.get(value)).cloned();
        values.iter().map(|value| verdict(value).unwrap_or_else(missing)).collect()
    }

    /// Says whom to ask, or what can be said without asking.
    fn prepare(&self, question: &Question) -> Result<Target, Said> {
        let Question { ask, secret, .. } = question;
        let bare = ask.fingerprint == Fingerprint::NO_KEY;
        if secret.is_empty() && !bare {
            return Err((VerdictKind::Missing, Some("there is no value: set one".to_owned())));
        }
        let not_asked = |why: NoTarget| (VerdictKind::NotAsked, Some(why.advice()));
        let mut target = resolve(&ask.endpoint, &ask.kind, &self.trusted).map_err(not_asked)?;
        target.bare = bare;
        let text = secret.reveal_secret();
        if !bare {
            shape::check(text, target.known)
                .map_err(|why| (VerdictKind::MalformedKey, Some(why.advice())))?;
        }
        let token = text.contains("sk-ant-oat");
        if target.wire == Wire::Codex {
            check_login(text, &ask.kind)?;
            if !self.ask_logins {
                let why = "its provider may end a login that is used from another network address: ask on the gateway's machine";
                return Err((VerdictKind::NotAsked, Some(why.to_owned())));
            }
        }
        if question.model.is_some() && (target.wire == Wire::Codex || target.wire == Wire::Anthropic && token)
        {
            let why = "a subscription answers only the program that it is for: ask the agent itself";
            return Err((VerdictKind::NotAsked, Some(why.to_owned())));
        }
        target.dress = Dress::new(ask.endpoint.transport.as_deref(), &question.carried, &self.clients)
            .map_err(not_asked)?;
        match target.dress.instead_of_credential(target.wire, token) {
            Some(header) => Err(not_asked(NoTarget::Instead(header))),
            None => Ok(target),
        }
    }
}

/// Looks at the access token of a ChatGPT login before it is sent.
fn check_login(token: &str, kind: &CredentialKind) -> Result<(), Said> {
    let Some(login) = login::read(token) else {
        let (kind, why) = match kind {
            // The program may renew it all the same.
            CredentialKind::OAuth => {
                (VerdictKind::NotAsked, "the access token is none of ChatGPT's form: ask the program itself")
            }
            _ => (VerdictKind::MalformedKey, "this is no access token of a ChatGPT login: sign in again"),
        };
        return Err((kind, Some(why.to_owned())));
    };
    match login.expires {
        Some(end) if end <= Timestamp::now() && *kind == CredentialKind::OAuth => {
            let why = format!(
                "the access token's time was over at {end}: the program renews it when it is used; nothing can be learned before"
            );
            Err((VerdictKind::NotAsked, Some(why)))
        }
        Some(end) if end <= Timestamp::now() => {
            let why = format!("the token says itself that its time was over at {end}: sign in again");
            Err((VerdictKind::Expired, Some(why)))
        }
        _ => Ok(()),
    }
}
