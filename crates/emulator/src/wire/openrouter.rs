//! OpenRouter's good answers.

use super::{Answer, Call, openai};
use serde_json::json;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if call.path.ends_with("/key") || call.path.ends_with("/auth/key") {
        let (limit, remaining, usage) = if call.billing {
            (json!(5), json!(0), json!(5.0))
        } else {
            (json!(null), json!(null), json!(1.5))
        };
        Answer::Json(json!({"data": {
            "label": "sk-or-v1-emu...0ff", "limit": limit, "limit_remaining": remaining, "limit_reset": null,
            "usage": usage, "usage_daily": 0, "usage_weekly": 0, "usage_monthly": 0, "is_free_tier": false,
            "is_provisioning_key": false, "is_management_key": false, "expires_at": null,
            "rate_limit": {"requests": -1, "interval": "10s"},
        }}))
    } else {
        openai::answer(call)
    }
}
