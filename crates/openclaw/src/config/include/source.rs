//! Where included files are read: from directories of the disk, or out of texts that are given.

use crate::config::standing::Texts;
use crate::files;
use std::path::{Path, PathBuf};

/// Where files are read.
pub(super) enum Source {
    /// From these directories.
    Disk(Vec<Root>),
    /// Nowhere: these are all.
    Texts(Texts),
}

/// A directory from which may be included.
pub(super) struct Root {
    pub(super) written: PathBuf,
    pub(super) real: PathBuf,
}

/// A file that may be included.
pub(super) enum Found {
    File(PathBuf),
    Text(String),
}

impl Source {
    /// Finds what a path names; the reason where it names nothing that may be included.
    pub(super) fn find(&self, written: &Path) -> Result<Found, String> {
        let roots = match self {
            Self::Disk(roots) => roots,
            Self::Texts(known) => {
                let text = known.get(written).cloned().ok_or("names a file that does not come along")?;
                return Ok(Found::Text(text));
            }
        };
        let dir = roots[0].written.display();
        if !roots.iter().any(|root| written.starts_with(&root.written)) {
            return Err(format!("leaves the config's directory {dir}"));
        }
        let real = files::real_path(written).ok_or_else(|| {
            format!("names {}, which does not exist or cannot be looked at", written.display())
        })?;
        if !roots.iter().any(|root| real.starts_with(&root.real)) {
            return Err(format!("leaves the config's directory {dir} by a symbolic link"));
        }
        Ok(Found::File(real))
    }
}
