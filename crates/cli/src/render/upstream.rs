//! A draft of a bug report for OpenClaw: what was expected, what happened, with times and values before and after.

use super::words;
use crate::ui::visible_lines;
use keyshoal_core::record::{LookRecord, StoreRecord};
use keyshoal_core::{Fingerprint, ProfileId, Severity};
use keyshoal_engine::Look;
use keyshoal_ledger::PastLook;
use std::collections::BTreeSet;

/// Returns the draft as Markdown.
pub fn report(look: &Look, looks: &[PastLook]) -> String {
    let instance = &look.observed.instance;
    let version = instance.openclaw_version.as_deref().unwrap_or("(version unknown)");
    let mut text = format!(
        "# Agents of OpenClaw {version} do not hold the same credentials\n\n\
         Stores: {}, {}. Gateway: {}. Values are fingerprints: equal where values are equal.\n",
        instance.layout.words(),
        words::count(look.observed.agents.len(), "agent"),
        match (instance.gateway.running, instance.gateway.started) {
            (Some(true), Some(since)) => format!("running since {since:.0}"),
            (Some(true), None) => "running".to_owned(),
            (Some(false), _) => "not running".to_owned(),
            (None, _) => "unknown".to_owned(),
        }
    );
    text.push_str("\n## Expected\n\nAfter a credential was updated, every agent that does not deliberately hold another one sends the new one.\n");
    text.push_str("\n## What happens\n\n");
    let wrong: Vec<_> =
        look.judgement.findings.iter().filter(|one| one.severity == Severity::Attention).collect();
    if wrong.is_empty() {
        text.push_str("Nothing is wrong at the moment; see below for how it was.\n");
    }
    for one in wrong {
        let whose = one.agent.as_ref().map_or("the installation", |agent| agent.as_str());
        text.push_str(&format!("- {whose}: {} ({})\n", one.message, words::word(one.finding)));
    }
    text.push_str("\n## Stores: when each was changed\n\n| store | changed | profiles |\n|---|---|---|\n");
    for store in look.observed.stores.values() {
        let changed = store.modified.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"));
        let profiles: Vec<String> = store
            .profiles
            .iter()
            .map(|(id, view)| format!("{id} {}", print(view.material.fingerprint())))
            .collect();
        text.push_str(&format!("| {} | {changed} | {} |\n", store.path, profiles.join(", ")));
    }
    text.push_str(&before_and_after(looks));
    text.push_str("\n## To reproduce\n\n1. (what was run: `openclaw configure`, `openclaw models auth …`, the dashboard)\n2. Ask an agent other than the main one.\n");
    visible_lines(&text)
}

/// Shows what changed from look to look, the oldest first.
fn before_and_after(looks: &[PastLook]) -> String {
    let mut text =
        "\n## Before and after\n\n| seen | store | profile | before | after |\n|---|---|---|---|---|\n"
            .to_owned();
    let mut any = false;
    for pair in looks.windows(2).rev() {
        let [newer, older] = pair else { continue };
        for (store, profile, before, after) in differences(&older.record, &newer.record) {
            any = true;
            text.push_str(&format!(
                "| {:.0} → {:.0} | {store} | {profile} | {} | {} |\n",
                older.last,
                newer.first,
                before.unwrap_or("nothing"),
                after.unwrap_or("nothing")
            ));
        }
    }
    if any {
        text
    } else {
        "\n## Before and after\n\nNo change of a credential was seen between two looks.\n".to_owned()
    }
}

type Difference<'a> = (&'a str, &'a ProfileId, Option<&'a str>, Option<&'a str>);

fn differences<'a>(older: &'a LookRecord, newer: &'a LookRecord) -> Vec<Difference<'a>> {
    let mut found = Vec::new();
    let stores: BTreeSet<&String> = older.stores.keys().chain(newer.stores.keys()).collect();
    for store in stores {
        let (before, after) = (older.stores.get(store), newer.stores.get(store));
        let ids = before.into_iter().chain(after).flat_map(|record| record.profiles.keys());
        for profile in ids.collect::<BTreeSet<_>>() {
            let value = |record: Option<&'a StoreRecord>| record?.profiles.get(profile)?.1.as_deref();
            let (before, after) = (value(before), value(after));
            if before != after {
                found.push((store.as_str(), profile, before, after));
            }
        }
    }
    found
}

fn print(value: Option<Fingerprint>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.short())
}
