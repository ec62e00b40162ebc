//! Asking providers about values of the book.

use crate::{Installation, clock};
use keyshoal_core::{Ask, Verdict, VerdictKind};
use keyshoal_engine::ports::AskProviders;
use keyshoal_providers::{Prober, ProberOptions, Question};
use std::collections::BTreeSet;

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
                Some(secret) => questions.push(Question { ask: ask.clone(), secret }),
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
