//! The program's own log: when the gateway began, and when it read its secrets or its config again.
//!
//! Up to 2026.9 a log is JSON, one entry a line, with the message in `message` or in the numbered fields; by default it is
//! `openclaw-<date>.log` in `/tmp/openclaw`, into which every gateway of the user writes.

mod refused;

pub use refused::{Refused, refused};

use crate::files;
use jiff::SignedDuration;
use keyshoal_core::Timestamp;
use keyshoal_core::examination::{LogEvent, LogEventKind, ProgramLog};
use keyshoal_core::record::LogPlace;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// So much of each file's end is read.
const TAIL: u64 = 4 << 20;
/// So many files are read, the newest ones.
const FILES: usize = 3;
/// So many events are kept, the newest ones.
const EVENTS: usize = 200;

/// So much of a section is read at most, its end.
const SECTION: u64 = 1 << 20;
/// A line is cut after so many characters.
const LINE: usize = 300;
/// How the name of the gateway's own lines begins.
const OF_THE_GATEWAY: &str = r#"{"subsystem":"gateway"#;
/// What is said of credentials has one of these words.
const ABOUT: [&str; 14] = [
    "secrets.",
    "models.auth",
    "auth-profile",
    "auth profile",
    "auth issue",
    "authentication",
    "unauthorized",
    "api key",
    "cooldown",
    "failover",
    "oauth",
    "config reload",
    "config change",
    "credential",
];

/// What the gateway says of its life and its reloads.
const WORDS: [(&str, LogEventKind); 14] = [
    ("gateway ready", LogEventKind::Started),
    ("listening on ws://", LogEventKind::Started),
    ("listening on wss://", LogEventKind::Started),
    ("; shutting down", LogEventKind::Stopped),
    ("; restarting", LogEventKind::Stopped),
    ("res ✓ secrets.reload", LogEventKind::SecretsRead),
    ("res ✓ models.authRefresh", LogEventKind::SecretsRead),
    ("config change applied", LogEventKind::ConfigApplied),
    ("config hot reload applied", LogEventKind::ConfigApplied),
    ("res ✗ secrets.reload", LogEventKind::ReloadFailed),
    ("res ✗ models.authRefresh", LogEventKind::ReloadFailed),
    ("config reload failed", LogEventKind::ReloadFailed),
    ("config reload skipped", LogEventKind::ReloadFailed),
    ("config change requires gateway restart", LogEventKind::RestartNeeded),
];
/// In each of them stands one of these.
const STEMS: [&str; 9] = [
    "gateway ready",
    "listening on ws",
    "; shutting down",
    "; restarting",
    " secrets.reload",
    " models.authRefresh",
    "config change ",
    "config hot reload applied",
    "config reload ",
];

/// Where the program may log.
#[derive(Clone, Copy, Debug)]
pub struct Where<'a> {
    /// `logging.file`: this installation's alone.
    pub configured: Option<&'a Path>,
    /// Directories of the default log, the first that has any.
    pub shared: &'a [PathBuf],
    /// Users whose files are believed.
    pub users: &'a [u32],
    /// What is older than this in a shared log is another gateway's; `None` when no gateway of ours runs, so that none counts.
    pub since: Option<Timestamp>,
}

/// Reads what the log tells.
pub fn read(at: &Where<'_>) -> ProgramLog {
    if let Some(own) = at.configured
        && files::exists(own)
    {
        let events = last(events_of(own));
        return ProgramLog { files: vec![own.display().to_string()], own: true, events };
    }
    let Some(since) = at.since else { return ProgramLog::default() };
    let logs = at.shared.iter().map(|dir| rolling(dir, at.users)).find(|logs| !logs.is_empty());
    let logs = logs.unwrap_or_default();
    let mut events: Vec<LogEvent> = logs.iter().flat_map(|log| events_of(log)).collect();
    events.retain(|event| event.at >= since);
    ProgramLog {
        files: logs.iter().map(|log| log.display().to_string()).collect(),
        own: false,
        events: last(events),
    }
}

/// Returns how far the log goes now.
pub fn end(at: &Where<'_>) -> Option<LogPlace> {
    let own = at.configured.filter(|own| files::exists(own));
    let path = match own {
        Some(own) => own.to_owned(),
        None => {
            at.since?;
            at.shared.iter().find_map(|dir| rolling(dir, at.users).pop())?
        }
    };
    let (inode, size) = files::extent(&path)?;
    Some(LogPlace { path: path.display().to_string(), inode, size, own: own.is_some() })
}

