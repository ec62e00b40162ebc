//! Values and documents that do not open: from a backup, from the installation, from an earlier version, or from nowhere.

use super::raw::Raw;
use super::rows::{Cells, Document, Draft};
use super::{Bench, Mend, Origin, Shown};
use crate::record::Kind;
use crate::session::{Row, Value, values};
use crate::values::Home;
use crate::{Cause, queries};
use keyshoal_core::Secret;
use keyshoal_core::vault::{CredentialUid, VaultCredential, VaultInstance, VaultVersion, VersionState};

/// Mends what is sealed of an instance whose tag is right.
pub(crate) fn mend(
    bench: &Bench<'_>,
    raw: Raw,
    known: VaultInstance,
    shown: Option<&Shown<'_>>,
    mended: Vec<Mend>,
    mends: &mut Vec<Mend>,
) -> Result<(), Cause> {
    Draft::of(bench, &raw, known).finish(bench, &raw, shown, mended, mends)
}

impl Draft {
    /// Takes an instance with its documents and rotations, to see which tag it would have.
    pub(crate) fn of_rows(raw: &Raw, instance: VaultInstance, now: keyshoal_core::Timestamp) -> Self {
        let own = |row: &&Row, at: usize| row.text(at).ok() == Some(raw.id.as_str());
        let documents = raw.documents.iter().filter(|row| own(row, 6)).filter_map(|row| {
            let (number, created) = (row.integer(1).ok()?, row.integer(2).ok()?);
            Some((row.string(0).ok()?, Document { number, created, cells: cells(row, 3) }))
        });
        let rotations = raw.rotations.iter().filter(|row| own(row, 1));
        Self {
            created: raw.own.as_ref().and_then(|row| row.integer(9).ok()).unwrap_or(now.as_millisecond()),
            cells: Default::default(),
            opened: Default::default(),
            documents: documents.collect(),
            texts: Default::default(),
            rotations: rotations.map(|row| Row(row.values()[..10].to_vec())).collect(),
            instance,
        }
    }

    /// Takes an instance with what is sealed of it.
    pub(crate) fn of(bench: &Bench<'_>, raw: &Raw, instance: VaultInstance) -> Self {
        let (vault, organisation) = (bench.pen.vault, instance.organisation.as_str());
        let mut draft = Self::of_rows(raw, instance.clone(), bench.pen.now);
        for row in &raw.versions {
            let Some(key) = row.uid(0).ok().map(CredentialUid).zip(row.counted(1).ok()) else { continue };
            if let Some(value) = raw.open(bench.ring, vault, organisation, row) {
                draft.opened.insert(key, value);
            } else if draft.cells.contains_key(&key) {
                continue;
            }
            draft.cells.insert(key, cells(row, 8));
        }
        for row in &raw.documents {
            let (Ok(name), Ok(number), Ok(created)) = (row.string(0), row.integer(1), row.integer(2)) else {
                continue;
            };
            let opened = raw.open_document(bench.ring, vault, organisation, row);
            if opened.is_some() {
                draft.documents.insert(name, Document { number, created, cells: cells(row, 3) });
            }
            draft.texts.extend(opened);
        }
        draft
    }

    /// Mends what is sealed of it, and writes it where anything was `mended`. What only its own installation could give back is
    /// left for that, unless it may be taken out.
    pub(crate) fn finish(
        mut self,
        bench: &Bench<'_>,
        raw: &Raw,
        shown: Option<&Shown<'_>>,
        mended: Vec<Mend>,
        mends: &mut Vec<Mend>,
    ) -> Result<(), Cause> {
        let name = self.instance.name.clone();
        let place = self.instance.state_dir.clone();
        let mut all = mended;
        let changed = self.mend(bench, shown, &mut all)?;
        let loses = |mend: &Mend| matches!(mend.from, Origin::Nowhere | Origin::EarlierVersion);
        if shown.is_none() && !bench.take_out && all.iter().any(loses) {
            mends.push(left(&name, place.as_deref()));
            return Ok(());
        }
        if all.is_empty() {
            return Ok(());
        }
        mends.append(&mut all);
        self.instance.revision += u64::from(changed);
        self.write(bench, raw)
    }

