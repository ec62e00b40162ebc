//! OpenRouter's good answers.

use super::{Answer, Call, openai};
use crate::Behaviour;
use serde_json::json;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if call.path.ends_with("/key") || call.path.ends_with("/auth/key") {
        let (limit, remaining, usage) = if call.behaviour == Behaviour::Billing {
            (json!(5), json!(0), json!(5.0))
        } else {
            (json!(null), json!(null), json!(1.5))
        };
        // The nearest that OpenRouter has to a missing permission: a key that manages keys and may not ask models.
        let management = call.behaviour == Behaviour::Scope;
        Answer::Json(json!({"data": {
            "label": "sk-or-v1-emu...0ff", "limit": limit, "limit_remaining": remaining, "limit_reset": null,
            "usage": usage, "usage_daily": 0, "usage_weekly": 0, "usage_monthly": 0, "is_free_tier": false,
            "is_provisioning_key": management, "is_management_key": management, "expires_at": null,
            "rate_limit": {"requests": -1, "interval": "10s"},
        }}))
    } else {
        openai::answer(call)
    }
}