/// Returns the lines between two places of the log, or why there are none. A log that has rolled over since begins anew.
///
/// Only lines about credentials and the gateway's life are returned, each cut: what people and agents said to each other is nobody's business.
pub fn between(from: Option<&LogPlace>, to: &LogPlace) -> Result<Vec<String>, String> {
    let lines: Vec<String> = section(from, to)?.iter().filter_map(|line| about_credentials(line)).collect();
    Ok(lines[lines.len().saturating_sub(EVENTS)..].to_vec())
}

/// Returns the whole lines between two places, the newest where they are many.
fn section(from: Option<&LogPlace>, to: &LogPlace) -> Result<Vec<String>, String> {
    let path = Path::new(&to.path);
    if files::extent(path).is_none_or(|(inode, size)| inode != to.inode || size < to.size) {
        return Err("the log that the look saw is no more".to_owned());
    }
    let start =
        from.filter(|from| from.inode == to.inode && from.size <= to.size).map_or(0, |from| from.size);
    let first = start.max(to.size.saturating_sub(SECTION));
    let bytes = files::piece(path, first, to.size - first).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    // A piece that was cut out of the middle of a line begins with the rest of that.
    Ok(text.lines().skip(usize::from(first > start)).map(str::to_owned).collect())
}

/// Returns what a line says, with its time, where it is about credentials or the gateway's life.
fn about_credentials(line: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let at = ["/time", "/_meta/date"].iter().find_map(|place| entry.pointer(place)?.as_str())?;
    let said = ["message", "0", "1", "2"].iter().filter_map(|key| entry.get(*key)?.as_str());
    let said: String = said.collect::<Vec<_>>().join(" ");
    let lower = said.to_lowercase();
    let meant = kind_of(&said).is_some() || ABOUT.iter().any(|word| lower.contains(word));
    let short: String = said.chars().map(|one| if one.is_control() { ' ' } else { one }).take(LINE).collect();
    meant.then(|| format!("{at} {short}"))
}

fn last(mut events: Vec<LogEvent>) -> Vec<LogEvent> {
    events.sort_by_key(|event| event.at);
    events.split_off(events.len().saturating_sub(EVENTS))
}

/// Returns the newest logs of a directory, the older first.
fn rolling(dir: &Path, users: &[u32]) -> Vec<PathBuf> {
    let names = files::listing(dir).ok().flatten().unwrap_or_default();
    let named = names.iter().filter(|name| name.starts_with("openclaw-") && name.ends_with(".log"));
    let mut logs: Vec<PathBuf> = named.map(|name| dir.join(name)).collect();
    logs.retain(|log| files::owner(log).is_some_and(|owner| users.contains(&owner)));
    logs.split_off(logs.len().saturating_sub(FILES))
}

fn events_of(log: &Path) -> Vec<LogEvent> {
    let text = files::tail(log, TAIL).ok().flatten().unwrap_or_default();
    lines_with_stems(&text).filter_map(|line| event(&String::from_utf8_lossy(line))).collect()
}

/// Returns the lines in which a stem stands, in their order. Megabytes of other lines are passed over without a look at each.
fn lines_with_stems(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let begin = |at: usize| memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
    let found = STEMS.iter().flat_map(|stem| memchr::memmem::find_iter(text, stem));
    let begins: BTreeSet<usize> = found.map(begin).collect();
    begins.into_iter().map(|begin| {
        let line = &text[begin..];
        &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())]
    })
}

/// Understands one line; most are nothing to us. What agents and people say stands there as well, so only the gateway itself is believed.
fn event(line: &str) -> Option<LogEvent> {
    // Cheap, before the line is understood.
    let kind = kind_of(line)?;
    let entry: Value = serde_json::from_str(line).ok()?;
    entry.pointer("/_meta/name")?.as_str().filter(|name| name.starts_with(OF_THE_GATEWAY))?;
    let at: Timestamp =
        ["/time", "/_meta/date"].iter().find_map(|place| entry.pointer(place)?.as_str()?.parse().ok())?;
    let numbered = ["message", "0", "1", "2"].iter().filter_map(|key| entry.get(*key)?.as_str());
    let said = numbered.collect::<Vec<_>>().join(" ");
    let at = if kind == LogEventKind::SecretsRead { at.checked_sub(took(&said)).ok()? } else { at };
    (kind_of(&said) == Some(kind)).then_some(LogEvent { at, kind })
}

/// Returns how long a call took, by the word of its line: it read what stood there when it began, and the line came when it was over.
fn took(said: &str) -> SignedDuration {
    let mut words = said.split_whitespace().filter_map(|word| word.strip_suffix("ms")?.parse::<u32>().ok());
    words.next().map_or(SignedDuration::ZERO, |millis| SignedDuration::from_millis(millis.into()))
}

