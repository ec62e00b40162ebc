//! What a user must get when one agent's store is damaged: it is said, left as it is, and the others are mended all the same.

use crate::said::of;
use crate::stage::{DAMAGED, House, WELL};
use crate::tree::{changes, snapshot};
use serde_json::{Value, json};

impl House {
    /// Asserts what a user must get when one agent's store can be read and not written: the run says the file and these words, changes
    /// nothing there, mends everybody else, and leaves no run open.
    pub fn assert_refused(&self, case: &str, words: &[&str]) {
        let case = format!("{} {case}", self.layout);
        let before = snapshot(&self.agent_dir(DAMAGED));
        let file = self.store(DAMAGED).display().to_string();
        for round in 0..2 {
            let sync = self.sync();
            assert_eq!(sync.code, Some(2), "{case} {round}: {sync:?}");
            for word in words.iter().chain(&[file.as_str()]) {
                assert!(sync.said().contains(word), "{case} {round}: {word:?} is missing: {sync:?}");
            }
            let changed = changes(&before, &snapshot(&self.agent_dir(DAMAGED)));
            assert!(changed.is_empty(), "{case} {round}: something was written: {changed:?}");
            for agent in WELL {
                self.assert_mended(agent, &case);
            }
            let status = self.run(&["status", "--json"]);
            assert_eq!(status.code, Some(2), "{case} {round}: {status:?}");
            let findings = status.json()["findings"].clone();
            let kinds: Vec<Value> = of(&findings, DAMAGED).iter().map(|one| one["finding"].clone()).collect();
            assert!(kinds.contains(&json!("stale")), "{case} {round}: {findings:#}");
            let open = findings.as_array().unwrap().iter().any(|one| one["finding"] == "open_run");
            assert!(!open, "{case} {round}: the run is still open");
        }
    }

    /// Asserts what a user must get when one agent's store cannot be used: it is called `finding`, with the file and these words;
    /// not one byte beside it changes; everybody else is mended; and the next run says it again.
    pub fn assert_left_alone(&self, case: &str, finding: &str, words: &[&str]) {
        let case = format!("{} {case}", self.layout);
        let before = snapshot(&self.agent_dir(DAMAGED));
        let file = self.store(DAMAGED).display().to_string();
        for round in 0..2 {
            let status = self.run(&["status", "--json"]);
            assert_eq!(status.code, Some(2), "{case}: {status:?}");
            let findings = status.json()["findings"].clone();
            let found = of(&findings, DAMAGED);
            assert!(found.iter().any(|one| one["finding"] == finding), "{case} {round}: {findings:#}");
            assert!(!found.iter().any(|one| one["finding"] == "in_sync"), "{case} {round}: {findings:#}");
            let said: String = found.iter().filter_map(|one| one["message"].as_str()).collect();
            for word in words {
                assert!(said.contains(word), "{case} {round}: {word:?} is missing: {findings:#}");
            }
            let status = self.run(&["status"]);
            assert_eq!(status.code, Some(2), "{case} {round}: {status:?}");
            assert!(status.said().contains(&file), "{case} {round}: {file} is not named: {status:?}");

            let sync = self.sync();
            assert_eq!(sync.code, Some(2), "{case} {round}: {sync:?}");
            assert!(sync.said().contains(&file), "{case} {round}: {file} is not named: {sync:?}");
            let changed = changes(&before, &snapshot(&self.agent_dir(DAMAGED)));
            assert!(changed.is_empty(), "{case} {round}: something was written: {changed:?}");
            for agent in WELL {
                self.assert_mended(agent, &case);
            }
        }
    }
}
