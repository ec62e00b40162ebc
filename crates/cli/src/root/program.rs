//! OpenClaw's own program on this machine: where it is, and which release.

use super::{run_program, scratch_dir, variables};
use crate::error::CommandError;
use keyshoal_openclaw::layout::Release;
use keyshoal_openclaw::{Environment, files};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A start of the program takes seconds on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The program on this machine.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Which release it is.
    pub release: Release,
    /// The same, as it says it.
    pub version: String,
}

impl Program {
    /// Finds it where it is named, or on the PATH. One that is named has to be one.
    pub fn find(environment: &Environment, named: Option<&Path>) -> Result<Option<Self>, CommandError> {
        let on_path = || {
            let dirs = environment.get(variables::PATH)?;
            let mut places =
                dirs.split(':').filter(|dir| dir.starts_with('/')).map(|dir| Path::new(dir).join("openclaw"));
            places.find(|path| files::exists(path) && !files::is_dir(path))
        };
        let Some(path) = named.map(Path::to_owned).or_else(on_path) else { return Ok(None) };
        // Its own directory, that it finds nothing of this machine's.
        let scratch = scratch_dir()?;
        let elsewhere = [
            ("OPENCLAW_STATE_DIR", scratch.path().to_owned()),
            ("OPENCLAW_CONFIG_PATH", scratch.path().join("openclaw.json")),
        ];
        let elsewhere: Vec<(&str, &Path)> =
            elsewhere.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let said = run_program(&path, &["--version"], &elsewhere, &[], PATIENCE);
        let found = said.as_ref().ok().filter(|said| said.fine).and_then(|said| {
            said.out.split_whitespace().find_map(|word| Some((Release::parse(word)?, word.to_owned())))
        });
        match (found, named) {
            (Some((release, version)), _) => Ok(Some(Self { path, release, version })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(said.err().unwrap_or_else(|| {
                CommandError::user(format!("{} does not say which release of OpenClaw it is", path.display()))
            })),
        }
    }
}
