//! Replacing the config whole and durably, unless someone else changed it meanwhile.

use super::ConfigError;
use crate::files::{self, OpenFile, PathError, Prepared};
use crate::store::lock_file::LockFile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What crashed writers left behind is removed when it is older than this.
const LEFTOVER_AGE: Duration = Duration::from_secs(60);

/// The config's lock, held: releases since 2026.5 take it (`openclaw.json.lock`) for every change of theirs.
pub(super) struct Locked {
    _lock: LockFile,
    real: PathBuf,
}

impl Locked {
    /// Takes the lock. Links are followed for what is written, not for the lock's name.
    pub(super) fn take(path: &Path) -> Result<Self, ConfigError> {
        let real = files::resolved(path)?.ok_or_else(|| {
            not_edited(path, "there is no config file to edit", "let OpenClaw make one (openclaw onboard)")
        })?;
        if files::mounted_alone(&real) {
            return Err(not_edited(
                path,
                "the file is mounted by itself, so it cannot be replaced whole",
                "mount its directory instead, or change the value outside",
            ));
        }
        let dir = path.parent().unwrap_or(Path::new("/"));
        let dir = files::resolved(dir)?.unwrap_or_else(|| dir.to_owned());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lock = LockFile::take(&dir, &name).map_err(|error| {
            not_edited(
                path,
                &format!("its lock could not be taken: {error}"),
                "try again when the other program is done",
            )
        })?;
        Ok(Self { _lock: lock, real })
    }

    /// Replaces the file by `new` when it still holds `old`; returns whether it did. Owner and mode are kept.
    ///
    /// A reader sees the old or the new whole file, whenever the machine stops. An editor that wrote into the old file in the
    /// last moment gets its text back, and the edit is to be tried again.
    pub(super) fn replace(&self, old: &[u8], new: &[u8]) -> Result<bool, PathError> {
        files::sweep(&BTreeSet::from([self.real.clone()]), files::wall_clock() - LEFTOVER_AGE)?;
        let Some(current) = OpenFile::open(&self.real)? else { return Ok(false) };
        let prepared = Prepared::write(&self.real, new, Some(current.meta()), true)?;
        let limit = super::LARGEST_ROOT;
        if current.bytes(limit)? != old || !current.still_named()? {
            return Ok(false);
        }
        prepared.put()?;
        let late = current.bytes(limit)?;
        let kept = late != old && !late.is_empty();
        if kept {
            Prepared::write(&self.real, &late, Some(current.meta()), true)?.put()?;
        }
        files::sync_dir(self.real.parent().unwrap_or(Path::new("/")))?;
        Ok(!kept)
    }
}

/// Makes a refusal.
fn not_edited(path: &Path, problem: &str, way_out: &str) -> ConfigError {
    ConfigError::NotEdited {
        place: path.display().to_string(),
        problem: problem.to_owned(),
        way_out: way_out.to_owned(),
    }
}
