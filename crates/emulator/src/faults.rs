//! Answers as networks and broken servers give them, whatever the key.

use crate::Behaviour;
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use futures_util::stream;
use std::io;
use std::time::Duration;

/// The page of a captive portal.
const PORTAL: &str = "<!DOCTYPE html><html><head><title>Sign in to network</title></head><body><h1>Welcome</h1>\
                      <p>Please accept the terms of use to go online.</p></body></html>";
/// How a list begins, in every wire format that calls it `data`.
const LIST: &str = r#"{"object":"list","data":["#;
/// How long a drop takes.
const DROP: Duration = Duration::from_millis(50);

/// What a fault does to a request.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is never answered.
    Silence,
    /// It is answered like this.
    Answer(Response<Body>),
}

/// Returns the fault that a behaviour is; `None` when it is the provider's own way to answer.
pub(crate) fn of(behaviour: Behaviour, host: Option<&str>, path: &str) -> Option<Fault> {
    Some(Fault::Answer(match behaviour {
        Behaviour::Hang => return Some(Fault::Silence),
        Behaviour::Garbage => answer("text/html; charset=utf-8", Body::from(PORTAL)),
        Behaviour::Redirect => redirect(host, path),
        Behaviour::Drip => answer("application/json", drip()),
        Behaviour::CutOff => answer("application/json", cut_off()),
        Behaviour::Flood { megabytes } => answer("application/json", flood(megabytes)),
        _ => return None,
    }))
}

fn answer(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Redirects to the same port under another host name, so that a client that carries keys across hosts is caught.
fn redirect(host: Option<&str>, path: &str) -> Response<Body> {
    let port = host.and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port);
    let mut response = answer("text/html", Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(location) = format!("http://localhost:{port}/elsewhere{path}").parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// White space for ever: a body that could still become a document.
fn drip() -> Body {
    Body::from_stream(stream::unfold((), |()| async {
        tokio::time::sleep(DROP).await;
        Some((Ok::<_, io::Error>(" "), ()))
    }))
}

fn cut_off() -> Body {
    let parts = [Ok(LIST), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    Body::from_stream(stream::iter(parts))
}

fn flood(megabytes: u32) -> Body {
    let item = r#"{"id":"m","object":"model"},"#;
    let chunk = item.repeat((64 << 10) / item.len());
    let chunks = (u64::from(megabytes) << 20) / chunk.len() as u64;
    Body::from_stream(stream::unfold(0, move |at| {
        let part = match at {
            0 => Some(LIST.to_owned()),
            at if at <= chunks => Some(chunk.clone()),
            at if at == chunks + 1 => Some(r#"{"id":"last"}]}"#.to_owned()),
            _ => None,
        };
        async move { part.map(|part| (Ok::<_, io::Error>(part), at + 1)) }
    }))
}
