//! The config, beside what a vault wants of it.

use super::Judgement;
use super::tell::bare;
use super::words::Words;
use crate::{ConfigEdit, FindingKind, StoreId};

/// Tells of a config that is not what the vault wants.
pub fn judge_config(edit: &ConfigEdit, judgement: &mut Judgement) {
    let Some(first) = edit.changes.first() else { return };
    let more = match edit.changes.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let text = format!("the config is not what the vault wants: {} {}{more}", first.path, first.what);
    let words = Words::new(FindingKind::ConfigDiffers, text);
    judgement.findings.push(bare(
        None,
        &StoreId::Base,
        words.fix("keyshoal diff shows it, keyshoal sync brings it there"),
    ));
}
