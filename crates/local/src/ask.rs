//! Asking providers about values of the book.

use crate::{Installation, clock};
use keyshoal_core::{Ask, Secret, TransportValue, Verdict, VerdictKind};
use keyshoal_engine::ports::AskProviders;
use keyshoal_providers::{Prober, ProberOptions, Question};
use std::collections::BTreeSet;

impl Installation {
    /// Makes a question of an ask, with what the config wants sent along.
    fn question(&self, ask: &Ask, secret: Secret) -> Question {
        let mut question = Question::new(ask.clone(), secret);
        for value in ask.endpoint.transport.iter().flat_map(|transport| transport.values()) {
            if let TransportValue::Known(print) = value
                && let Some(value) = self.book.sendable(*print)
            {
                question.carried.insert(*print, value);
            }
        }
        question
    }
}

impl AskProviders for Installation {
    fn ask(&self, asks: &BTreeSet<Ask>) -> Vec<(Ask, Verdict)> {
        let mut answers = Vec::new();
        let mut questions = Vec::new();
        for ask in asks {
            if self.options.offline {
                answers.push((ask.clone(), Verdict::new(VerdictKind::NotAsked, clock::now())));
                continue;
            }
            match self.book.sendable(ask.fingerprint) {
                Some(secret) => questions.push(self.question(ask, secret)),
                None => answers.push((ask.clone(), Verdict::new(VerdictKind::UnresolvedRef, clock::now()))),
            }
        }
        if questions.is_empty() {
            return answers;
        }
        match Prober::new(ProberOptions::default()) {
            Ok(prober) => {
                let verdicts = prober.ask(&questions);
                answers.extend(questions.into_iter().map(|question| question.ask).zip(verdicts));
            }
            Err(error) => {
                for question in questions {
                    let mut verdict = Verdict::new(VerdictKind::Unknown, clock::now());
                    verdict.advice = Some(error.to_string());
                    answers.push((question.ask, verdict));
                }
            }
        }
        answers
    }
}
