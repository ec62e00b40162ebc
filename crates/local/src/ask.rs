//! Asking providers about values of the book.

use crate::{Installation, clock};
use keyshoal_core::{Ask, Fingerprint, Secret, TransportValue, Verdict, VerdictKind};
use keyshoal_engine::ports::AskProviders;
use keyshoal_openclaw::gateway::{ProxyEnvironment, proxy_environment};
use keyshoal_providers::{Limits, Prober, ProberOptions, ProxyVariables, Question};
use std::collections::BTreeSet;

impl AskProviders for Installation {
    fn ask(&self, asks: &BTreeSet<Ask>) -> Vec<(Ask, Verdict)> {
        self.put(asks, |ask| (ask, None))
    }

    fn complete(&self, asks: &BTreeSet<(Ask, String)>) -> Vec<((Ask, String), Verdict)> {
        self.put(asks, |(ask, model)| (ask, Some(model)))
    }
}

impl Installation {
    /// Puts questions to providers and returns an answer for each, in no order.
    fn put<Q: Clone + Ord>(
        &self,
        asks: &BTreeSet<Q>,
        parts: impl Fn(&Q) -> (&Ask, Option<&String>),
    ) -> Vec<(Q, Verdict)> {
        let mut answers = Vec::new();
        let mut questions = Vec::new();
        for asked in asks {
            let (ask, model) = parts(asked);
            let said = match (self.options.offline, self.question(ask, model)) {
                (true, _) => VerdictKind::NotAsked,
                (false, None) => VerdictKind::UnresolvedRef,
                (false, Some(question)) => {
                    questions.push((asked.clone(), question));
                    continue;
                }
            };
            answers.push((asked.clone(), Verdict::new(said, clock::now())));
        }
        if questions.is_empty() {
            return answers;
        }
        let (asked, questions): (Vec<Q>, Vec<Question>) = questions.into_iter().unzip();
        answers.extend(asked.into_iter().zip(self.put_now(&questions)));
        answers
    }

    /// Makes a question of an ask, with what the config wants sent along. `None` for a value that is not known here.
    fn question(&self, ask: &Ask, model: Option<&String>) -> Option<Question> {
        let secret = match ask.fingerprint {
            Fingerprint::NO_KEY => Secret::new(""),
            value => self.book.sendable(value)?,
        };
        let mut question = Question::new(ask.clone(), secret);
        question.model = model.cloned();
        for value in ask.endpoint.transport.iter().flat_map(|transport| transport.values()) {
            if let TransportValue::Known(print) = value
                && let Some(value) = self.book.sendable(*print)
            {
                question.carried.insert(*print, value);
            }
        }
        Some(question)
    }

    /// Returns what the running gateway was started with that decides about proxies; `None` where none runs, or it cannot be seen.
    pub(crate) fn proxy_of_gateway(&self) -> Option<ProxyEnvironment> {
        let seen = self.seen()?;
        let gateway = &seen.observed.instance.gateway;
        proxy_environment(gateway.pid.filter(|_| gateway.running == Some(true))?)
    }

    /// Asks within what is left of the bound on requests, which counts for the whole process.
    fn put_now(&self, questions: &[Question]) -> Vec<Verdict> {
        let left = self.options.max_requests.map(|most| most.saturating_sub(self.state().requests));
        let options = ProberOptions {
            ca_file: self.options.ca_file.clone(),
            environment: self
                .proxy_of_gateway()
                .map(|seen| ProxyVariables { proxy: seen.proxy, no_proxy: seen.around }),
            limits: Limits { max_requests: left, ..Limits::default() },
            ..ProberOptions::default()
        };
        match Prober::new(options) {
            Ok(prober) => {
                let verdicts = prober.ask(questions);
                let sent = prober.requests();
                let sent = u32::try_from(sent.probes + sent.controls).unwrap_or(u32::MAX);
                let mut state = self.state();
                state.requests = state.requests.saturating_add(sent);
                verdicts
            }
            Err(error) => {
                let mut verdict = Verdict::new(VerdictKind::Unknown, clock::now());
                verdict.advice = Some(error.to_string());
                vec![verdict; questions.len()]
            }
        }
    }
}
