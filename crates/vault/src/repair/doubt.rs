//! An instance whose tag does not fit its rows: nobody knows which of them was changed.
//!
//! First every likely earlier state is tried: what stands there, what the installation shows in its place, a state that is another word. The tag
//! proves the right one, and then everything is as it was. Where none fits, only what the installation confirms stays; the
//! rest is taken from there, and what nobody confirms is taken out.

mod confirm;
mod parse;
mod proven;

use super::raw::Raw;
use super::rows::Draft;
use super::sealed::{left, named};
use super::{Bench, Mend, Origin, Shown};
use crate::owned::Owned;
use crate::session::{Row, values};
use crate::{Cause, ORGANISATION, queries};
use confirm::Confirmed;
use keyshoal_core::vault::{VaultCredential, VaultInstance, VersionState};
use parse::Standing;

/// Mends an instance that is not as its tag says.
pub(crate) fn mend(
    bench: &Bench<'_>,
    raw: Raw,
    shown: Option<&Shown<'_>>,
    mut mended: Vec<Mend>,
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    if raw.own.is_none() && raw.is_empty() {
        return Ok(());
    }
    let standing = Standing::of(&raw, &organisation(bench, &raw, shown), shown, history_name(bench, &raw));
    if let Some(draft) = proven::proven(bench, &raw, &standing, shown)? {
        differences(&raw, &draft, Origin::Proven, &mut mended)?;
        return draft.finish(bench, &raw, shown, mended, mends);
    }
    let Some(shown) = shown else {
        mends.push(left(&standing.instance.name, standing.instance.state_dir.as_deref()));
        return Ok(());
    };
    let mut draft = Draft::of(bench, &raw, standing.instance.clone());
    let stood = draft.instance.clone();
    let mut confirmed = Confirmed::of(&standing, shown, &draft);
    confirmed.take_in(bench, shown, &mut draft)?;
    draft.instance.revision += 1;
    differences(&raw, &draft, Origin::Installation, &mut mended)?;
    for gone in confirmed.unconfirmed(&stood) {
        let mend = Mend::new(named(&stood, gone), Origin::Nowhere);
        let mend = mend.losing("nothing shows whose it was, so it is taken out");
        mended.push(mend.way_out(super::sealed::set_anew(&stood, gone)));
    }
    miss_what_was_told(bench, &draft, &stood, &mut mended)?;
    for (name, text) in &shown.documents {
        let same = draft.texts.get(name).is_some_and(|known| known == text);
        if !same {
            draft.put_document(bench, name.clone(), text.clone())?;
            mended.push(Mend::new(format!("document {name}"), Origin::Installation));
        }
    }
    draft.miss_entries(bench, &mut mended)?;
    end_rotations(&mut draft, &mut mended);
    draft.forget_strangers();
    draft.finish(bench, &raw, Some(shown), mended, mends)
}

/// Says which agents and overrides are gone without a row that tells of them: the history has them.
fn miss_what_was_told(
    bench: &Bench<'_>,
    draft: &Draft,
    stood: &VaultInstance,
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    let id = values![stood.id.as_str(), i64::MAX];
    let mut history = bench.pen.db.query(queries::EVENTS_OF, &id)?;
    history.retain(|row| crate::events::check(row, bench.pen.tags).is_ok());
    let told = Owned::told(history.iter().rev().filter_map(|row| row.text(5).ok()));
    for agent in &told.agents {
        if !draft.instance.agents.iter().any(|one| one.id == *agent) {
            let mend = Mend::new(format!("agent {agent}"), Origin::Nowhere);
            let mend = mend.losing("all that the vault had of it: it was disabled, so no roster shows it");
            mends.push(mend.way_out(format!("keyshoal agent add {agent}")));
        }
    }
    for (agent, profile) in told.had {
        let Some(owner) = draft.instance.agents.iter().find(|one| one.id == agent) else { continue };
        let is_it = |one: &VaultCredential| {
            one.profile == profile && one.agent == Some(owner.uid) && one.current().is_some()
        };
        if draft.instance.credentials.iter().chain(&stood.credentials).any(is_it) {
            continue;
        }
        let mend = Mend::new(format!("override {profile} of {agent}"), Origin::Nowhere);
        let mend = mend.losing("its value: the vault had one, and nothing of it is left");
        mends.push(mend.way_out(format!("keyshoal credential override {agent} {profile}")));
    }
    Ok(())
}

