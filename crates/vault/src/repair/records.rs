//! Documents and rotations of an instance on its way back.

use super::entries::lost;
use super::rows::{Document, Draft};
use super::sealed::cells;
use super::{Bench, Mend, Origin, Shown};
use crate::load::CHANNELS;
use crate::record::Kind;
use crate::session::values;
use crate::values::Home;
use crate::{Cause, queries, rotations};
use keyshoal_core::Secret;
use keyshoal_core::vault::{CredentialUid, VaultInstance, VersionState};

impl Draft {
    /// Mends documents that do not open.
    pub(crate) fn mend_documents(
        &mut self,
        bench: &Bench<'_>,
        shown: Option<&Shown<'_>>,
        mends: &mut Vec<Mend>,
    ) -> Result<bool, Cause> {
        let bad: Vec<String> =
            self.documents.keys().filter(|name| !self.texts.contains_key(*name)).cloned().collect();
        let mut kept = if bad.is_empty() { Vec::new() } else { backed_up(bench, &self.instance)? };
        let mut changed = false;
        for name in bad {
            let what = format!("document {name}");
            let stood = self.documents.get(&name).map(|known| (known.number, known.created));
            let kept = kept.iter().position(|(known, ..)| *known == name).map(|at| kept.swap_remove(at));
            let shown = shown.and_then(|shown| shown.documents.get(&name));
            let (text, from) = match (kept, shown) {
                (Some((_, document, text)), _) if stood == Some((document.number, document.created)) => {
                    self.documents.insert(name.clone(), document);
                    self.texts.insert(name, text);
                    mends.push(Mend::new(what, Origin::Backup));
                    continue;
                }
                (_, Some(text)) => (text.clone(), Origin::Installation),
                (Some((_, _, text)), None) => (text, Origin::Backup),
                (None, None) => {
                    changed = true;
                    self.documents.remove(&name);
                    mends.push(lost(&name));
                    continue;
                }
            };
            changed = true;
            mends.push(Mend::new(what, from));
            self.put_document(bench, name, text)?;
        }
        self.name_channels();
        Ok(changed)
    }

    /// Names the channels that it has settings of.
    pub(crate) fn name_channels(&mut self) {
        let names = self.documents.keys().filter_map(|name| name.strip_prefix(CHANNELS));
        self.instance.channels = names.map(str::to_owned).collect();
    }

    /// Seals a document anew.
    pub(crate) fn put_document(
        &mut self,
        bench: &Bench<'_>,
        name: String,
        text: Secret,
    ) -> Result<(), Cause> {
        let number = self.documents.get(&name).map_or(0, |known| known.number).saturating_add(1);
        let created = bench.pen.now.as_millisecond();
        let home = self.home(bench);
        let stored = home.record(Kind::Document, &name, number, created).seal(bench.pen.key, &text)?;
        let cells = values![bench.pen.key.id(), stored.wrapped, stored.sealed];
        self.documents.insert(name.clone(), Document { number, created, cells });
        self.texts.insert(name, text);
        Ok(())
    }

    /// Takes out rotations that were altered, and those whose staged value is lost; what was staged for them is taken back.
    pub(crate) fn mend_rotations(
        &mut self,
        bench: &Bench<'_>,
        unstaged: &[CredentialUid],
        mends: &mut Vec<Mend>,
    ) -> bool {
        let (tags, now) = (bench.pen.tags, bench.pen.now);
        let before = self.rotations.len();
        let credentials = &mut self.instance.credentials;
        self.rotations.retain(|row| {
            let known = rotations::rotation(row, tags).ok();
            let of = row.uid(2).ok().and_then(|uid| credentials.iter_mut().find(|one| one.uid.0 == uid));
            match (known, of) {
                (Some(known), _) if known.finished.is_some() => true,
                (Some(_), Some(of)) if of.current().is_some() && !unstaged.contains(&of.uid) => true,
                (_, of) => {
                    for version in of.into_iter().flat_map(|of| &mut of.versions) {
                        if version.state == VersionState::Pending {
                            (version.state, version.since) = (VersionState::Retired, now);
                        }
                    }
                    let mend = Mend::new("a rotation", Origin::Nowhere).losing("where it stood");
                    mends.push(mend.way_out("keyshoal rotate begins it anew"));
                    false
                }
            }
        });
        self.rotations.len() != before
    }
}

/// Opens the documents that the backup has of an instance, each sealed so that this vault opens it.
pub(crate) fn backed_up(
    bench: &Bench<'_>,
    of: &VaultInstance,
) -> Result<Vec<(String, Document, Secret)>, Cause> {
    let Some(backup) = bench.backup else { return Ok(Vec::new()) };
    let home = Home { vault: bench.pen.vault, organisation: &of.organisation, instance: of.id.as_str() };
    let id = values![of.id.as_str()];
    let rows = backup.database.read(|db| db.query(queries::SEALED_DOCUMENTS, &id))?;
    let mut all = Vec::new();
    for row in &rows {
        let Ok((name, text)) = home.document(&backup.keys.ring(), row) else { continue };
        let (number, created) = (row.integer(1)?, row.integer(2)?);
        let mut cells = cells(row, 3);
        if home.document(bench.ring, row).is_err() {
            let record = home.record(Kind::Document, &name, number, created);
            let wrapped = record.rewrap(&backup.keys.ring(), bench.pen.key, row.bytes(4)?)?;
            cells = values![bench.pen.key.id(), wrapped, row.bytes(5)?];
        }
        all.push((name, Document { number, created, cells }, text));
    }
    Ok(all)
}
