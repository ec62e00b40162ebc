//! The config, beside what a vault wants of it.

use super::Judgement;
use super::tell::bare;
use super::words::Words;
use crate::{ConfigChange, ConfigEdit, ConfigHeld, FindingKind, HeldWhy, StoreId};

/// Tells of a config that is not what the vault wants.
pub fn judge_config(edit: &ConfigEdit, judgement: &mut Judgement) {
    let Some(said) = said(&edit.changes) else { return };
    let text = format!("the config is not what the vault wants: {said}");
    let words = Words::new(FindingKind::ConfigDiffers, text);
    judgement.findings.push(bare(
        None,
        &StoreId::Base,
        words.fix("keyshoal diff shows it, keyshoal sync brings it there"),
    ));
}

/// Tells of what is left in the config although the vault wants it otherwise.
pub fn judge_held(held: &ConfigHeld, judgement: &mut Judgement) {
    let Some(said) = said(&held.changes) else { return };
    let (text, fix) = match &held.why {
        HeldWhy::Included { place } => (
            format!(
                "the vault wants of the config: {said}; that stands in a file that it includes ({place}), and is left as it is there"
            ),
            "change it there by hand, or have the vault want what stands there (keyshoal agent, model, binding); credentials go on all the same"
                .to_owned(),
        ),
        HeldWhy::Changed { undecided } => (
            format!(
                "the config is not what the vault wants, because somebody has changed it: {said}; it is left so"
            ),
            format!(
                "{}; keyshoal instance deliver   puts the vault's in its place",
                match undecided {
                    // As long as nobody has said which, it refuses.
                    Some(undecided) => format!("{}, and then keyshoal instance adopt", undecided.ways().join("; ")),
                    None => "keyshoal instance adopt   takes it into the vault".to_owned(),
                }
            ),
        ),
        HeldWhy::Unknown { undecided } => (
            format!(
                "not everybody of the config is known to the vault: {said}; it is left there with what all share, and no override, backup or new config has it"
            ),
            match undecided {
                Some(undecided) => undecided.ways().join("; "),
                None => "keyshoal instance adopt   takes it into the vault as it stands; keyshoal agent add NAME   one of them".to_owned(),
            },
        ),
    };
    judgement.findings.push(bare(
        None,
        &StoreId::Base,
        Words::new(FindingKind::ConfigDiffers, text).fix(fix),
    ));
}

fn said(changes: &[ConfigChange]) -> Option<String> {
    let first = changes.first()?;
    let more = match changes.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{} {}{more}", first.path, first.what))
}