fn kind_of(text: &str) -> Option<LogEventKind> {
    WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as 2026.3.28 and 2026.9.6 wrote them; then an agent that says what a gateway would.
    const LINES: &str = concat!(
        r#"{"1":"listening on ws://127.0.0.1:1 (PID 7)","_meta":{"name":"{\"subsystem\":\"gateway\"}"},"time":"2026-11-27T00:00:07.191+00:00"}"#,
        "\n",
        r#"{"1":"⇄ res ✓ secrets.reload 1071ms conn=1 id=call-1","_meta":{"name":"{\"subsystem\":\"gateway/ws\"}"},"time":"2026-11-27T00:01:00.000+00:00"}"#,
        "\n",
        r#"{"message":"config reload skipped (invalid config): x","_meta":{"date":"2026-11-27T00:02:00.000Z","name":"{\"subsystem\":\"gateway/reload\"}"}}"#,
        "\n",
        r#"{"0":"pong main restarted","_meta":{"name":"openclaw"},"time":"2026-11-27T00:02:00.000+00:00"}"#,
        "\n",
        r#"{"0":"{\"subsystem\":\"gateway/ws\"} res ✓ secrets.reload 1ms","_meta":{"name":"openclaw"},"time":"2026-11-27T00:03:00.000+00:00"}"#,
        "\nlistening on ws://broken\n",
    );

    #[test]
    fn a_line_with_any_of_the_words_is_looked_at_once_and_no_other() {
        for (words, _) in WORDS {
            let text = format!("before\n{words} and {words} again\nafter {words}");
            let lines: Vec<&[u8]> = lines_with_stems(text.as_bytes()).collect();
            let expected = [format!("{words} and {words} again"), format!("after {words}")];
            assert_eq!(lines, expected.each_ref().map(|line| line.as_bytes()), "{words}");
        }
        assert_eq!(lines_with_stems(b"config\n\nnothing of the kind\n").count(), 0);
    }

    #[test]
    fn a_log_of_its_own_tells_everything() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.log");
        std::io::Write::write_all(&mut files::create_new(&path).unwrap(), LINES.as_bytes()).unwrap();
        let at = Where { configured: Some(&path), shared: &[], users: &[], since: None };
        let log = read(&at);
        let kinds: Vec<LogEventKind> = log.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [LogEventKind::Started, LogEventKind::SecretsRead, LogEventKind::ReloadFailed]);
        assert!(log.own);
        // A call reads what stands there when it begins, and its line comes when it is over.
        assert_eq!(log.events[1].at, "2026-11-27T00:00:58.929Z".parse().unwrap());
    }

    #[test]
    fn a_section_holds_what_is_about_credentials_between_two_looks_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.log");
        let mut file = files::create_new(&path).unwrap();
        let place = || {
            let at = Where { configured: Some(&path), shared: &[], users: &[], since: None };
            end(&at).unwrap()
        };
        std::io::Write::write_all(&mut file, LINES.as_bytes()).unwrap();
        let before = place();
        let line = |said: &str| format!("{{\"message\":\"{said}\",\"time\":\"2026-11-27T00:03:00.000Z\"}}\n");
        let said = line("embedded run: Provider acme has auth issue") + &line("user said: meet me at noon");
        std::io::Write::write_all(&mut file, said.as_bytes()).unwrap();
        let after = place();
        let lines = between(Some(&before), &after).unwrap();
        assert_eq!(lines, ["2026-11-27T00:03:00.000Z embedded run: Provider acme has auth issue"]);
        assert_eq!(between(None, &after).unwrap().len(), 5);
        let other = LogPlace { inode: before.inode + 1, ..before };
        assert_eq!(between(Some(&other), &after).unwrap().len(), 5, "it has begun anew since");
        assert!(between(None, &LogPlace { inode: after.inode + 1, ..after }).is_err(), "it is no more");
    }

    #[test]
    fn a_shared_log_counts_only_while_our_gateway_runs_and_only_from_its_own_users() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("openclaw-2026-11-27.log");
        std::io::Write::write_all(&mut files::create_new(&path).unwrap(), LINES.as_bytes()).unwrap();
        let shared = [dir.path().to_owned()];
        let us = rustix::process::geteuid().as_raw();
        let since = "2026-11-27T00:00:30Z".parse().ok();
        let count = |users: &[u32], since| {
            read(&Where { configured: None, shared: &shared, users, since }).events.len()
        };
        assert_eq!(count(&[us], since), 2);
        assert_eq!(count(&[us + 1], since), 0);
        assert_eq!(count(&[us], None), 0);
    }
}
