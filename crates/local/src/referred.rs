//! Values that reach the stores by reference: the private file, what references into it stand for, and when it is written.
//!
//! The vault is the truth, so the file can be made again at any time. It is written before anything refers to it, holds what is still
//! referred to until nothing does, and goes when the config names it no more.

pub(crate) mod hand;
mod prints;
mod told;
mod wait;

pub(crate) use prints::{Prints, Then};

use crate::Installation;
use keyshoal_core::vault::{Delivery, REFERENCES};
use keyshoal_core::{Fingerprints, Material, Plan, RunId, Secret, SecretRef, StepState};
use keyshoal_engine::ports::Observe;
use keyshoal_openclaw::artifacts::RefsFile;
use keyshoal_openclaw::config::Config;
use keyshoal_openclaw::delivered;
use keyshoal_openclaw::layout::Release;
use keyshoal_openclaw::store::{StoreContents, StoredSecret};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The oldest release that was seen to read a file of secrets.
const OLDEST: &str = "2026.3.28";

/// What a vault wants of the private file.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Whether stores refer to it at all.
    pub delivery: Delivery,
    /// What it shall hold: nothing where values stand in the stores.
    pub file: RefsFile,
    /// What people should know of it.
    pub notes: Vec<String>,
}

impl Installation {
    /// Returns where the private file is.
    pub fn delivered_path(&self) -> PathBuf {
        delivered::path(&self.locations.state_dir)
    }

    /// Says why this installation's release cannot take values by reference, if so.
    pub fn refuses_references(&self) -> Option<String> {
        let seen = self.seen()?;
        let version = seen.observed.instance.openclaw_version.as_deref()?;
        let known = Release::parse(version).zip(Release::parse(OLDEST));
        known.is_some_and(|(release, oldest)| release < oldest).then(|| {
            format!("OpenClaw {version} runs here; files of secrets are known to work from {OLDEST} on")
        })
    }

    /// Reads the private file, so that references into it stand for what it holds now. What cannot be read, or is a file that OpenClaw does
    /// not take, leads nowhere.
    pub(crate) fn read_delivered(&self) {
        let path = self.delivered_path();
        let read = delivered::is_taken(&path).then(|| delivered::read(&path, REFERENCES).ok().flatten());
        let file = read.flatten().unwrap_or_default();
        self.prints.set(|known| known.file = file);
    }

    /// Enters in the book what the references of a store lead to.
    pub(crate) fn enter_led(&self, contents: &StoreContents) {
        let then = self.prints.then();
        for profile in contents.profiles.values() {
            if let StoredSecret::Ref(reference) = &profile.secret
                && let Some(print) = then.delivered(reference)
                && let Some(value) = then.known.file.value(reference)
            {
                self.book.enter_led(print, value.clone());
            }
        }
    }

    /// Returns what a reference into the private file leads to.
    pub(crate) fn led_to(&self, secret: &StoredSecret) -> Option<Secret> {
        let StoredSecret::Ref(reference) = secret else { return None };
        self.prints.then().known.file.value(reference).cloned()
    }

    /// Returns what the private file holds, as it was last read.
    fn delivered(&self) -> RefsFile {
        self.prints.then().known.file.clone()
    }

    /// Returns what stands in it, also where OpenClaw does not take it so: nothing of that is lost when it is written again.
    fn left_in_delivered(&self) -> RefsFile {
        delivered::read(&self.delivered_path(), REFERENCES).ok().flatten().unwrap_or_default()
    }

    fn wants_references(&self) -> Option<Wanted> {
        self.state().delivery.clone().filter(|wanted| wanted.delivery == Delivery::Refs)
    }

    /// Tells whether the config names the private file.
    pub(crate) fn names_delivered(&self, config: &Config) -> bool {
        let path = self.delivered_path();
        let declared = config.secret_providers.get(REFERENCES);
        declared
            .and_then(|declared| declared.path.as_ref())
            .is_some_and(|named| path.as_os_str() == named.as_str())
    }

    /// Returns every reference into the private file that stood in a store when it was last looked.
    pub(crate) fn references(&self) -> Vec<SecretRef> {
        let Some(seen) = self.seen() else { return Vec::new() };
        let views = seen.observed.stores.values().flat_map(|store| store.profiles.values());
        let ours = views.filter_map(|view| match &view.material {
            Material::Ref { reference, .. } if reference.provider == REFERENCES => Some(reference.clone()),
            _ => None,
        });
        ours.collect()
    }

