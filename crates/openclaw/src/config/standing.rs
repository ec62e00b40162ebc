//! Where a value of the whole config stands: in the root file, or in one that it includes.

use super::include::KEY;
use super::notes::{Step, Steps, offset_of};
use super::text;
use crate::locate;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The texts of included files, by path.
pub(super) type Texts = BTreeMap<PathBuf, String>;

/// How many files deep is looked; the resolution of includes is what refuses cycles.
const DEEPEST: usize = 16;

/// Returns `file:line:column` of a value, which a file has itself or by way of others.
pub(super) fn place(file: &Path, text: &str, steps: &Steps, texts: &Texts) -> Option<String> {
    within(file, text, &steps.0, texts, DEEPEST)
}

fn within(file: &Path, text: &str, steps: &[Step], texts: &Texts, depth: usize) -> Option<String> {
    if let Some(offset) = offset_of(text, &Steps(steps.to_vec())) {
        return Some(text::place(file, text, offset));
    }
    let root = text::parse(file, text).ok().filter(|_| depth > 0)?;
    let dir = file.parent().unwrap_or(Path::new("/"));
    (0..=steps.len()).rev().find_map(|length| {
        let (way, rest) = steps.split_at(length);
        // What is included later lies over what is included before.
        wanted(value_at(&root, way)?.get(KEY)?).into_iter().rev().find_map(|name| {
            let path = locate::normalize(&dir.join(name));
            let text = texts.get(&path)?;
            within(&path, text, rest, texts, depth - 1)
        })
    })
}

/// Returns the files that an `$include` names.
fn wanted(include: &Value) -> Vec<&str> {
    match include {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    }
}

fn value_at<'v>(root: &'v Value, way: &[Step]) -> Option<&'v Value> {
    way.iter().try_fold(root, |at, step| match step {
        Step::Key(key) => at.get(key),
        Step::Index(index) => at.get(index),
    })
}
