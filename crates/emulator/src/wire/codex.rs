//! What ChatGPT's backend tells of a plan.

use super::{Answer, Call, openai};
use crate::Behaviour;
use serde_json::json;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if !call.path.ends_with("/wham/usage") {
        return openai::answer(call);
    }
    let reached = call.behaviour == Behaviour::Billing;
    let window = |used: u32, seconds: i64| json!({"used_percent": used, "limit_window_seconds": seconds, "reset_at": call.second + seconds});
    Answer::Json(json!({"plan_type": "plus", "rate_limit": {
        "allowed": !reached, "limit_reached": reached,
        "primary_window": window(if reached { 100 } else { 6 }, 18_000), "secondary_window": window(24, 604_800),
    }}))
}
