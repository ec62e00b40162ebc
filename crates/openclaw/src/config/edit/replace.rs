//! Replacing a file whole and durably, unless someone else changed it meanwhile.

#![expect(clippy::disallowed_methods, reason = "this room writes the config: atomically and durably")]

use crate::files::{self, PathError, WithPath};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Replaces `path` by `new` when it still holds `old`; returns whether it did. Links are followed, owner and mode kept.
///
/// A reader sees the old or the new whole file, whenever the machine stops.
pub(super) fn replace_if_unchanged(path: &Path, old: &[u8], new: &[u8]) -> Result<bool, PathError> {
    let real = fs::canonicalize(path).with_path(path)?;
    let dir = real.parent().unwrap_or(Path::new("/"));
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let before = fs::metadata(&real).with_path(&real)?;
    let temporary = dir.join(format!(".{name}.keyshoal-{}", uuid::Uuid::new_v4().simple()));
    let written = write_like(&temporary, new, &before).and_then(|()| {
        let unchanged = files::read(&real, old.len() as u64 + 1).is_ok_and(|now| now.as_deref() == Some(old));
        if unchanged {
            fs::rename(&temporary, &real).with_path(&real)?;
        }
        Ok(unchanged)
    });
    if !matches!(written, Ok(true)) {
        // The file was never renamed, so only our own temporary one is removed.
        let _ = fs::remove_file(&temporary);
    }
    if written? {
        fs::File::open(dir).and_then(|dir| dir.sync_all()).with_path(dir)?;
        return Ok(true);
    }
    Ok(false)
}

/// Writes a new file with the mode and owner of an existing one.
fn write_like(path: &Path, bytes: &[u8], like: &fs::Metadata) -> Result<(), PathError> {
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_path(path)?;
    let made = file.metadata().with_path(path)?;
    if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
        std::os::unix::fs::fchown(&file, Some(like.uid()), Some(like.gid())).with_path(path)?;
    }
    file.set_permissions(fs::Permissions::from_mode(like.mode() & 0o7777)).with_path(path)?;
    file.write_all(bytes).with_path(path)?;
    file.sync_all().with_path(path)
}
