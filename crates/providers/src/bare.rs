//! A server that is taken for one that needs no key is asked without one, and its word counts.

use crate::answer::Answer;
use crate::endpoint::Target;
use crate::limits::Errand;
use crate::probe::{self, Purpose};
use crate::round::{Job, Reply, Round, Value};
use crate::rules;
use keyshoal_core::{Timestamp, VerdictKind};

/// Asks for the list of models; where a server shows that to anybody, a model has to answer as well.
pub(crate) async fn answer(round: &Round, job: Job) -> (Value, Target, Reply) {
    let Job { value, mut target, secret } = job;
    let mut purposes = vec![target.purpose()];
    if let Some(model) = &value.3 {
        target.model = Some(model.clone());
        purposes = vec![Purpose::Completion];
    } else if target.model.is_some() && !target.keyless {
        purposes.push(Purpose::Completion);
    }
    let mut reply = Reply::bare(VerdictKind::Unknown);
    for purpose in purposes {
        reply = match round.exchange(&target, purpose, &secret, Errand::Probe).await {
            Ok(answer) => read(&target, purpose, answer),
            Err(reply) => reply,
        };
        // There may be no list.
        let goes_on = reply.kind == VerdictKind::Ok
            || reply.answer.as_ref().is_some_and(|answer| matches!(answer.status, 404 | 405));
        if !goes_on {
            break;
        }
    }
    (value, target, reply)
}

fn read(target: &Target, purpose: Purpose, answer: Answer) -> Reply {
    if let Some(kind) = probe::success(purpose, &answer, now()) {
        return Reply::answered(kind, answer);
    }
    let refused = matches!(answer.status, 401 | 403) && !answer.is_page();
    match rules::classify(target.wire, false, &answer) {
        kind if refused || kind.is_dead() => {
            let provider = &target.provider;
            let advice = format!("the server there wants a key: keyshoal set {provider}");
            Reply { advice: Some(advice), ..Reply::answered(VerdictKind::Missing, answer) }
        }
        kind => Reply::answered(kind, answer),
    }
}

#[expect(clippy::disallowed_methods, reason = "an answer is read at the time at which it came")]
fn now() -> Timestamp {
    Timestamp::now()
}