    /// Mends it, and tells whether rows changed that the tag covers.
    fn mend(
        &mut self,
        bench: &Bench<'_>,
        shown: Option<&Shown<'_>>,
        mends: &mut Vec<Mend>,
    ) -> Result<bool, Cause> {
        let mut changed = false;
        let before = self.instance.clone();
        let (mut left, mut unstaged) = (Vec::new(), Vec::new());
        for mut one in before.credentials.clone() {
            let name = named(&before, &one);
            let shown = shown.and_then(|shown| Some((shown, shown.credential(&one, &before)?)));
            let bad: Vec<VaultVersion> = one
                .versions
                .iter()
                .filter(|version| !self.opened.contains_key(&(one.uid, version.number)))
                .cloned()
                .collect();
            for version in bad {
                let key = (one.uid, version.number);
                let what = format!("version {} of {name}", version.number);
                if let Some((cells, value)) = self.backed_up(bench, &one, &version)? {
                    self.cells.insert(key, cells);
                    self.opened.insert(key, value);
                    mends.push(Mend::new(what, Origin::Backup));
                    continue;
                }
                changed = true;
                one.versions.retain(|known| known.number != version.number);
                self.cells.remove(&key);
                if version.state == VersionState::Pending {
                    unstaged.push(one.uid);
                }
                if version.state != VersionState::Current {
                    let said = format!("a {} value", crate::load::word(&crate::load::STATES, &version.state));
                    mends.push(Mend::new(what, Origin::Nowhere).losing(said));
                }
            }
            if before.credentials.iter().any(|known| known.uid == one.uid && known.current().is_some())
                && one.current().is_none()
            {
                let found = shown.and_then(|(shown, here)| Some(shown.value(here)?.clone()));
                changed = true;
                if !self.replace(bench, &mut one, found, &name, mends)? {
                    continue;
                }
            }
            if !one.versions.is_empty() {
                left.push(one);
            }
        }
        self.instance.credentials = left;
        self.forget_strangers();
        changed |= self.mend_documents(bench, shown, mends)?;
        changed |= self.mend_rotations(bench, &unstaged, mends);
        Ok(changed)
    }

    /// Gives a credential a new current version. False: it has none to give, and goes.
    fn replace(
        &mut self,
        bench: &Bench<'_>,
        one: &mut VaultCredential,
        found: Option<Secret>,
        name: &str,
        mends: &mut Vec<Mend>,
    ) -> Result<bool, Cause> {
        let earlier = || {
            let previous = one.versions.iter().rfind(|version| version.state == VersionState::Previous)?;
            self.opened.get(&(one.uid, previous.number)).cloned()
        };
        let (value, mend) = match (found, earlier()) {
            (Some(value), _) => {
                (value, Mend::new(name, Origin::Installation).losing("who gave it, and when"))
            }
            (None, Some(value)) => {
                let mend = Mend::new(name, Origin::EarlierVersion).losing("the present value");
                (value, mend.way_out(set_anew(&self.instance, one)))
            }
            (None, None) => {
                let mend = Mend::new(name, Origin::Nowhere).losing("its value, which no agent holds either");
                mends.push(mend.way_out(set_anew(&self.instance, one)));
                return Ok(false);
            }
        };
        mends.push(mend);
        self.add_version(bench, one, value)?;
        Ok(true)
    }

    /// Adds a version that is current from now on.
    pub(crate) fn add_version(
        &mut self,
        bench: &Bench<'_>,
        one: &mut VaultCredential,
        value: Secret,
    ) -> Result<(), Cause> {
        let now = bench.pen.now;
        for version in one.versions.iter_mut().filter(|version| version.state == VersionState::Current) {
            (version.state, version.since) = (VersionState::Retired, now);
        }
        let last = one.versions.iter().map(|version| version.number).max().unwrap_or(0);
        // A number that was used and is gone is not used again: something may still speak of it.
        let lost = self.instance.credentials.iter().filter(|known| known.uid == one.uid);
        let lost = lost.flat_map(|known| &known.versions).map(|version| version.number).max().unwrap_or(0);
        let number = last.max(lost).saturating_add(1);
        let uid = one.uid.to_string();
        let home = self.home(bench);
        let record = home.record(Kind::Credential, &uid, i64::from(number), now.as_millisecond());
        let stored = record.seal(bench.pen.key, &value)?;
        self.cells.insert((one.uid, number), values![bench.pen.key.id(), stored.wrapped, stored.sealed]);
        self.opened.insert((one.uid, number), value);
        one.versions.push(VaultVersion {
            number,
            state: VersionState::Current,
            created: now,
            since: now,
            by: bench.who.by.clone(),
            why: Some("repair".to_owned()),
            expires: None,
        });
        Ok(())
    }

