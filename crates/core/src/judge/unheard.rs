//! A vault that says what is right and could not be heard: what differs may be what it wants, so nothing is offered that it decides.

use super::Judgement;
use crate::{FindingKind, Severity};

/// The commands that go by the vault's word.
const DECIDED: [&str; 8] =
    ["sync", "set", "keep", "replace", "credential", "rotate", "restart", "verify --reset"];

/// Leaves open what only the vault can tell, and names no command that decides by it. Nothing is learned.
pub(super) fn hold_back(judgement: &mut Judgement) {
    use FindingKind::{Foreign, Overwritten, Shadowing, SourceReverted, Stale};
    judgement.learned.clear();
    for finding in &mut judgement.findings {
        if matches!(finding.finding, Foreign | Overwritten | Shadowing | SourceReverted | Stale) {
            finding.finding = Foreign;
            finding.severity = Severity::Info;
            finding.message.push_str("; whether that is right, only the vault can tell");
        }
        finding.fix = finding.fix.take().map(way_out);
    }
}

/// Returns a way out, or in the place of one that needs the vault what comes before it.
pub fn way_out(fix: String) -> String {
    let decided = |rest: &str| DECIDED.iter().any(|command| rest.starts_with(command));
    match fix.split("keyshoal ").skip(1).any(decided) {
        true => "have the vault opened first: it tells what is right here".to_owned(),
        false => fix,
    }
}
