//! Mends a vault whose rows were damaged: by what is proven, by a backup, by what the installation shows.
//!
//! Nothing that did not open, and nothing whose tag failed, is taken for true. What a tag can still prove is put back exactly as it was; what it
//! cannot is made anew of what the installation holds, and only that. All of it is one transaction.

mod doubt;
mod entries;
mod history;
mod outcome;
mod raw;
mod records;
mod returned;
mod roster;
mod rows;
mod sealed;
mod shown;

use crate::header::Header;
use crate::place::Place;
use crate::session::{Session, values};
use crate::tally::Tally;
use crate::write::Pen;
use crate::{Author, Cause, Vault, VaultError, events, queries};
use keyshoal_core::Timestamp;
use keyshoal_seal::Keyring;
pub use outcome::{Mend, Origin};
pub(crate) use rows::Parts;
pub(crate) use sealed::named;
pub use shown::Shown;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What a repair may go by.
#[derive(Clone, Copy, Default)]
pub struct Sources<'a> {
    /// What an installation shows of its instance.
    pub shown: Option<&'a Shown<'a>>,
    /// A backup of the same vault, open.
    pub backup: Option<&'a Vault>,
    /// Whether what neither has may be taken out of instances whose installation is not shown.
    pub take_out: bool,
}

/// What mending one instance needs to know.
pub(crate) struct Bench<'a> {
    pub(crate) pen: &'a Pen<'a>,
    pub(crate) ring: &'a Keyring,
    pub(crate) backup: Option<&'a Vault>,
    pub(crate) who: &'a Author,
    pub(crate) take_out: bool,
}

impl Vault {
    /// Says what a repair would do, and does nothing.
    pub fn try_repair(
        &self,
        sources: Sources<'_>,
        who: &Author,
        now: Timestamp,
    ) -> Result<Vec<Mend>, VaultError> {
        self.require_pages()?;
        self.with_keys(|ring| self.database.rewrite(false, |db| self.mend(db, ring, sources, who, now)))
    }

    /// Mends what [`Self::try_repair`] said, in one transaction; refused where it would be something else by now.
    pub fn repair(
        &self,
        sources: Sources<'_>,
        agreed: &[Mend],
        who: &Author,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.with_keys(|ring| {
            self.database.rewrite(true, |db| {
                let mends = self.mend(db, ring, sources, who, now)?;
                if mends != agreed {
                    return Err(Cause::refused("the vault was changed meanwhile; look again"));
                }
                Ok(())
            })
        })?;
        self.empty_log()
    }

    /// Writes what stands there now, page by page and as sealed as it is, into a file of its own beside the vault.
    pub fn keep_aside(&self, now: Timestamp) -> Result<PathBuf, VaultError> {
        let name = format!("{}.damaged-{}", self.path().display(), now.strftime("%Y%m%dT%H%M%SZ"));
        let mut path = PathBuf::from(&name);
        // One that was killed after this may be repeated in the same second.
        for next in 2.. {
            match self.write_image(&path) {
                Err(Cause::Exists | Cause::LeftBeside(_)) => path = PathBuf::from(format!("{name}-{next}")),
                done => return done.map(|()| path.clone()).map_err(VaultError::at(&path)),
            }
        }
        Ok(path)
    }

    fn write_image(&self, to: &Path) -> Result<(), Cause> {
        let place = Place::of(to)?;
        let _guard = place.claim()?;
        let mut draft = place.draft()?;
        let mut file = draft.file().ok_or(Cause::NotPlain)?;
        file.write_all(&self.database.image()?)?;
        drop(file);
        draft.settle()
    }

    /// Refuses a file that is damaged below its rows: pages, indexes, the schema.
    fn require_pages(&self) -> Result<(), VaultError> {
        const ROWS: [&str; 5] =
            ["CHECK constraint", "NULL value in", "NUMERIC value in", "TEXT value in", "that is not there"];
        let of_rows = |line: &String| ROWS.iter().any(|part| line.contains(part));
        let damage = self.database.damage().map_err(VaultError::at(self.path()))?;
        match damage.into_iter().find(|line| !of_rows(line)) {
            Some(line) => Err(VaultError::at(self.path())(Cause::Corrupt(line))),
            None => Ok(()),
        }
    }

    fn mend(
        &self,
        db: &dyn Session,
        ring: &Keyring,
        sources: Sources<'_>,
        who: &Author,
        now: Timestamp,
    ) -> Result<Vec<Mend>, Cause> {
        if let Some(backup) = sources.backup
            && backup.id != self.id
        {
            return Err(Cause::refused(format!("the backup is one of another vault ({})", backup.id)));
        }
        let header = Header::read(db)?;
        header.check(&self.tags)?;
        self.require_keys(db, &header)?;
        let key = header.active_key(ring)?;
        let pen = Pen { db, vault: &self.id, tags: &self.tags, key, now };
        let bench = Bench { pen: &pen, ring, backup: sources.backup, who, take_out: sources.take_out };
        let mut mends = Vec::new();
        let mut tally = history::mend(&bench, &mut mends)?;
        roster::misnamed(&bench, &mut mends)?;
        roster::mend(&bench, sources.shown, tally.instances, &mut mends)?;
        let left = mends.iter().any(|mend| mend.from == Origin::Left);
        if !left {
            roster::remove_strays(&bench, &mut mends)?;
        }
        roster::count(&bench, &mut tally, left, &mut mends)?;
        tally.write(db, &self.tags)?;
        for mend in &mends {
            let said: Vec<String> = mend.said().into_iter().collect();
            events::add(db, &self.tags, mend.instance.as_ref(), who, &said, now)?;
        }
        Ok(mends)
    }
}

/// Reads the tally; an empty one where it was damaged.
pub(crate) fn tally_or_empty(bench: &Bench<'_>) -> (Tally, bool) {
    match Tally::read(bench.pen.db, bench.pen.tags) {
        Ok(tally) => (tally, true),
        Err(_) => (Tally::default(), false),
    }
}

/// Makes an organisation, where there is none of this id.
pub(crate) fn organisation(bench: &Bench<'_>, id: &str) -> Result<(), Cause> {
    bench.pen.db.execute(queries::NEW_ORGANISATION, &values![id, bench.pen.now]).map(drop)
}
