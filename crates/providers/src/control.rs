//! The negative control: a key that cannot be right goes first, and how it is refused is what refusals are held against.
#![expect(clippy::disallowed_methods, reason = "an answer is read at the time at which it came")]

use crate::answer::Answer;
use crate::client::Clients;
use crate::endpoint::Target;
use crate::probe::{self, Purpose};
use crate::prober::{Reply, exchange};
use crate::rules;
use keyshoal_core::{Timestamp, VerdictKind};

/// What is known of an endpoint before a value is sent there.
#[derive(Clone, Debug)]
pub(crate) enum Ground {
    /// Ask so; `control` is how it refuses a stranger, unknown where the provider itself is trusted to.
    Ask { purpose: Purpose, control: Option<Refusal> },
    /// It cannot be asked, and why.
    Stop(Box<Reply>),
}

/// How an endpoint refused a stranger: status, code, type, and the text where there is neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: String,
    kind: String,
    message: String,
}

/// Finds out how an endpoint treats strangers. The provider itself is known; everybody else gets a key that cannot be right.
pub(crate) async fn examine(clients: &Clients, target: &Target) -> Ground {
    if target.own.is_some() {
        return Ground::Ask { purpose: target.purpose(), control: None };
    }
    let stranger = probe::stranger(target.wire);
    let control = |purpose| {
        let stranger = &stranger;
        async move { exchange(clients, target, purpose, stranger).await }
    };
    match control(Purpose::List).await.0 {
        Err(kind) => return stop(kind, None, None),
        Ok(answer) => match reading(target, Purpose::List, &answer) {
            Reading::Refused(refusal) => {
                return Ground::Ask { purpose: Purpose::List, control: Some(refusal) };
            }
            Reading::Trouble(kind) => return stop(kind, Some(answer), None),
            // The list is public, or there is none.
            Reading::Accepted | Reading::Nothing => {}
        },
    }
    if target.model.is_none() {
        let advice =
            "the model list needs no key here and no model is configured: nothing can be learned by asking";
        return stop(VerdictKind::Unknown, None, Some(advice.to_owned()));
    }
    match control(Purpose::Completion).await.0 {
        Err(kind) => stop(kind, None, None),
        Ok(answer) => match reading(target, Purpose::Completion, &answer) {
            Reading::Refused(refusal) => Ground::Ask { purpose: Purpose::Completion, control: Some(refusal) },
            Reading::Trouble(kind) => stop(kind, Some(answer), None),
            Reading::Accepted => {
                let advice = "this endpoint answers whatever the key is: nothing can be learned by asking";
                stop(VerdictKind::Unknown, None, Some(advice.to_owned()))
            }
            Reading::Nothing => {
                let advice = "this endpoint does not say whether it knows a key";
                stop(VerdictKind::Unknown, Some(answer), Some(advice.to_owned()))
            }
        },
    }
}

/// How an endpoint took a stranger.
enum Reading {
    Refused(Refusal),
    Accepted,
    Trouble(VerdictKind),
    Nothing,
}

fn reading(target: &Target, purpose: Purpose, answer: &Answer) -> Reading {
    if probe::success(purpose, answer, Timestamp::now()).is_some() {
        return Reading::Accepted;
    }
    let kind = rules::classify(target.wire, false, answer);
    let refused = !answer.is_page() && matches!(answer.status, 401 | 403);
    match kind {
        VerdictKind::InvalidKey => Reading::Refused(Refusal::of(answer)),
        VerdictKind::ProviderDown | VerdictKind::RateLimited | VerdictKind::Timeout | VerdictKind::Policy => {
            Reading::Trouble(kind)
        }
        _ if refused => Reading::Refused(Refusal::of(answer)),
        VerdictKind::UnexpectedAnswer if !matches!(answer.status, 404 | 405) => Reading::Trouble(kind),
        _ => Reading::Nothing,
    }
}

fn stop(kind: VerdictKind, answer: Option<Answer>, advice: Option<String>) -> Ground {
    Ground::Stop(Box::new(Reply { kind, answer, advice, latency_ms: None }))
}

/// Holds a refusal against how the endpoint refuses a stranger: only a value that is refused just so is certainly unknown there.
pub(crate) fn confirm(
    said: VerdictKind,
    answer: &Answer,
    control: Option<&Refusal>,
) -> (VerdictKind, Option<String>) {
    let Some(control) = control else { return (said, None) };
    let like_a_stranger = Refusal::of(answer) == *control;
    match said {
        VerdictKind::InvalidKey if !like_a_stranger => {
            let advice = "refused, but not as this endpoint refuses an unknown key: it may be about the endpoint's own account";
            (VerdictKind::Unknown, Some(advice.to_owned()))
        }
        VerdictKind::Unknown if like_a_stranger && answer.status == 401 && answer.json().is_some() => {
            (VerdictKind::InvalidKey, None)
        }
        kind => (kind, None),
    }
}

impl Refusal {
    fn of(answer: &Answer) -> Self {
        let words = answer.words();
        let message =
            if words.code.is_empty() && words.kind.is_empty() { words.message } else { String::new() };
        Self { status: answer.status, code: words.code, kind: words.kind, message }
    }
}
