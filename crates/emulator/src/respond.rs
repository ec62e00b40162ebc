//! From a request to its answer, with the row in the log between them.

use crate::bodies::{self, Asked};
use crate::control::{self, Orders};
use crate::faults::{self, Fault};
use crate::record::{self, Recorded};
use crate::state::{Inner, State};
use crate::wire::{self, Answer, Call};
use crate::{Behaviour, Dialect, marker, oauth};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Bodies that agents send are big (system prompts, tools); this is more than any of them.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// Reads a request, decides, records, and answers.
pub(crate) async fn handle(
    state: &State,
    mut stopped: watch::Receiver<bool>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return json_answer(413, &json!({"error": {"message": "request too large"}}), "-", None);
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    if state.control && path.starts_with("/__") {
        return steer(&mut state.lock(), &parts.method, &path, &body);
    }
    let json: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    let dialect = Dialect::of(
        &path,
        parts.headers.contains_key("x-api-key") || parts.headers.contains_key("anthropic-version"),
    );
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let model = json["model"].as_str().map(str::to_owned).or_else(|| wire::gemini::model_in(&path));
    let marked = marker::last(&body);
    let (agent_tag, tag) = marked.map_or((None, None), |(agent, tag)| (Some(agent), Some(tag)));
    let mut row = Recorded {
        at: record::now(),
        provider: dialect,
        method: parts.method.to_string(),
        key: wire::key(&parts.headers, &parts.uri),
        model,
        agent_tag,
        tag,
        stream: json["stream"].as_bool().unwrap_or(false) || path.ends_with(":streamGenerateContent"),
        status: 0,
        request_id: String::new(),
        user_agent: text(header::USER_AGENT),
        path,
    };
    let (response, latency) = {
        let mut inner = state.lock();
        inner.requests += 1;
        row.request_id = request_id(dialect, inner.requests);
        let response = decide(&mut inner, &row, &parts.method, &body, text(header::HOST).as_deref());
        row.status = response.as_ref().map_or(0, |response| response.status().as_u16());
        inner.log.push(row);
        (response, inner.latency)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut held = state.held.subscribe();
    tokio::select! {
        // An error means that nobody holds it any more.
        _ = held.wait_for(|held| !*held) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    match response {
        Some(response) => response,
        None => {
            let _gone = stopped.wait_for(|stop| *stop).await;
            json_answer(503, &json!({"error": {"message": "the emulator stops"}}), "-", None)
        }
    }
}

/// Decides the answer; `None` means that there shall be none.
fn decide(
    inner: &mut Inner,
    row: &Recorded,
    method: &Method,
    body: &str,
    host: Option<&str>,
) -> Option<Response<Body>> {
    let (dialect, id) = (row.provider, row.request_id.as_str());
    if dialect == Dialect::OAuth {
        let (status, answer) = oauth::exchange(inner, oauth::refresh_token(body).as_deref());
        return Some(json_answer(status, &answer, id, None));
    }
    let list = *method == Method::GET && (row.path.ends_with("/models") || row.path.ends_with("/tags"));
    let public = list && matches!(dialect, Dialect::Public | Dialect::OpenRouter | Dialect::Ollama);
    let behaviour =
        if public { inner.everyone.unwrap_or(Behaviour::Ok) } else { inner.behaviour_of(row.key.as_deref()) };
    match faults::of(behaviour, host, &row.path) {
        Some(Fault::Silence) => return None,
        Some(Fault::Answer(response)) => return Some(response),
        None => {}
    }
    let model = row.model.as_deref().unwrap_or("mock-1");
    let asked = Asked { key: row.key.as_deref(), model, inference: *method == Method::POST, request_id: id };
    if let Some(refusal) = bodies::refusal(dialect, behaviour, &asked) {
        return Some(json_answer(refusal.status, &refusal.body, id, refusal.retry_after));
    }
    let words = ["pong", row.agent_tag.as_deref().unwrap_or("?"), row.tag.as_deref().unwrap_or("")];
    let text = words.join(" ");
    let call = Call {
        path: &row.path,
        model,
        stream: row.stream,
        text: text.trim_end(),
        models: &inner.models,
        request_id: id,
        behaviour,
        second: row.at.as_second(),
    };
    let answer = match dialect {
        Dialect::Anthropic => wire::anthropic::answer(&call),
        Dialect::Gemini => wire::gemini::answer(&call),
        Dialect::OpenRouter => wire::openrouter::answer(&call),
        Dialect::Codex => wire::codex::answer(&call),
        Dialect::Ollama => wire::ollama::answer(&call),
        Dialect::OpenAi | Dialect::Public | Dialect::OAuth => wire::openai::answer(&call),
    };
    Some(match answer {
        Answer::Json(json) if behaviour == Behaviour::WrongType => {
            answer_of(200, "text/html; charset=utf-8", json.to_string(), id, None)
        }
        Answer::Json(json) => json_answer(200, &json, id, None),
        Answer::Events(text) => answer_of(200, "text/event-stream; charset=utf-8", text, id, None),
        Answer::NotFound => json_answer(
            404,
            &json!({"error": {"message": format!("Invalid URL ({method} {})", row.path), "type": "invalid_request_error",
                              "param": null, "code": null}}),
            id,
            None,
        ),
    })
}

fn steer(inner: &mut Inner, method: &Method, path: &str, body: &str) -> Response<Body> {
    match (method, path) {
        (&Method::POST, "/__ctl") => match serde_json::from_str::<Orders>(body) {
            Ok(orders) => {
                control::obey(inner, orders);
                json_answer(200, &json!({"ok": true}), "-", None)
            }
            Err(error) => json_answer(400, &json!({"error": error.to_string()}), "-", None),
        },
        (&Method::GET, "/__log") => json_answer(200, &json!(inner.log.rows()), "-", None),
        (&Method::DELETE, "/__log") => {
            inner.log.clear();
            json_answer(200, &json!({"ok": true}), "-", None)
        }
        _ => json_answer(404, &json!({"error": "the emulator knows /__ctl and /__log"}), "-", None),
    }
}

fn request_id(dialect: Dialect, number: u64) -> String {
    match dialect {
        Dialect::Anthropic => format!("req_emu{number:021}"),
        Dialect::OpenRouter => format!("{number:016x}-EMU"),
        _ => format!("req_emu{number:025x}"),
    }
}

fn json_answer(status: u16, body: &Value, request_id: &str, retry_after: Option<u32>) -> Response<Body> {
    answer_of(status, "application/json", body.to_string(), request_id, retry_after)
}

fn answer_of(
    status: u16,
    content_type: &'static str,
    body: String,
    request_id: &str,
    retry_after: Option<u32>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    // The names that the real ones use: OpenAI `x-request-id`, Anthropic `request-id`, OpenRouter (behind Cloudflare) `cf-ray`.
    let name = match request_id {
        id if id.ends_with("-EMU") => "cf-ray",
        id if id.len() == "req_emu".len() + 21 => "request-id",
        _ => "x-request-id",
    };
    if let Ok(id) = request_id.parse() {
        headers.insert(name, id);
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
