//! The negative control: a key that cannot be right goes first, and how it is refused is what refusals are held against.
#![expect(clippy::disallowed_methods, reason = "an answer is read at the time at which it came")]

use crate::Wire;
use crate::answer::Answer;
use crate::endpoint::Target;
use crate::limits::Errand;
use crate::probe::{self, Purpose};
use crate::round::{Reply, Round};
use crate::rules;
use keyshoal_core::{Timestamp, VerdictKind};

/// What is known of an endpoint before a value is sent there.
#[derive(Clone, Debug)]
pub(crate) enum Ground {
    /// Ask so; `control` is how it refuses a stranger, unknown where the provider itself is trusted to.
    Ask { purpose: Purpose, control: Option<Refusal> },
    /// It answers strangers, or not so that anything can be told, so that nothing can be learned about a credential.
    Open(Box<Reply>),
    /// It cannot be asked, and why.
    Stop(Box<Reply>),
}

/// How an endpoint refused a stranger: status, code, type, and the text where there is neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: String,
    kind: String,
    message: String,
}

/// Finds out how an endpoint treats strangers. The provider itself is known; everybody else gets a key that cannot be right.
pub(crate) async fn examine(round: &Round, target: &Target) -> Ground {
    let purpose = target.purpose();
    if target.own.is_some() {
        return Ground::Ask { purpose, control: None };
    }
    let stranger = probe::stranger(target.wire);
    let stop = |reply| Ground::Stop(Box::new(reply));
    let answer = match round.exchange(target, purpose, &stranger, Errand::Control).await {
        Ok(answer) => answer,
        Err(reply) => return stop(reply),
    };
    match reading(target, purpose, &answer) {
        Reading::Refused(refusal) => return Ground::Ask { purpose, control: Some(refusal) },
        Reading::Trouble(kind) => return stop(Reply::answered(kind, answer)),
        Reading::Accepted if target.keyless => {
            return open(
                "the server answers and asks for no key: any value works there, so none is wrong",
                None,
            );
        }
        // The list is public, or there is none.
        Reading::Accepted | Reading::Nothing => {}
    }
    if target.wire == Wire::Codex {
        return open("this endpoint does not say whether it knows a login", Some(answer));
    }
    if target.model.is_none() {
        return open(
            "the model list needs no key here and no model is configured: nothing can be learned by asking",
            None,
        );
    }
    let answer = match round.exchange(target, Purpose::Completion, &stranger, Errand::Control).await {
        Ok(answer) => answer,
        Err(reply) => return stop(reply),
    };
    match reading(target, Purpose::Completion, &answer) {
        Reading::Refused(refusal) => Ground::Ask { purpose: Purpose::Completion, control: Some(refusal) },
        Reading::Trouble(kind) => stop(Reply::answered(kind, answer)),
        Reading::Accepted => {
            open("this endpoint answers whatever the key is: nothing can be learned by asking", None)
        }
        Reading::Nothing => open("this endpoint does not say whether it knows a key", Some(answer)),
    }
}

fn open(advice: &str, answer: Option<Answer>) -> Ground {
    let reply = Reply { answer, advice: Some(advice.to_owned()), ..Reply::bare(VerdictKind::Unknown) };
    Ground::Open(Box::new(reply))
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
