//! OpenAI's good answers.

use super::{Answer, Call, event, typed};
use serde_json::{Value, json};

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if call.path.ends_with("/chat/completions") {
        chat(call)
    } else if call.path.ends_with("/responses") {
        responses(call)
    } else if call.path.ends_with("/models") {
        Answer::Json(models(call))
    } else {
        Answer::NotFound
    }
}

pub(super) fn models(call: &Call<'_>) -> Value {
    let data: Vec<Value> = call
        .models
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": call.second, "owned_by": "emulator"}))
        .collect();
    json!({"object": "list", "data": data})
}

pub(super) fn chat(call: &Call<'_>) -> Answer {
    let id = format!("chatcmpl-{}", call.request_id);
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    if !call.stream {
        return Answer::Json(json!({
            "id": id, "object": "chat.completion", "created": call.second, "model": call.model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": call.text, "refusal": null},
                         "logprobs": null, "finish_reason": "stop"}],
            "usage": usage,
        }));
    }
    let mut out = String::new();
    let mut chunk = |choices: Value, usage: Option<&Value>| {
        let mut data = json!({"id": id, "object": "chat.completion.chunk", "created": call.second, "model": call.model,
                              "choices": choices});
        if let Some(usage) = usage {
            data["usage"] = usage.clone();
        }
        event(&mut out, None, &data);
    };
    chunk(json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]), None);
    chunk(json!([{"index": 0, "delta": {"content": call.text}, "finish_reason": null}]), None);
    chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), None);
    chunk(json!([]), Some(&usage));
    out.push_str("data: [DONE]\n\n");
    Answer::Events(out)
}

fn responses(call: &Call<'_>) -> Answer {
    let part = json!({"type": "output_text", "text": call.text, "annotations": []});
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]});
    let response = json!({
        "id": format!("resp_{}", call.request_id), "object": "response", "created_at": call.second, "status": "completed",
        "model": call.model, "output": [item],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_tokens_details": {"cached_tokens": 0},
                  "output_tokens_details": {"reasoning_tokens": 0}},
    });
    if !call.stream {
        return Answer::Json(response);
    }
    let mut started = response.clone();
    started["status"] = "in_progress".into();
    started["output"] = json!([]);
    let mut empty_item = item.clone();
    empty_item["status"] = "in_progress".into();
    empty_item["content"] = json!([]);
    let empty_part = json!({"type": "output_text", "text": "", "annotations": []});
    let place = |extra: Value| {
        let mut data = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
        if let (Some(data), Some(extra)) = (data.as_object_mut(), extra.as_object()) {
            data.extend(extra.clone());
        }
        data
    };
    let mut out = String::new();
    typed(&mut out, "response.created", json!({"response": started}));
    typed(&mut out, "response.output_item.added", json!({"output_index": 0, "item": empty_item}));
    typed(&mut out, "response.content_part.added", place(json!({"part": empty_part})));
    typed(&mut out, "response.output_text.delta", place(json!({"delta": call.text})));
    typed(&mut out, "response.output_text.done", place(json!({"text": call.text})));
    typed(&mut out, "response.content_part.done", place(json!({"part": part})));
    typed(&mut out, "response.output_item.done", json!({"output_index": 0, "item": item}));
    typed(&mut out, "response.completed", json!({"response": response}));
    Answer::Events(out)
}
