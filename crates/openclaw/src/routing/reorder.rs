//! Whether the default agent was another one before.
//!
//! Where no agent is marked, the first of `agents.list` is the default: sorting the list moves every message that no binding claims. The
//! program keeps what the config was before each of its own writes (`openclaw.json.bak`, `.bak.1`, …), and that is what it is compared
//! with. Nothing has to be remembered for it, and a mark settles the question for good.

use super::{Finding, FindingKind, Rules, Severity, default_agent};
use crate::Environment;
use crate::config::model::RosterForm;
use crate::config::{self, Config};
use crate::locate::Locations;
use std::path::PathBuf;

/// The endings of the copies, the newest first.
const COPIES: [&str; 5] = ["bak", "bak.1", "bak.2", "bak.3", "bak.4"];

/// Says who was the default agent in an earlier config, when it is another one now by its place alone and the earlier one is still there.
pub fn default_moved(
    config: &Config,
    rules: &Rules,
    locations: &Locations,
    env: &Environment,
) -> Option<Finding> {
    let now = &default_agent(config, rules)?;
    if config.roster_form != RosterForm::List || config.default_marks > 0 {
        return None;
    }
    let moved = |ending: &&str| {
        let mut path = locations.config_path.clone().into_os_string();
        path.push(".");
        path.push(ending);
        let path = PathBuf::from(path);
        let copy = Locations { config_path: path.clone(), ..locations.clone() };
        let earlier = config::load(&copy, env).ok().filter(|it| it.exists && !it.roster_implied)?;
        let before = default_agent(&earlier, rules)?;
        let moved = before != *now && config.agent(&before).is_some() && earlier.agent(now).is_some();
        moved.then_some((before, path))
    };
    let (before, path) = COPIES.iter().find_map(moved)?;
    Some(Finding {
        kind: FindingKind::DefaultMoved,
        severity: Severity::Attention,
        binding: None,
        message: format!(
            "the default agent is {now}, because it is the first of agents.list; it was {before} ({}): what no binding claims goes to {now} now",
            path.display()
        ),
        fix: "mark the one that is meant with \"default\": true; then the order says nothing any more"
            .to_owned(),
    })
}
