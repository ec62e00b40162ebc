//! The files of a payload, as they are taken one by one.

use super::{Checked, refuse, short};
use crate::error::ReadError;
use crate::manifest::{Manifest, Part};
use crate::payload::FileEntry;
use crate::{Limits, paths};
use keyshoal_core::AgentId;
use std::collections::BTreeSet;

/// The files that were taken so far.
pub struct Taken<'a> {
    manifest: &'a Manifest,
    limits: &'a Limits,
    roster: BTreeSet<&'a AgentId>,
    paths: BTreeSet<(AgentId, Part, String)>,
    bytes: u64,
}

impl<'a> Taken<'a> {
    pub fn new(manifest: &'a Manifest, limits: &'a Limits) -> Self {
        let roster = manifest.agents.iter().map(|agent| &agent.id).collect();
        Self { manifest, limits, roster, paths: BTreeSet::new(), bytes: 0 }
    }

    /// Checks the header of a file.
    pub fn file(&mut self, file: &FileEntry) -> Checked {
        let place = format!("{} {:?} of {}", file.part.as_str(), short(&file.path), short(&file.agent));
        let Some(said) = self.manifest.files else {
            return refuse(place, "is there, and the manifest says that no files are");
        };
        if !self.roster.contains(&file.agent) {
            return refuse(place, "belongs to an agent that is not in the roster");
        }
        if !matches!(file.part, Part::Workspace | Part::Sessions) {
            return refuse(place, "is of a kind that never comes along");
        }
        paths::check(&file.path).map_err(|why| ReadError::refused(&place, why))?;
        if file.mode & !0o700 != 0 || file.mode & 0o400 == 0 {
            return refuse(place, format!("has mode {:o}, which is not its owner's alone", file.mode));
        }
        let key = |path: &str| (file.agent.clone(), file.part, path.to_owned());
        if !self.paths.insert(key(&file.path)) {
            return refuse(place, "is there twice");
        }
        let above = file.path.match_indices('/').map(|(at, _)| &file.path[..at]);
        if above.map(key).any(|above| self.paths.contains(&above)) || self.is_above(file) {
            return refuse(place, "is a file and a directory");
        }
        self.bytes = self
            .bytes
            .checked_add(file.size)
            .filter(|bytes| *bytes <= self.limits.files.min(said.bytes))
            .ok_or_else(|| ReadError::refused(&place, "is more than the manifest says, or than is let in"))?;
        if self.paths.len() > self.limits.entries || self.paths.len() as u64 > said.files {
            return refuse(place, "is one file more than the manifest says, or than are let in");
        }
        Ok(())
    }

    fn is_above(&self, file: &FileEntry) -> bool {
        let below = (file.agent.clone(), file.part, format!("{}/", file.path));
        self.paths.range(below.clone()..).next().is_some_and(|(agent, part, path)| {
            *agent == below.0 && *part == below.1 && path.starts_with(&below.2)
        })
    }

    /// Checks that all of them came.
    pub fn all(&self) -> Checked {
        let said = self.manifest.files.unwrap_or_default();
        if (self.paths.len() as u64, self.bytes) != (said.files, said.bytes) {
            return refuse(
                "files",
                format!(
                    "are {} ({} bytes), and the manifest says {} ({} bytes)",
                    self.paths.len(),
                    self.bytes,
                    said.files,
                    said.bytes
                ),
            );
        }
        Ok(())
    }
}