/// Without proof nothing that is staged, and nothing to go back to, is to be believed.
pub(crate) fn end_rotations(draft: &mut Draft, mends: &mut Vec<Mend>) {
    for one in &mut draft.instance.credentials {
        for version in &mut one.versions {
            if matches!(version.state, VersionState::Pending | VersionState::Previous) {
                version.state = VersionState::Retired;
            }
        }
    }
    let open = |row: &Row| row.maybe_time(7).is_ok_and(|finished| finished.is_none());
    if draft.rotations.iter().any(open) {
        let mend = Mend::new("a rotation", Origin::Nowhere).losing("where it stood");
        mends.push(mend.way_out("keyshoal rotate begins it anew"));
    }
    draft.rotations.retain(|row| !open(row));
}

/// Says which rows are not as they stood.
fn differences(raw: &Raw, draft: &Draft, from: Origin, mends: &mut Vec<Mend>) -> Result<(), Cause> {
    let rows = draft.rows()?;
    let (own, [agents, bindings, credentials, versions, documents, _]) = rows.parts();
    let before = mends.len();
    let of = &draft.instance;
    let mut say = |what: String| mends.push(Mend::new(what, from));
    let stood = |there: &[Row], row: &Row, instance: usize| {
        let columns = row.values().len();
        there.iter().any(|known| {
            known.values().get(..columns) == Some(row.values())
                && known.text(instance).ok() == Some(raw.id.as_str())
        })
    };
    if raw.own.as_ref().and_then(|known| known.values().get(..8)) != own.values().get(..8) {
        say(format!("instance {}", of.name));
    }
    for (row, agent) in agents.iter().zip(&of.agents) {
        if !stood(&raw.agents, row, 8) {
            say(format!("agent {}", agent.id));
        }
    }
    for row in bindings.iter().filter(|row| !stood(&raw.bindings, row, 4)) {
        say(format!("binding {}", row.integer(0)?));
    }
    for (row, one) in credentials.iter().zip(&of.credentials) {
        if !stood(&raw.credentials, row, 7) {
            say(named(of, one));
        }
        for version in versions.iter().filter(|version| version.text(0).ok() == row.text(0).ok()) {
            if !stood(&raw.versions, version, 11) {
                say(format!("version {} of {}", version.integer(1)?, named(of, one)));
            }
        }
    }
    for row in documents.iter().filter(|row| !stood(&raw.documents, row, 6)) {
        let name = row.text(0)?;
        // Of one that is lost more is said later.
        if draft.texts.contains_key(name) {
            say(format!("document {name}"));
        }
    }
    for row in &raw.agents {
        let known = row.uid(0).is_ok_and(|uid| of.agents.iter().any(|agent| agent.uid.0 == uid));
        if !known && row.text(8).ok() == Some(raw.id.as_str()) {
            say(format!("agent {}, which the roster does not have", row.text(2).unwrap_or("without an id")));
        }
    }
    if mends.len() == before {
        mends.push(Mend::new(format!("what it says of instance {}", of.name), from));
    }
    Ok(())
}

/// Returns the organisation under which the instance's records open.
fn organisation(bench: &Bench<'_>, raw: &Raw, shown: Option<&Shown<'_>>) -> String {
    let stands = raw.organisation().unwrap_or(ORGANISATION);
    let shown = shown.map_or(ORGANISATION, |shown| &shown.instance.organisation);
    let backed_up = bench.backup.and_then(|backup| backup.instance(&raw.id).ok()).map(|one| one.organisation);
    let opens = |organisation: &str| {
        raw.versions.iter().any(|row| raw.open(bench.ring, bench.pen.vault, organisation, row).is_some())
    };
    let all = [Some(stands), Some(shown), backed_up.as_deref(), Some(ORGANISATION)];
    let found = all.into_iter().flatten().find(|name| opens(name));
    found.unwrap_or(stands).to_owned()
}

/// Returns the name that the instance got last, by the history.
fn history_name(bench: &Bench<'_>, raw: &Raw) -> Option<String> {
    let id = crate::session::values![raw.id.as_str(), i64::MAX];
    let rows = bench.pen.db.query(queries::EVENTS_OF, &id).ok()?;
    let trusted = rows.iter().filter(|row| crate::events::check(row, bench.pen.tags).is_ok());
    let named = |what: &str| {
        let taken_in = what.strip_prefix("instance ").and_then(|rest| rest.strip_suffix(" taken in"));
        taken_in.or_else(|| what.strip_prefix("named ")).map(str::to_owned)
    };
    trusted.filter_map(|row| named(row.text(5).ok()?)).next()
}
