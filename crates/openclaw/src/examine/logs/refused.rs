//! Why a gateway refused to read its secrets again, where its log alone says it.

use super::{OF_THE_GATEWAY, section};
use crate::gateway::wire::line;
use keyshoal_core::record::LogPlace;
use serde_json::Value;

const REFUSED: &str = "secrets.reload failed: ";
/// What begins so names a provider of secrets and a reference. Other reasons may quote what could not be read.
const HARMLESS: &str = "Secret provider \"";

/// What a log says of a refused reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The reason, which holds no secret.
    Named(String),
    /// There is a reason, and it may quote a secret.
    Withheld,
}

/// Returns what the gateway itself wrote last of a refused reload between two places of its log. What agents say stands there as well.
pub fn refused(from: &LogPlace, to: &LogPlace) -> Option<Refused> {
    let lines = section(Some(from), to).ok()?;
    let reason = lines.iter().rev().find_map(|line| reason(line))?;
    Some(if reason.starts_with(HARMLESS) { Refused::Named(line(&reason)) } else { Refused::Withheld })
}

fn reason(line: &str) -> Option<String> {
    if !line.contains(REFUSED) {
        return None;
    }
    let entry: Value = serde_json::from_str(line).ok()?;
    entry.pointer("/_meta/name")?.as_str().filter(|name| name.starts_with(OF_THE_GATEWAY))?;
    let mut said = ["message", "0", "1", "2"].iter().filter_map(|key| entry.get(*key)?.as_str());
    said.find_map(|said| said.strip_prefix(REFUSED).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::{Where, end};
    use super::*;
    use crate::files;
    use serde_json::json;
    use std::io::Write;

    #[test]
    fn the_gateways_own_last_reason_is_told_and_none_that_may_quote_a_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.log");
        let mut file = files::create_new(&path).unwrap();
        let place = || {
            let at = Where { configured: Some(&path), shared: &[], users: &[], since: None };
            end(&at).unwrap()
        };
        let mut say = |name: &str, said: &str| {
            let before = place();
            // As 2026.6.11 writes it: the numbered field, and the same as a message.
            let line = json!({ "0": name, "1": said, "_meta": { "name": name }, "message": said });
            writeln!(file, "{line}").unwrap();
            before
        };
        let gateway = r#"{"subsystem":"gateway"}"#;
        let missing = r#"Secret provider "keyshoal" is not configured (ref: file:keyshoal:/shared/a:b)."#;
        let first = say(gateway, &format!("secrets.reload failed: {missing}"));
        let agent = say("openclaw", "secrets.reload failed: Secret provider \"mine\" is what I say");
        let named = Some(Refused::Named(missing.to_owned()));
        assert_eq!((refused(&first, &place()), refused(&agent, &place())), (named, None));
        say(gateway, r#"secrets.reload failed: Unexpected token 's', "sk-secret" is not valid JSON"#);
        assert_eq!(refused(&first, &place()), Some(Refused::Withheld));
    }
}
