//! The server and its handle.

use crate::bodies::{self, Asked};
use crate::control::{self, Orders};
use crate::record::{self, Recorded};
use crate::state::{Config, Inner, State};
use crate::wire::{self, Answer, Call};
use crate::{Behaviour, Dialect, marker, oauth};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Bodies that agents send are big (system prompts, tools); this is more than any of them.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// How long a stop waits for answers that are on their way.
const GRACE: Duration = Duration::from_millis(500);
/// The page of a captive portal.
const PORTAL: &str = "<!DOCTYPE html><html><head><title>Sign in to network</title></head><body><h1>Welcome</h1>\
                      <p>Please accept the terms of use to go online.</p></body></html>";

/// A running provider on a thread of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Emulator {
    state: Arc<State>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts listening and returns at once; the port is bound by then.
    ///
    /// # Errors
    /// When the port is taken or the log file cannot be opened.
    pub fn start(config: Config) -> io::Result<Self> {
        let state = Arc::new(State::new(&config)?);
        let listener = std::net::TcpListener::bind(("127.0.0.1", config.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            let served = runtime.block_on(serve(listener, shared, stopped));
            // Nobody is left to be told; clients see the closed port.
            drop(served);
            runtime.shutdown_background();
        })?;
        Ok(Self { state, address, stop, thread: Some(thread) })
    }

    /// Returns `http://127.0.0.1:PORT`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Accepts a key from now on.
    pub fn accept(&self, key: &str) {
        self.reject(key, Behaviour::Ok);
    }

    /// Answers a key in this way from now on.
    pub fn reject(&self, key: &str, behaviour: Behaviour) {
        self.state.lock().keys.insert(key.to_owned(), behaviour);
    }

    /// Accepts these keys and refuses every other as invalid; forgets what was said of keys before.
    pub fn only_accept<S: AsRef<str>>(&self, keys: &[S]) {
        self.state.lock().only_accept(keys);
    }

    /// Answers everybody in this way, whatever the key (an outage, a portal); `None` ends it.
    pub fn everyone(&self, behaviour: Option<Behaviour>) {
        self.state.lock().everyone = behaviour;
    }

    /// Waits so long before every answer.
    pub fn set_latency(&self, latency: Duration) {
        self.state.lock().latency = latency;
    }

    /// Makes a refresh token good for one use at `/oauth/token`.
    pub fn issue_refresh_token(&self, refresh: &str) {
        self.state.lock().tokens.issue(refresh);
    }

    /// Returns every request so far, oldest first.
    pub fn log(&self) -> Vec<Recorded> {
        self.state.lock().log.rows()
    }

    /// Forgets the requests so far; a log file keeps them.
    pub fn clear_log(&self) {
        self.state.lock().log.clear();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // An error here means that the server has already ended.
        let _ended = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Runs an emulator in the foreground until the process is told to end (interrupt or terminate); `ready` gets its base URL.
///
/// # Errors
/// When the port is taken or the log file cannot be opened.
pub fn serve_forever(config: Config, ready: impl FnOnce(&str)) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let emulator = Emulator::start(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        ready(&emulator.base_url());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

async fn serve(
    listener: std::net::TcpListener,
    state: Arc<State>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let stop_of_requests = stopped.clone();
    let app = Router::new().fallback(move |request: Request| {
        let (state, stopped) = (Arc::clone(&state), stop_of_requests.clone());
        async move { handle(&state, stopped, request).await }
    });
    let wait = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the handle is gone, which is a stop as well.
        let _gone = stopped.wait_for(|stop| *stop).await;
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(wait(stopped.clone()));
    tokio::select! {
        served = server => served,
        () = async { wait(stopped).await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

async fn handle(state: &State, mut stopped: watch::Receiver<bool>, request: Request) -> Response<Body> {
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
    let list = *method == Method::GET && row.path.ends_with("/models");
    let public = list && matches!(dialect, Dialect::Public | Dialect::OpenRouter);
    let behaviour =
        if public { inner.everyone.unwrap_or(Behaviour::Ok) } else { inner.behaviour_of(row.key.as_deref()) };
    match behaviour {
        Behaviour::Hang => return None,
        Behaviour::Garbage => return Some(page()),
        Behaviour::Redirect => return Some(redirect(host, &row.path)),
        _ => {}
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
        Dialect::OpenAi | Dialect::Public | Dialect::OAuth => wire::openai::answer(&call),
    };
    Some(match answer {
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

/// Redirects to the same port under another host name, so that a client that carries keys across hosts is caught.
fn redirect(host: Option<&str>, path: &str) -> Response<Body> {
    let port = host.and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port);
    let mut response = answer_of(307, "text/html", String::new(), "-", None);
    if let Ok(location) = format!("http://localhost:{port}/elsewhere{path}").parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn page() -> Response<Body> {
    let mut response = answer_of(200, "text/html; charset=utf-8", PORTAL.to_owned(), "-", None);
    response.headers_mut().remove("x-request-id");
    response
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
