//! One try to tell one addressee.

use crate::client::{Answer, Http};
use crate::{Address, Kind, Message, command, sign};
use keyshoal_core::{Secret, Timestamp};
use serde_json::json;
use std::time::Duration;

/// A text is cut after so many characters: Telegram takes 4096, ntfy 4096 bytes.
const LONGEST: usize = 1300;
/// So much is repeated of what an addressee said.
const SAID: usize = 120;

/// Why a try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In words; nothing secret.
    pub reason: String,
    /// Trying again may help.
    pub again: bool,
    /// The addressee wants to be left alone for so long first.
    pub after: Option<Duration>,
}

impl Failure {
    pub(crate) fn for_now(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: true, after: None }
    }

    pub(crate) fn for_good(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: false, after: None }
    }
}

/// Why nobody can be told at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SenderError(pub(crate) String);

/// Tells one addressee.
#[derive(Debug)]
pub struct Sender {
    kind: Kind,
    http: Option<Http>,
    /// What the person's own command may see of the environment.
    variables: Vec<(String, String)>,
}

impl Sender {
    /// Makes it. The person's own command sees these variables and no others.
    pub fn new(kind: &Kind, variables: &[(String, String)]) -> Result<Self, SenderError> {
        let http = kind.address().map(Http::new).transpose()?;
        Ok(Self { kind: kind.clone(), http, variables: variables.to_vec() })
    }

    /// Tries once. Returns what the addressee answered.
    pub fn send(&self, message: &Message, now: Timestamp) -> Result<String, Failure> {
        match &self.kind {
            Kind::Webhook { url, secret } => {
                let body = message.document().to_string();
                let mut headers = vec![json_header(), ("X-Keyshoal-Id", message.id().to_owned())];
                if let Some(secret) = secret {
                    headers.push((sign::HEADER, sign::signature(secret, now, &body)));
                }
                self.post(url, "", &headers, body)
            }
            Kind::Slack { url } => {
                let text =
                    cut(message.text()).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                self.post(url, "", &[json_header()], json!({ "text": text }).to_string())
            }
            Kind::Telegram { server, token, chat } => {
                let method = format!("/bot{}/sendMessage", token.reveal_secret());
                let body = json!({
                    "chat_id": chat,
                    "text": cut(message.text()),
                    "link_preview_options": { "is_disabled": true },
                    "disable_notification": message.is_recovery(),
                });
                self.post(server, &method, &[json_header()], body.to_string())
            }
            Kind::Ntfy { url, token } => {
                let (priority, tags) = match (message.is_urgent(), message.is_recovery()) {
                    (true, _) => ("high", "rotating_light"),
                    (_, true) => ("low", "white_check_mark"),
                    _ => ("default", "warning"),
                };
                let mut headers = vec![
                    ("Content-Type", "text/plain; charset=utf-8".to_owned()),
                    ("Title", message.title()),
                    ("Priority", priority.to_owned()),
                    ("Tags", tags.to_owned()),
                ];
                if let Some(token) = token {
                    headers.push(("Authorization", format!("Bearer {}", token.reveal_secret())));
                }
                self.post(url, "", &headers, cut(message.text()))
            }
            Kind::Command { command } => {
                command::run(command, &message.document().to_string(), &self.variables, command::LIMIT)
            }
        }
    }

    fn post(
        &self,
        address: &Address,
        further: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<String, Failure> {
        let Some(http) = &self.http else { return Err(Failure::for_good("there is no client")) };
        let url = Secret::new(format!("{}{further}", address.url.reveal_secret().trim_end_matches('/')));
        // Only what is added needs the slash away: a path of the person's own stays as it is.
        let url = if further.is_empty() { &address.url } else { &url };
        let answer = http.post(url.reveal_secret(), headers, body)?;
        self.judge(&answer)
    }

    fn judge(&self, answer: &Answer) -> Result<String, Failure> {
        let status = answer.status;
        let said = match self.said(&answer.body) {
            said if said.is_empty() => format!("HTTP {status}"),
            said => format!("HTTP {status}: {said}"),
        };
        match status {
            200..=299 => Ok(format!("HTTP {status}")),
            300..=399 => {
                Err(Failure::for_good(format!("HTTP {status}: it leads elsewhere, which is not followed")))
            }
            408 | 425 | 429 | 500..=599 => {
                Err(Failure { reason: said, again: true, after: answer.retry_after })
            }
            _ => Err(Failure::for_good(said)),
        }
    }

    /// Returns the beginning of what an addressee said, in one line and without anything secret of its own.
    fn said(&self, body: &str) -> String {
        let mut line: String = body
            .chars()
            .map(|one| if one.is_control() { ' ' } else { one })
            .collect::<String>()
            .trim()
            .to_owned();
        for secret in self.kind.secrets() {
            if secret.reveal_secret().len() >= 6 {
                line = line.replace(secret.reveal_secret(), "…");
            }
        }
        crate::Scrub::default().text(&line).chars().take(SAID).collect()
    }
}

/// Returns the header of a JSON document.
fn json_header() -> (&'static str, String) {
    ("Content-Type", "application/json".to_owned())
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
