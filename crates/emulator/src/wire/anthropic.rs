//! Anthropic's good answers.

use super::{Answer, Call, typed};
use serde_json::{Value, json};

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if call.path.ends_with("/messages/count_tokens") {
        Answer::Json(json!({"input_tokens": 1}))
    } else if call.path.ends_with("/messages") {
        messages(call)
    } else if call.path.ends_with("/models") {
        Answer::Json(models(call))
    } else {
        Answer::NotFound
    }
}

fn models(call: &Call<'_>) -> Value {
    let data: Vec<Value> = call
        .models
        .iter()
        .map(
            |id| json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z"}),
        )
        .collect();
    json!({"data": data, "has_more": false, "first_id": call.models.first(), "last_id": call.models.last()})
}

fn messages(call: &Call<'_>) -> Answer {
    let message = json!({
        "id": format!("msg_{}", call.request_id), "type": "message", "role": "assistant", "model": call.model,
        "content": [{"type": "text", "text": call.text}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    if !call.stream {
        return Answer::Json(message);
    }
    let mut started = message;
    started["content"] = json!([]);
    started["stop_reason"] = Value::Null;
    let mut out = String::new();
    typed(&mut out, "message_start", json!({"message": started}));
    typed(
        &mut out,
        "content_block_start",
        json!({"index": 0, "content_block": {"type": "text", "text": ""}}),
    );
    typed(&mut out, "ping", json!({}));
    typed(
        &mut out,
        "content_block_delta",
        json!({"index": 0, "delta": {"type": "text_delta", "text": call.text}}),
    );
    typed(&mut out, "content_block_stop", json!({"index": 0}));
    typed(
        &mut out,
        "message_delta",
        json!({"delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 1}}),
    );
    typed(&mut out, "message_stop", json!({}));
    Answer::Events(out)
}
