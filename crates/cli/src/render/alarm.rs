//! Alarms and addressees, for people.

use crate::document::AddresseeDocument;
use crate::ui::{Text, Tone};
use keyshoal_core::{Alarm, Turned};

/// Returns an alarm in one line.
pub fn line(alarm: &Alarm) -> Text {
    match alarm.turned {
        Turned::Raised => Text::toned(Tone::Bad, "✗ ").plain(&alarm.condition.message),
        Turned::Recovered => {
            Text::toned(Tone::Good, "✓ ").plain(format!("well again: {}", alarm.condition.message))
        }
    }
}

/// Returns an addressee in one line.
pub fn addressee(one: &AddresseeDocument) -> Text {
    let (tone, sign) = match one.state {
        "unusable" | "failed" => (Tone::Bad, "✗ "),
        _ => (Tone::Good, "✓ "),
    };
    let to = one.to.as_deref().map(|to| format!(" {to}")).unwrap_or_default();
    let quiet = one.quiet.as_deref().map(|quiet| format!(", quiet {quiet}")).unwrap_or_default();
    let reason = one.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Text::toned(tone, sign)
        .and(Tone::Strong, &one.name)
        .plain(format!(" ({}{to}{quiet}) {}{reason}", one.kind, one.state))
}
