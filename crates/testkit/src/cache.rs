//! The folder that outlives builds: the installed releases and the seeded templates.

use anyhow::{Context, Result};
use std::fs::File;
use std::path::PathBuf;

/// Returns the cache folder: `$KEYSHOAL_TEST_CACHE`, or `keyshoal-test` below `$XDG_CACHE_HOME` or `~/.cache`, as
/// `scripts/install-openclaw` has it.
pub fn cache_dir() -> PathBuf {
    let var = |name| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    var("KEYSHOAL_TEST_CACHE").unwrap_or_else(|| {
        let base = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")));
        base.unwrap_or_else(|| PathBuf::from("/tmp")).join("keyshoal-test")
    })
}

/// Holds a lock file of the cache folder, across processes, until it is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Waits for the lock of this name and takes it.
pub fn hold(name: &str) -> Result<Held> {
    let path = cache_dir().join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .with_context(|| format!("locking {}", path.display()))?;
    Ok(Held(file))
}
