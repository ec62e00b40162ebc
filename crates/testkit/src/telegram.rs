//! As much of Telegram's Bot API as a gateway needs to start its channel and to post: what it posts is kept.

use anyhow::Result;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The token of the only bot.
pub const BOT_TOKEN: &str = "4242424242:testkit-bot-token-0123456789abcdefgh";
/// A conversation that the bot was thrown out of.
pub const CLOSED_CHAT: &str = "666";

/// A message that was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The conversation.
    pub chat: String,
    /// What it says.
    pub text: String,
}

/// A Bot API on loopback. Its threads end with the process.
#[derive(Debug)]
pub struct Telegram {
    port: u16,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Telegram {
    /// Starts one.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // A caller that hangs up early is its own affair.
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Ok(Self { port, calls })
    }

    /// Returns what `channels.telegram.apiRoot` has to be.
    pub fn root(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns every method that was called, oldest first, with its parameters.
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns every message that the bot was told to post, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        let posted = self.calls().into_iter().filter(|(method, _)| method == "sendMessage");
        posted
            .map(|(_, params)| Message {
                chat: plain(&params["chat_id"]),
                text: params["text"].as_str().unwrap_or_default().to_owned(),
            })
            .collect()
    }
}

/// Clients write ids as numbers or as texts.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Answers one connection until it closes.
fn serve(stream: TcpStream, calls: &Mutex<Vec<(String, Value)>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|size| *size > 0)?;
        let path = first.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|size| *size > 0)?;
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let method = path.strip_prefix(&format!("/bot{BOT_TOKEN}/"))?.to_owned();
        let mut params: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(chat) = query.split('&').find_map(|pair| pair.strip_prefix("chat_id=")) {
            params = json!({ "chat_id": chat });
        }
        let answer = answer(&method, &params);
        calls.lock().unwrap_or_else(PoisonError::into_inner).push((method, params));
        let (status, text) = match answer {
            Ok(result) => ("200 OK", json!({ "ok": true, "result": result }).to_string()),
            Err(why) => {
                ("403 Forbidden", json!({ "ok": false, "error_code": 403, "description": why }).to_string())
            }
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        )
        .ok()?;
    }
}

fn answer(method: &str, params: &Value) -> Result<Value, &'static str> {
    Ok(match method.to_ascii_lowercase().as_str() {
        "getme" => {
            json!({ "id": 4_242_424_242_u64, "is_bot": true, "first_name": "Testkit", "username": "testkit_bot" })
        }
        "getupdates" => {
            // Nobody writes to this bot.
            std::thread::sleep(Duration::from_secs(1));
            json!([])
        }
        "sendmessage" if plain(&params["chat_id"]) == CLOSED_CHAT => {
            return Err("Forbidden: bot was blocked by the user");
        }
        "sendmessage" => json!({
            "message_id": 77, "date": 1_790_000_000, "text": params["text"],
            "chat": { "id": plain(&params["chat_id"]).parse::<i64>().unwrap_or_default(), "type": "private" },
        }),
        "getchat" => json!({
            "id": plain(&params["chat_id"]).parse::<i64>().unwrap_or_default(), "type": "private", "first_name": "Somebody",
        }),
        "getwebhookinfo" => json!({ "url": "", "has_custom_certificate": false, "pending_update_count": 0 }),
        _ => json!(true),
    })
}