    /// Returns what the file shall hold once everything is done, if that is not what it holds: nothing, where it shall go. What others
    /// have put into it stays until a plan says otherwise.
    pub(crate) fn due_of_delivered(&self) -> Option<RefsFile> {
        let wanted = self.state().delivery.clone()?;
        let present = self.delivered();
        let mut target = wanted.file;
        let then = self.prints.then();
        target.leave(&present, |_, value| then.is_of_others(value));
        target.keep(&self.left_in_delivered(), &self.references());
        let is_there = keyshoal_openclaw::files::exists(&self.delivered_path());
        let as_it_should = match target.is_empty() {
            true => !is_there,
            false => target == present,
        };
        (!as_it_should).then_some(target)
    }

    /// Writes the private file, and has the config name it, before any store refers to it.
    pub(crate) fn deliver_first(&self, run: &RunId, plan: &Plan) -> Result<(), String> {
        let Some(wanted) = self.wants_references() else { return Ok(()) };
        let mut file = wanted.file;
        let present = self.delivered();
        let then = self.prints.then();
        let replaced: BTreeSet<_> =
            plan.actions.iter().filter_map(|action| self.put_reference(action)).collect();
        file.leave(&present, |reference, value| then.is_of_others(value) && !replaced.contains(reference));
        file.keep_all(&self.left_in_delivered());
        if file.is_empty() {
            return Ok(());
        }
        if file != present {
            delivered::write(&self.delivered_path(), REFERENCES, &file).map_err(|error| error.to_string())?;
            self.read_delivered();
        }
        if self.seen().is_some_and(|seen| self.names_delivered(&seen.config)) {
            return Ok(());
        }
        match &plan.config {
            Some(edit) => {
                let state = self.write_config(run, edit);
                self.state().configured = Some(state.clone());
                match state {
                    StepState::Done => Ok(()),
                    StepState::Conflict { found: why }
                    | StepState::Failed { reason: why }
                    | StepState::Skipped { reason: why } => Err(format!("the config does not name the file of secrets: {why}")),
                    StepState::NotAsked => Err("the config does not name the file of secrets".to_owned()),
                }
            }
            None if !replaced.is_empty() => Err(
                "the config does not name the file of secrets yet, and this run is limited: run keyshoal sync".to_owned(),
            ),
            None => Ok(()),
        }
    }

    /// Returns the reference that an action puts into a store.
    fn put_reference(&self, action: &keyshoal_core::Action) -> Option<SecretRef> {
        use keyshoal_core::Action::{Insert, Replace};
        let (Replace { value, .. } | Insert { value, .. }) = action else { return None };
        match self.book.find(*value)?.secret {
            StoredSecret::Ref(reference) => Some(reference),
            _ => None,
        }
    }

    /// Returns what `secrets.providers` shall hold of the private file. It is taken away where it is ours and nothing shall refer to it.
    pub(crate) fn wanted_secret_files(&self) -> Option<(String, Option<String>)> {
        let wanted = self.state().delivery.clone()?;
        if wanted.delivery == Delivery::Refs {
            let path = self.delivered_path().display().to_string();
            return (!wanted.file.is_empty()).then(|| (REFERENCES.to_owned(), Some(path)));
        }
        let seen = self.seen()?;
        self.names_delivered(&seen.config).then(|| (REFERENCES.to_owned(), None))
    }

    /// Says why the config must go on naming the private file although it shall not, if so. Looks at every store afresh.
    pub(crate) fn holds_config_back(&self) -> Option<String> {
        let inline = self.state().delivery.as_ref().is_some_and(|wanted| wanted.delivery == Delivery::Inline);
        if !inline || !self.seen().is_some_and(|seen| self.names_delivered(&seen.config)) {
            return None;
        }
        if let Err(error) = Observe::observe(self) {
            return Some(error.to_string());
        }
        let reference = self.references().into_iter().next()?;
        Some(format!(
            "a store still refers to {} in the file of secrets, so the config goes on naming it",
            reference.id
        ))
    }

    /// Takes out of the private file what nothing refers to any more, and removes it when nothing is left and the config does not
    /// name it. The vault is the truth: what fails here is done by the next run.
    pub(crate) fn tidy_delivered(&self) -> Result<(), String> {
        let path = self.delivered_path();
        if self.state().delivery.is_none() || !keyshoal_openclaw::files::exists(&path) {
            return Ok(());
        }
        Observe::observe(self).map_err(|error| error.to_string())?;
        let Some(target) = self.due_of_delivered() else { return Ok(()) };
        let is_named = self.seen().is_none_or(|seen| self.names_delivered(&seen.config));
        let done = match target.is_empty() {
            true if is_named => return Ok(()),
            true => delivered::remove(&path),
            false => delivered::write(&path, REFERENCES, &target),
        };
        self.read_delivered();
        done.map_err(|error| error.to_string())
    }
}
