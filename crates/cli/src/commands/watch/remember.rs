//! What was told of, in a file beside the policy: a new start of the watch tells nothing twice, and tells when it is over.

use crate::error::CommandError;
use crate::root;
use keyshoal_engine::watch::Alarms;
use keyshoal_engine::watch::alarms::Standing;
use keyshoal_openclaw::files;
use serde::{Deserialize, Serialize};
use std::path::Path;

const SCHEMA: &str = "keyshoal.alarms.v1";
const LONGEST: u64 = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    standing: Vec<Standing>,
}

/// Says what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// What was told of. A watch that begins anew counts the rest anew.
    Told,
    /// Everything: rounds of a timer know of each other only by this.
    All,
}

/// Writes what stands.
pub fn remember(path: &Path, alarms: &Alarms, which: Which) -> Result<(), CommandError> {
    let standing = alarms.standing().filter(|one| one.told || which == Which::All).cloned().collect();
    let text = crate::document::to_text(&File { schema: SCHEMA.to_owned(), standing })?;
    root::write_file(path, &text)
}

/// Reads it back. What cannot be read was never told of: then it is told again.
pub fn recall(path: &Path) -> Option<Vec<Standing>> {
    let bytes = files::read(path, LONGEST).ok()??;
    let file: File = serde_json::from_slice(&bytes).ok()?;
    (file.schema == SCHEMA).then_some(file.standing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyshoal_core::alarm::Source;
    use keyshoal_core::{Condition, ConditionId, FindingKind, Nature, Timestamp, Topic};
    use keyshoal_engine::watch::Pass;

    #[test]
    fn what_was_told_of_is_read_back_and_damage_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alarms/i1.json");
        let pass = || {
            let mut pass = Pass::new(Source::Look);
            let id = ConditionId {
                agent: Some("a".into()),
                ..ConditionId::of(Topic::Finding(FindingKind::Stale))
            };
            pass.see(Condition { id, nature: Nature::Lasting, message: "a".to_owned(), fix: None });
            pass
        };
        let mut alarms = Alarms::default();
        assert_eq!(recall(&path), None);
        assert_eq!(alarms.take(pass(), Timestamp::UNIX_EPOCH).len(), 1);
        remember(&path, &alarms, Which::Told).unwrap();
        let mut again = Alarms::default();
        again.restore(recall(&path).unwrap());
        assert!(again.take(pass(), Timestamp::UNIX_EPOCH).is_empty());
        root::write_file(&path, "{").unwrap();
        assert_eq!(recall(&path), None);
    }
}
