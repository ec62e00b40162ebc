//! Opening an installation: places, keys, ledger.

use crate::installation::OpenOptions;
use keyshoal_ledger::{Keys, Ledger, LedgerError, OpenMode};
use keyshoal_openclaw::Environment;
use keyshoal_openclaw::locate::{LocateError, Locations, locate};
use keyshoal_seal::{FingerprintKey, KeyError};
use std::path::PathBuf;

/// Says why an installation could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was not found.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its memory cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing names a directory for keys.
    #[error("no directory for Keyshoal's keys: set XDG_CONFIG_HOME or HOME, or name one with --keys-dir")]
    NoKeysDir,
}

/// How long a value that was replaced can be put back.
const IMAGES_DAYS: u32 = 30;

/// What opening found.
pub(crate) struct Opened {
    pub locations: Locations,
    pub keys_dir: PathBuf,
    pub prints: FingerprintKey,
    pub ledger: Ledger,
    pub notes: Vec<String>,
}

pub(crate) fn open(options: &OpenOptions) -> Result<Opened, OpenError> {
    let locations = locate(&options.env, options.state_dir.as_deref(), options.config.as_deref())?;
    let keys_dir =
        options.keys_dir.clone().or_else(|| default_keys_dir(&options.env)).ok_or(OpenError::NoKeysDir)?;
    let credentials = options.env.get("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let mut notes = locations.notes.clone();
    let (ledger, why) = match Keys::load_or_create(&keys_dir, credentials.as_deref()) {
        Ok(keys) if options.read_only => {
            (Ledger::open(&locations.state_dir, &keys, OpenMode::ReadOnly)?, None)
        }
        Ok(keys) => Ledger::open_best(&locations.state_dir, &keys)?,
        // Looking must work where nothing can be written; what is remembered cannot be compared without its key.
        Err(why) if why.is_not_writable() => (Ledger::ephemeral(&Keys::ephemeral()?)?, Some(why.into())),
        Err(error) => return Err(error.into()),
    };
    if let Some(why) = why {
        let rest =
            if ledger.is_ephemeral() { "earlier values are not known" } else { "nothing new is remembered" };
        notes.push(format!("{why}; {rest}, and nothing can be written"));
    }
    let identity = ledger.identity();
    if !identity.is_certain() {
        notes.push(identity.to_string());
    }
    if ledger.is_writable()
        && let Err(error) = ledger.expire(crate::clock::now(), IMAGES_DAYS)
    {
        notes.push(format!("earlier values could not be forgotten in time: {error}"));
    }
    let prints = ledger.fingerprints();
    Ok(Opened { locations, keys_dir, prints, ledger, notes })
}

/// `keyshoal` in the user's config directory.
pub fn default_keys_dir(env: &Environment) -> Option<PathBuf> {
    let config = env.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    config.or_else(|| Some(env.home.as_ref()?.join(".config"))).map(|config| config.join("keyshoal"))
}
