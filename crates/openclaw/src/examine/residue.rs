//! Which files besides the stores hold plaintext of credentials.

use crate::store::{self, contents, json_text::Document};
use crate::{files, models_file, plain_files};
use keyshoal_core::residue::{PlainFile, PlainKind, PlainValue};
use keyshoal_core::{AgentId, Fingerprints, Layout, Material, Secret};
use std::path::{Path, PathBuf};

/// Looks through the directories of agents (`None`: the shared store's), and at the state database's.
pub fn plain_files(
    dirs: &[(Option<AgentId>, PathBuf)],
    state_dir: &Path,
    layout: Layout,
    prints: &dyn Fingerprints,
) -> Vec<PlainFile> {
    let is_sqlite = layout.is_sqlite();
    let mut found = Vec::new();
    for (agent, dir) in dirs {
        let mut look = |kind, path| {
            let file = look_at(kind, agent.as_ref(), path, prints);
            // Seen: releases with the shared row (2026.8.2, 2026.9.6) write no key into models.json.
            let renewed = kind == PlainKind::ModelsFile && layout != Layout::SharedRow;
            found.extend(file.map(|file| PlainFile { renewed, ..file }));
        };
        look(PlainKind::ModelsFile, dir.join("models.json"));
        if !is_sqlite {
            continue;
        }
        for name in files::listing(dir).ok().flatten().unwrap_or_default() {
            let kind = match store::archive_of(&name) {
                Some(_) => PlainKind::Archive,
                None if name == "auth-profiles.json" || name == "auth.json" => PlainKind::Leftover,
                None if is_backup(&name) => PlainKind::DatabaseBackup,
                None => continue,
            };
            look(kind, dir.join(name));
        }
    }
    let state = state_dir.join("state");
    if is_sqlite {
        let names = files::listing(&state).ok().flatten().unwrap_or_default();
        let backups = names.iter().filter(|name| is_backup(name)).map(|name| state.join(name));
        found.extend(backups.filter_map(|path| look_at(PlainKind::DatabaseBackup, None, path, prints)));
    }
    found
}

/// What the program saves of a database before a migration.
fn is_backup(name: &str) -> bool {
    name.contains(".sqlite.pre-startup-migration-") && name.ends_with(".bak")
}

/// Looks at one file; `None` where it holds no plaintext, as far as can be told.
fn look_at(
    kind: PlainKind,
    agent: Option<&AgentId>,
    path: PathBuf,
    prints: &dyn Fingerprints,
) -> Option<PlainFile> {
    let mut file = PlainFile {
        path: path.to_str()?.to_owned(),
        kind,
        agent: agent.cloned(),
        text: None,
        values: Vec::new(),
        renewed: false,
        obstacle: None,
    };
    if kind == PlainKind::DatabaseBackup {
        return Some(file);
    }
    match plain_files::text(&path) {
        Ok(None) => return None,
        Ok(Some(text)) => {
            file.text = Some(plain_files::print(prints, &text));
            match values(kind, &path, &text, prints) {
                Ok(values) if values.is_empty() => return None,
                Ok(values) => file.values = values,
                Err(reason) => file.obstacle = Some(format!("what it holds is not understood: {reason}")),
            }
        }
        Err(reason) => file.obstacle = Some(reason),
    }
    Some(file)
}

fn values(
    kind: PlainKind,
    path: &Path,
    text: &Secret,
    prints: &dyn Fingerprints,
) -> Result<Vec<PlainValue>, String> {
    if kind == PlainKind::ModelsFile {
        // What is no JSON is nothing that the program reads, or writes again.
        return Ok(models_file::values(text, prints));
    }
    if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("auth-profiles.json")) {
        return Err("it has the form of early releases".to_owned());
    }
    let document = Document::of(text).map_err(|error| error.to_string())?;
    let contents = contents::contents(&document, None, contents::Dialect::JsonFile)?;
    if let Some((id, reason)) = contents.invalid.first() {
        return Err(format!("its entry {id} is none of a profile: {reason}"));
    }
    let values = contents.profiles.iter().filter_map(|(id, profile)| match profile.material(prints) {
        Material::Inline(fingerprint) => {
            Some(PlainValue { provider: profile.provider.clone(), profile: Some(id.clone()), fingerprint })
        }
        Material::Ref { .. } | Material::Fenced | Material::Absent => None,
    });
    Ok(values.collect())
}
