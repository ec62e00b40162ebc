//! The Gemini API's good answers.

use super::{Answer, Call, event};
use serde_json::{Value, json};

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    if call.path.ends_with(":streamGenerateContent") {
        let mut out = String::new();
        event(&mut out, None, &content(call));
        Answer::Events(out)
    } else if call.path.ends_with(":generateContent") {
        Answer::Json(content(call))
    } else if call.path.ends_with("/models") {
        let models: Vec<Value> = call
            .models
            .iter()
            .map(|id| {
                json!({"name": format!("models/{id}"), "version": "001", "displayName": id,
                       "inputTokenLimit": 200_000, "outputTokenLimit": 8192,
                       "supportedGenerationMethods": ["generateContent", "countTokens"]})
            })
            .collect();
        Answer::Json(json!({"models": models}))
    } else {
        Answer::NotFound
    }
}

fn content(call: &Call<'_>) -> Value {
    json!({
        "candidates": [{"content": {"parts": [{"text": call.text}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        "modelVersion": call.model, "responseId": call.request_id,
    })
}

/// Returns the model of `models/NAME:method`.
pub(crate) fn model_in(path: &str) -> Option<String> {
    let (_, rest) = path.rsplit_once("/models/")?;
    Some(rest.split(':').next().unwrap_or(rest).to_owned())
}
