//! Replacing the config whole and durably, unless someone else changed it meanwhile.

use super::ConfigError;
use crate::files::{self, OpenFile, PathError, Prepared, Put};
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
        Ok(Self { _lock: lock(path)?, real })
    }

    /// Takes the lock of a config that shall be made. Its directory must be there.
    pub(super) fn take_new(path: &Path) -> Result<Self, ConfigError> {
        if files::is_link(path) && !files::exists(path) {
            return Err(not_edited(
                path,
                "it is a link that leads nowhere",
                "remove it, or make what it leads to",
            ));
        }
        Ok(Self { _lock: lock(path)?, real: path.to_owned() })
    }

    /// Makes the file, for its owner alone, when there is none; returns whether it did. Durable on return.
    pub(super) fn create(&self, new: &[u8]) -> Result<bool, PathError> {
        files::sweep(&BTreeSet::from([self.real.clone()]), files::wall_clock() - LEFTOVER_AGE)?;
        let made = match Prepared::write(&self.real, new, None, true)?.exchange(None)? {
            Put::Done => true,
            Put::Displaced(_) | Put::Unseen(_) | Put::Taken => false,
        };
        files::sync_dir(self.real.parent().unwrap_or(Path::new("/")))?;
        Ok(made)
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

/// Takes the lock of a config, in the real directory of its name.
fn lock(path: &Path) -> Result<LockFile, ConfigError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let dir = files::resolved(dir)?.unwrap_or_else(|| dir.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    LockFile::take(&dir, &name).map_err(|error| {
        not_edited(
            path,
            &format!("its lock could not be taken: {error}"),
            "try again when the other program is done",
        )
    })
}

/// Makes a refusal.
fn not_edited(path: &Path, problem: &str, way_out: &str) -> ConfigError {
    ConfigError::NotEdited {
        place: path.display().to_string(),
        problem: problem.to_owned(),
        way_out: way_out.to_owned(),
    }
}
