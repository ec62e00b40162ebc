//! One process at a time works on the rotation of a credential.
//!
//! Compare-and-set keeps two of them from writing the same step. It does not keep one from taking away what the other is about to prove,
//! nor does a row of the vault say whether anybody is still at it: the kernel does (of a
//! network file system, its server), and gives the lock back however a process ends.

use crate::place::{Place, is_shared};
use crate::{Author, Cause, Vault, VaultError};
use keyshoal_core::Timestamp;
use keyshoal_core::vault::CredentialUid;
use rustix::fd::OwnedFd;

/// Keeps every other process from working on the rotation of a credential. Dropping it gives that back, and so does the end of the process.
#[derive(Debug)]
pub struct AtWork {
    place: Place,
    ending: String,
    _file: OwnedFd,
}

impl Vault {
    /// Begins to work on the rotation of a credential, whether there is one yet or not. Refused while another process is at it.
    pub fn work_on_rotation(
        &self,
        credential: CredentialUid,
        who: &Author,
        now: Timestamp,
    ) -> Result<AtWork, VaultError> {
        let begin = || {
            let place = Place::of(self.path())?;
            let ending = format!(".rotation-{credential}");
            loop {
                let (file, ours) = place.try_lock(&ending)?;
                if !ours && is_shared(&file)? {
                    // Somebody has only asked who is at it, or has just ended.
                    continue;
                }
                if !ours {
                    return Err(Cause::AtWork(signed(&file)));
                }
                if !place.is_still_there(&ending, &file)? {
                    // Whoever was at it has just ended and taken the file along.
                    continue;
                }
                let line = format!("{}, process {}, since {now}", who.by, std::process::id());
                rustix::fs::ftruncate(&file, 0)?;
                rustix::io::pwrite(&file, line.as_bytes(), 0)?;
                return Ok(AtWork { place, ending, _file: file });
            }
        };
        begin().map_err(VaultError::at(self.path()))
    }

    /// Tells who works on the rotation of a credential now, in words that may be empty. `None` where nobody does.
    pub fn who_is_at_work(&self, credential: CredentialUid) -> Result<Option<String>, VaultError> {
        let ask = || {
            let locked = Place::of(self.path())?.locked_by_another(&format!(".rotation-{credential}"))?;
            Ok(locked.map(|file| signed(&file)))
        };
        ask().map_err(VaultError::at(self.path()))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // Under the lock. One that is left is taken over by whoever comes next.
        let _ = self.place.remove_beside(&self.ending);
    }
}

/// Reads who is at it; nothing when that is not written yet.
fn signed(file: &OwnedFd) -> String {
    let mut bytes = [0; 256];
    let read = rustix::io::pread(file, &mut bytes, 0).unwrap_or(0);
    match std::str::from_utf8(&bytes[..read]) {
        Ok(line) if !line.is_empty() => format!(" ({line})"),
        _ => String::new(),
    }
}