    /// Looks for the same record in the backup: the same id, number and time, under the same seal.
    fn backed_up(
        &self,
        bench: &Bench<'_>,
        one: &VaultCredential,
        version: &VaultVersion,
    ) -> Result<Option<(Cells, Secret)>, Cause> {
        let Some(backup) = bench.backup else { return Ok(None) };
        let (uid, number) = (one.uid.to_string(), i64::from(version.number));
        let created = version.created.as_millisecond();
        let id = self.instance.id.as_str();
        let rows = backup.database.read(|db| db.query(queries::SEALED_VERSIONS, &values![id]))?;
        let home = self.home(bench);
        let record = home.record(Kind::Credential, &uid, number, created);
        for row in
            rows.iter().filter(|row| row.text(0).ok() == Some(&uid) && row.integer(1).ok() == Some(number))
        {
            let Ok(value) = record.open(&backup.keys.ring(), row.bytes(4)?, row.bytes(5)?, row.bytes(6)?)
            else {
                continue;
            };
            if record.open(bench.ring, row.bytes(4)?, row.bytes(5)?, row.bytes(6)?).is_ok() {
                return Ok(Some((cells(row, 4), value)));
            }
            let wrapped = record.rewrap(&backup.keys.ring(), bench.pen.key, row.bytes(5)?)?;
            return Ok(Some((values![bench.pen.key.id(), wrapped, row.bytes(6)?], value)));
        }
        Ok(None)
    }

    /// Drops what is sealed of versions that are no more.
    pub(crate) fn forget_strangers(&mut self) {
        let all = &self.instance.credentials;
        let lives = |(uid, number): &(CredentialUid, u32)| {
            all.iter()
                .any(|one| one.uid == *uid && one.versions.iter().any(|version| version.number == *number))
        };
        self.cells.retain(|key, _| lives(key));
        self.opened.retain(|key, _| lives(key));
    }

    pub(crate) fn home<'a>(&'a self, bench: &'a Bench<'_>) -> Home<'a> {
        let of = &self.instance;
        Home { vault: bench.pen.vault, organisation: &of.organisation, instance: of.id.as_str() }
    }
}

/// Names a credential as people do.
pub(crate) fn named(instance: &VaultInstance, one: &VaultCredential) -> String {
    let Some(uid) = one.agent else { return format!("credential {}", one.profile) };
    let owner = instance.agents.iter().find(|agent| agent.uid == uid);
    format!("override {} of {}", one.profile, owner.map_or("a removed agent", |owner| owner.id.as_str()))
}

/// Says that an instance is left as it is, and what would mend it.
pub(crate) fn left(name: &str, state_dir: Option<&str>) -> Mend {
    let place = state_dir.unwrap_or("its state directory");
    let way = format!("keyshoal --state-dir {place} vault repair, or a newer backup (--from)");
    Mend::new(format!("instance {name}"), Origin::Left).way_out(way)
}

/// Says how a person gives a value again.
pub(crate) fn set_anew(instance: &VaultInstance, one: &VaultCredential) -> String {
    let owner = one.agent.and_then(|uid| instance.agents.iter().find(|agent| agent.uid == uid));
    match (owner, one.agent) {
        (Some(owner), _) => format!("keyshoal credential override {} {}", owner.id, one.profile),
        (None, Some(_)) => format!("keyshoal credential override AGENT {}", one.profile),
        (None, None) => format!("keyshoal credential set {}", one.profile),
    }
}

pub(crate) fn cells(row: &Row, first: usize) -> Cells {
    [0, 1, 2].map(|at| row.values().get(first + at).cloned().unwrap_or(Value::Null))
}
