//! Ollama's good answers.

use super::{Answer, Call};
use serde_json::json;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if call.path.ends_with("/api/tags") {
        let model = |name: &String| json!({"name": name, "model": name, "size": 1, "digest": "0"});
        return Answer::Json(json!({"models": call.models.iter().map(model).collect::<Vec<_>>()}));
    }
    if call.path.ends_with("/api/chat") {
        return Answer::Json(
            json!({"model": call.model, "created_at": "2026-01-01T00:00:00Z", "done": true, "done_reason": "length",
                                   "message": {"role": "assistant", "content": call.text}}),
        );
    }
    Answer::NotFound
}
