//! Making the config that a vault wants of an installation, out of the one that is there.
//!
//! What is generated is the roster, models, bindings, channels, `auth.profiles` and `auth.order`, and where it is asked for the files of
//! secrets and the gateway's defaults. Everything else stays byte for byte: comments, order, formatting, keys of agents that are
//! not ours. The result is parsed as OpenClaw parses it, with everything that it includes, and must be the old config with exactly
//! what was to change; what cannot be proved, or stands where it cannot be edited safely, is refused with file and line. What stands in a
//! file that is included is left there, and told where it is not as it should be.

mod carried;
mod change;
mod included;
mod proof;
mod references;
mod report;
mod roster;
mod routes;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
pub(super) mod view;
mod wanted;
mod weave;

use super::ConfigError;
use super::model::RosterForm;
use super::notes::{Look, Steps};
use crate::layout::Release;
use crate::locate::Locations;
use change::Change;
use keyshoal_core::Secret;
use report::Report;
pub use report::{ConfigChange, Held, Left};
pub use sources::{Digest, Sources};
use view::{Strange, View};
pub use wanted::{GatewayDefaults, Wanted, WantedAgent, WantedBinding, WantedError};

/// A config that was generated.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its whole text. Channels and the gateway may hold secrets.
    pub text: Secret,
    /// What is different. Empty where nothing is: the text is then the one that was there.
    pub changes: Vec<ConfigChange>,
    /// The agents that left the roster, with what their entries held.
    pub left: Vec<Left>,
    /// What is not as wanted and stands in files that are included: it was left as it is.
    pub held: Vec<Held>,
    /// What a person should know: marks that could not be set, other places that name an agent that left.
    pub notes: Vec<String>,
}

/// Says why no config was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The config cannot be read, understood or edited safely.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What is wanted fits in no config.
    #[error(transparent)]
    Wanted(#[from] WantedError),
}

/// Makes the config for a release.
///
/// Agents keep the form in which they stand, where the release accepts it: every release reads `agents.list[]`, and those since
/// 2026.8.1-beta.1 read `agents.entries{}`, which a new config for them gets.
pub fn generate(
    locations: &Locations,
    sources: &Sources,
    release: Release,
    wanted: &Wanted,
) -> Result<Generated, GenerateError> {
    let mut wanted = wanted.clone().checked()?;
    let refuse = |strange: Strange| sources.refuse(locations, &strange);
    let view = View::of(&sources.whole).map_err(refuse)?;
    proof::nothing_twice(locations, sources)?;
    if view.form == RosterForm::Entries && !release.has_entries() {
        let steps = Steps::default().key("agents").key("entries");
        let problem = "is a form of the roster that this release does not know".to_owned();
        return Err(refuse(Strange { steps, problem }).into());
    }
    let places = included::places(sources, &view, &wanted);
    let (mut held, mut report) = (Vec::new(), Report::default());
    let mut change = changes(sources, &view, &wanted, release, &mut report).map_err(refuse)?;
    while let Some(place) = places.iter().find(|place| place.is_changed_by(&view, &change)) {
        let steps = place.steps(sources);
        let at = sources.place(locations, &steps);
        match place.left(&view, &mut wanted, &report.changes, at) {
            Some(left) if !held.contains(&left) && !left.changes.is_empty() => held.push(left),
            _ => {
                let problem = "stands, wholly or in part, in a file that is included".to_owned();
                return Err(refuse(Strange { steps, problem }).into());
            }
        }
        report = Report::default();
        change = changes(sources, &view, &wanted, release, &mut report).map_err(refuse)?;
    }
    proof::no_variables(locations, sources, &change)?;
    let becomes = change.applied(Some(&sources.root)).unwrap_or_default();
    report.notes.extend(proof::strangers(&becomes, &view, &wanted));
    let text = if report.changes.is_empty() {
        Secret::new(sources.whole_text())
    } else {
        let woven =
            weave::weave(sources.text(), &change).map_err(|found| sources.refuse_at(locations, found))?;
        proof::as_meant(locations, sources, &change, &woven, &view, &wanted)?;
        Secret::new(format!("{}{woven}", sources.mark()))
    };
    Ok(Generated { text, changes: report.changes, left: report.left, held, notes: report.notes })
}

/// Returns everything that changes.
fn changes(
    sources: &Sources,
    view: &View,
    wanted: &Wanted,
    release: Release,
    report: &mut Report,
) -> Result<Change, Strange> {
    // What is included counts as if it stood here; what would have to be edited there is found afterwards.
    let root = Look::root(&sources.whole);
    let has_bindings = root.at("bindings").is_some();
    let change = roster::change(sources, view, wanted, release.has_entries(), report)
        .and(references::change(&sources.whole, view, wanted, report))
        .and(carried::change(sources, view, wanted, report))
        .and(routes::change(has_bindings, view, wanted, report))
        .and(settings::auth(view, wanted, report))
        .and(settings::channels(&root, wanted, report)?)
        .and(settings::secret_files(&root, wanted, report)?)
        .and(settings::gateway(&root, wanted, report)?);
    let change = match wanted.without_retired && release.has_entries() {
        true => change.and(settings::retired(&Look::root(&sources.root), report)),
        false => change,
    };
    Ok(match change {
        Change::Keep => Change::Patch(Vec::new()),
        change => change,
    })
}
