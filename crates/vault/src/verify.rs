//! Looks at everything in a vault, and opens everything that is sealed.

use crate::header::Header;
use crate::load::Rows;
use crate::session::{Session, values};
use crate::tally::Tally;
use crate::values::{Home, called, shown};
use crate::{Cause, KeyRecord, Vault, VaultError, events, queries, rotations};
use keyshoal_core::InstanceId;
use keyshoal_seal::{KeyId, Keyring, SealError};
use std::collections::BTreeMap;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many instances.
    pub instances: u64,
    /// How many versions of credentials opened.
    pub versions: u64,
    /// How many documents opened.
    pub documents: u64,
    /// How many entries of the history were whole.
    pub events: u64,
    /// Whether records do not open for want of a key of the vault. As long as that is so, nothing is repaired.
    pub key_absent: bool,
    /// What is wrong: nothing, when all is well.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about: which record, which instance, the file.
    pub what: String,
    /// What is wrong with it, without what it holds.
    pub why: String,
}

/// How many entries of the history are read at once.
const PAGE: i64 = 1000;

impl Vault {
    /// Looks at the file, at every row and at every tag, and opens every value. It goes on after what is wrong, and says all of
    /// it.
    pub fn verify(&self) -> Result<Verified, VaultError> {
        let mut found = Looking::default();
        match self.database.damage() {
            Ok(damage) => damage.into_iter().for_each(|why| found.wrong("the file", why)),
            Err(cause) => found.wrong("the file", cause),
        }
        self.database.read(|db| {
            let header = Header::read(db)?;
            found.expect("the vault", header.check(&self.tags));
            let refused = self.keys.take_up(&header).err();
            let ring = self.keys.ring();
            let said = |one: &KeyRecord| match &refused {
                Some(cause @ Cause::KeyAbsent { wanted, .. }) if *wanted == one.id => cause.to_string(),
                _ => Cause::absent(one, "").to_string(),
            };
            found.absent = self.keys.absent(&header).map(|one| (one.id, said(one))).collect();
            let organisations = db.query(queries::INSTANCE_IDS, &[]);
            for row in found.expect("the instances", organisations).unwrap_or_default() {
                let of = row.text(0).map(str::to_owned);
                if let Some(instance) = found.expect("the instances", of) {
                    self.verify_instance(db, &ring, &InstanceId::new(instance), &mut found);
                }
            }
            let every = (queries::COUNT_VERSIONS, queries::COUNT_DOCUMENTS);
            let every = crate::rekey::count(db, every.0)? + crate::rekey::count(db, every.1)?;
            let seen = found.versions + found.documents + found.closed;
            if every != seen {
                found.wrong("the records", format!("{every} are there and {seen} belong to an instance"));
            }
            self.verify_events(db, &mut found);
            if let Some(tally) = found.expect("the vault", Tally::read(db, &self.tags)) {
                let instances = i64::try_from(found.instances);
                if instances != Ok(tally.instances) {
                    found.wrong(
                        "the instances",
                        format!("there were {}, and {} are left", tally.instances, found.instances),
                    );
                }
                let newest = db.query(queries::NEWEST_EVENTS, &values![1_i64]);
                found.expect(
                    "the history",
                    newest.and_then(|rows| events::check_newest(db, &rows, &self.tags)),
                );
            }
            Ok(())
        })?;
        Ok(found.done)
    }

    fn verify_instance(&self, db: &dyn Session, ring: &Keyring, id: &InstanceId, found: &mut Looking) {
        found.instances += 1;
        let what = format!("instance {id}");
        let rows = Rows::read(db, id).and_then(|rows| rows.ok_or_else(|| Cause::NoInstance(id.clone())));
        let Some(rows) = found.expect(&what, rows) else { return };
        let what = format!("instance {}", rows.name());
        found.expect(&what, rows.check(&self.tags));
        let known = found.expect(&what, rows.instance());
        let Some(organisation) = found.expect(&what, rows.organisation()) else { return };
        let home = Home { vault: &self.id, organisation, instance: id.as_str() };
        let name = values![id.as_str()];
        for row in found.expect(&what, db.query(queries::SEALED_VERSIONS, &name)).unwrap_or_default() {
            let of = called(known.as_ref(), &row);
            let opened = home.value(ring, &row);
            if found.expect_opened(&what, &format!("version {} of {of}", shown(&row, 1)), opened) {
                found.versions += 1;
            }
        }
        for row in found.expect(&what, db.query(queries::SEALED_DOCUMENTS, &name)).unwrap_or_default() {
            let opened = home.document(ring, &row);
            if found.expect_opened(&what, &format!("document {}", shown(&row, 0)), opened) {
                found.documents += 1;
            }
        }
        found.say_locked(&what);
        for row in found.expect(&what, db.query(queries::ROTATIONS, &name)).unwrap_or_default() {
            found.expect(&what, rotations::rotation(&row, &self.tags));
        }
    }

    fn verify_events(&self, db: &dyn Session, found: &mut Looking) {
        let mut last = 0;
        loop {
            let page = found.expect("the history", db.query(queries::EVENTS, &values![last, PAGE]));
            let Some(page) = page.filter(|page| !page.is_empty()) else { return };
            for row in page {
                let Some(number) = found.expect("the history", row.integer(0)) else { return };
                last = number;
                if found
                    .expect(&format!("entry {number} of the history"), events::check(&row, &self.tags))
                    .is_some()
                {
                    found.events += 1;
                }
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Looking {
    done: Verified,
    /// How many records did not open.
    closed: u64,
    /// The keys of the vault that are not at hand, and what is said of each.
    absent: Vec<(KeyId, String)>,
    /// How many of the instance that is looked at did not for want of one of these.
    locked: BTreeMap<usize, usize>,
}

impl Looking {
    fn wrong(&mut self, what: &str, why: impl ToString) {
        self.done.problems.push(Problem { what: what.to_owned(), why: why.to_string() });
    }

    fn expect<T>(&mut self, what: &str, result: Result<T, Cause>) -> Option<T> {
        result.map_err(|cause| self.wrong(what, cause.why())).ok()
    }

    fn expect_opened<T>(&mut self, of: &str, what: &str, opened: Result<T, Cause>) -> bool {
        let Err(cause) = opened else { return true };
        self.closed += 1;
        let why = match cause {
            Cause::Seal { source: SealError::NoKey { wrapped_with }, .. } => {
                if let Some(at) = self.absent.iter().position(|(id, _)| *id == wrapped_with) {
                    *self.locked.entry(at).or_default() += 1;
                    return false;
                }
                format!("it says that it is sealed under key {wrapped_with}, which is none of this vault's")
            }
            Cause::Seal { source, .. } => source.to_string(),
            cause => cause.why(),
        };
        self.wrong(&format!("{of}: {what}"), format!("does not open: {why}"));
        false
    }

    /// Says of an instance what does not open for want of a key: that is not damaged, and one line for all of it.
    fn say_locked(&mut self, of: &str) {
        for (at, count) in std::mem::take(&mut self.locked) {
            let records = if count == 1 { "one record".to_owned() } else { format!("{count} records") };
            self.wrong(of, format!("{records}: {}", self.absent[at].1));
            self.done.key_absent = true;
        }
    }
}

impl std::ops::Deref for Looking {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.done
    }
}

impl std::ops::DerefMut for Looking {
    fn deref_mut(&mut self) -> &mut Verified {
        &mut self.done
    }
}
