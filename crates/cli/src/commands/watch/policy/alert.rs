//! `[[alert]]`: whom to tell of alarms. Secrets are in files, or stand here themselves.

use crate::error::CommandError;
use crate::root;
use keyshoal_alerts::{Address, Kind, Quiet, Target};
use keyshoal_core::Secret;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// So many addressees at most: each has a thread.
const MOST: usize = 16;
/// Where Telegram's bots are.
const TELEGRAM: &str = "https://api.telegram.org";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    name: Option<String>,
    kind: Word,
    #[serde(default, deserialize_with = "secret")]
    url: Option<Secret>,
    url_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "secret")]
    secret: Option<Secret>,
    secret_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "secret")]
    token: Option<Secret>,
    token_file: Option<PathBuf>,
    chat: Option<Chat>,
    server: Option<String>,
    command: Option<String>,
    quiet: Option<String>,
    #[serde(default)]
    urgent_too: bool,
}

/// Telegram's chats have numbers, its channels names.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Chat {
    Number(i64),
    Name(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Webhook,
    Slack,
    Telegram,
    Ntfy,
    Command,
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Telegram => "telegram",
            Self::Ntfy => "ntfy",
            Self::Command => "command",
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    String::deserialize(from).map(|text| Some(Secret::new(text)))
}

/// A secret that is given, or the file that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Here(Secret),
    File(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum How {
    Webhook { url: Given, secret: Option<Given> },
    Slack { url: Given },
    Telegram { token: Given, chat: String, server: String },
    Ntfy { url: Given, token: Option<Given> },
    Command { command: String },
}

/// One addressee, as the policy has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name; its kind where it has none.
    pub name: String,
    /// How it is told, in a word.
    pub kind: &'static str,
    /// Its quiet hours, as they are written.
    pub quiet: Option<String>,
    hours: Option<Quiet>,
    urgent_too: bool,
    per_hour: u32,
    how: How,
}

/// Reads all tables, or says what is wrong with one.
pub fn read(tables: Vec<Table>, per_hour: u32) -> Result<Vec<Alert>, String> {
    if tables.len() > MOST {
        return Err(format!("there are {} alerts; {MOST} are the most", tables.len()));
    }
    let alerts: Vec<Alert> =
        tables.into_iter().map(|table| one(table, per_hour)).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    match alerts.iter().find(|alert| !names.insert(alert.name.as_str())) {
        Some(twice) => Err(format!("two alerts are called {:?}: give each a name of its own", twice.name)),
        None => Ok(alerts),
    }
}

fn one(mut table: Table, per_hour: u32) -> Result<Alert, String> {
    let kind = table.kind.as_str();
    let name = table.name.take().unwrap_or_else(|| kind.to_owned());
    if name.is_empty() || name.len() > 64 || name.contains(char::is_control) {
        return Err("an alert's name has 1 to 64 characters".to_owned());
    }
    let quiet = table.quiet.take();
    let urgent_too = table.urgent_too;
    let wrong = |what: String| format!("alert {name:?}: {what}");
    let hours =
        quiet.as_deref().map(str::parse::<Quiet>).transpose().map_err(|error| wrong(error.to_string()))?;
    let how = how(&mut table).map_err(wrong)?;
    if let Some(key) = left(&table) {
        return Err(wrong(format!("{key} means nothing for {kind}")));
    }
    Ok(Alert { name, kind, quiet, hours, urgent_too, per_hour, how })
}

fn how(table: &mut Table) -> Result<How, String> {
    let mut url = || given("url", table.url.take(), table.url_file.take());
    Ok(match table.kind {
        Word::Webhook => {
            let url = needed("url", url()?)?;
            How::Webhook { url, secret: given("secret", table.secret.take(), table.secret_file.take())? }
        }
        Word::Slack => How::Slack { url: needed("url", url()?)? },
        Word::Ntfy => {
            let url = needed("url", url()?)?;
            How::Ntfy { url, token: given("token", table.token.take(), table.token_file.take())? }
        }
        Word::Telegram => How::Telegram {
            token: needed("token", given("token", table.token.take(), table.token_file.take())?)?,
            chat: match table.chat.take().ok_or("chat is missing")? {
                Chat::Number(number) => number.to_string(),
                Chat::Name(name) => name,
            },
            server: table.server.take().unwrap_or_else(|| TELEGRAM.to_owned()),
        },
        Word::Command => How::Command { command: table.command.take().ok_or("command is missing")? },
    })
}

