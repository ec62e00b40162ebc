//! What becomes of the config's text and of the files that it includes.

use super::plan::{Conflict, Setting};
use crate::payload::Payload;
use keyshoal_core::Secret;
use keyshoal_openclaw::config::{Inlined, inline};
use std::path::Path;

/// So many names are told.
const MOST: usize = 4;

/// What was decided.
#[derive(Default)]
pub(super) struct Settled {
    /// The config's text.
    pub text: Option<Secret>,
    /// The files that it includes.
    pub included: Vec<Setting>,
    /// What a person should know of it.
    pub words: Vec<String>,
    /// Why it can be no config.
    pub refused: Option<Conflict>,
}

/// Has what a vault changes stand in the config's own text, and all else in the files in which it stood. An installation that goes on where
/// it is keeps all of it.
pub(super) fn settle(payload: &Payload, in_place: bool) -> Settled {
    let manifest = &payload.manifest;
    let Some(own) = manifest.config.and_then(|number| payload.value(number)) else {
        return Settled::default();
    };
    let files = manifest.included.iter();
    let files: Vec<(&str, &Secret)> =
        files.filter_map(|file| Some((file.name.as_str(), payload.value(file.value)?))).collect();
    let made = match inline(Path::new(&manifest.source.config), own, &files) {
        Ok(made) => made,
        Err(why) => {
            let refused = Some(Conflict::Config { why: why.to_string() });
            return Settled { text: Some(own.clone()), refused, ..Settled::default() };
        }
    };
    let words = words(&made, in_place);
    let stays = |name: &str| in_place || made.included.iter().any(|other| other == name);
    let setting =
        |(name, value): &(&str, &Secret)| Setting { name: (*name).to_owned(), value: (*value).clone() };
    Settled {
        included: files.iter().filter(|(name, _)| stays(name)).map(setting).collect(),
        text: Some(if in_place { own.clone() } else { made.text }),
        words,
        refused: None,
    }
}

fn words(made: &Inlined, in_place: bool) -> Vec<String> {
    let mut words = Vec::new();
    let gone = few(&made.gone);
    let what = if made.moved.is_empty() { "the config".to_owned() } else { few(&made.moved) };
    if made.gone.is_empty() {
        // Nothing that a vault changes is included.
    } else if in_place {
        words.push(format!(
            "{what}: what stands of it in included files ({gone}) is changed by hand alone, as Keyshoal changes nothing but openclaw.json itself"
        ));
    } else {
        words.push(format!(
            "{what}: what stood of it in included files ({gone}) stands in openclaw.json itself here, without comments, as the vault changes nothing else"
        ));
    }
    if !made.included.is_empty() && !in_place {
        words.push(format!("the config includes {}, which comes along", few(&made.included)));
    }
    words
}

fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST);
    let named = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}