fn given(key: &str, here: Option<Secret>, file: Option<PathBuf>) -> Result<Option<Given>, String> {
    match (here, file) {
        (Some(_), Some(_)) => Err(format!("give {key} or {key}_file, not both")),
        (Some(here), None) => Ok(Some(Given::Here(here))),
        (None, Some(file)) if file.is_absolute() => Ok(Some(Given::File(file))),
        (None, Some(_)) => Err(format!("{key}_file is no absolute path")),
        (None, None) => Ok(None),
    }
}

fn needed(key: &str, given: Option<Given>) -> Result<Given, String> {
    given.ok_or_else(|| format!("{key}_file (or {key}) is missing"))
}

/// Returns a key that is left when its kind has taken what it knows.
fn left(table: &Table) -> Option<&'static str> {
    let given = [
        ("url", table.url.is_some()),
        ("url_file", table.url_file.is_some()),
        ("secret", table.secret.is_some()),
        ("secret_file", table.secret_file.is_some()),
        ("token", table.token.is_some()),
        ("token_file", table.token_file.is_some()),
        ("chat", table.chat.is_some()),
        ("server", table.server.is_some()),
        ("command", table.command.is_some()),
    ];
    given.into_iter().find(|(_, is)| *is).map(|(key, _)| key)
}

impl Alert {
    /// Reads its secrets. Says as well what is to be known about them.
    pub fn target(&self, policy: &Path) -> Result<(Target, Vec<String>), CommandError> {
        let mut notes = BTreeSet::new();
        let mut secret = |given: &Given| match given {
            Given::Here(secret) => {
                notes.extend(readable(policy).map(|path| format!("{path}, which holds a secret of alert {:?}, is readable by others: chmod 600, or name a file", self.name)));
                Ok(secret.clone())
            }
            Given::File(file) => {
                notes.extend(readable(file).map(|path| format!("{path} is readable by others: chmod 600")));
                let secret = root::read_secret(file)?;
                if secret.is_empty() {
                    Err(CommandError::config(format!("{} is empty", file.display())))
                } else {
                    Ok(secret)
                }
            }
        };
        let address = |key: &str, text: &Secret| {
            Address::new(text)
                .map_err(|error| CommandError::config(format!("alert {:?}: {key}: {error}", self.name)))
        };
        let kind = match &self.how {
            How::Webhook { url, secret: signs } => {
                let url = address("url", &secret(url)?)?;
                Kind::Webhook { url, secret: signs.as_ref().map(&mut secret).transpose()? }
            }
            How::Slack { url } => Kind::Slack { url: address("url", &secret(url)?)? },
            How::Telegram { token, chat, server } => {
                let server = address("server", &Secret::new(server.clone()))?;
                Kind::Telegram { server, token: secret(token)?, chat: chat.clone() }
            }
            How::Ntfy { url, token } => {
                let url = address("url", &secret(url)?)?;
                Kind::Ntfy { url, token: token.as_ref().map(&mut secret).transpose()? }
            }
            How::Command { command } => Kind::Command { command: command.clone() },
        };
        if kind.address().is_some_and(Address::is_readable_on_the_way) {
            notes.insert(format!(
                "alert {:?} is told over plain http: everybody on the way can read it",
                self.name
            ));
        }
        let target = Target {
            name: self.name.clone(),
            kind,
            quiet: self.hours,
            urgent_too: self.urgent_too,
            per_hour: self.per_hour,
        };
        Ok((target, notes.into_iter().collect()))
    }
}

/// Returns a file's path when others than its owner may read it.
fn readable(path: &Path) -> Option<String> {
    let mode = path.metadata().ok()?.permissions().mode();
    (mode & 0o044 != 0).then(|| path.display().to_string())
}
