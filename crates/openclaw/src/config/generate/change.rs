//! A change of a config as a tree beside its values: applied to values it says what must come out, and woven into the text it makes it.

use serde_json::{Map, Value};

/// What becomes of one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// It stays, byte for byte.
    Keep,
    /// It is this, whatever was there.
    Put(Value),
    /// It goes with its key. Only within a patch.
    Drop,
    /// Members of an object change; all others stay. What is not there is made.
    Patch(Vec<(String, Change)>),
    /// The members of an object, all of them, in order.
    Members(Vec<Member>),
    /// The elements of an array, all of them, in order.
    Elements(Vec<Element>),
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// The key that it has so far.
    pub from: Option<String>,
    /// The key that it shall have.
    pub key: String,
    /// What becomes of its value.
    pub change: Change,
}

/// One element of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Element {
    /// Where it is so far.
    pub from: Option<usize>,
    /// What becomes of it.
    pub change: Change,
}

impl Change {
    /// Returns a patch with one member, several objects deep.
    pub fn within(way: &[&str], change: Self) -> Self {
        way.iter().rev().fold(change, |inner, key| Self::Patch(vec![((*key).to_owned(), inner)]))
    }

    /// Tells whether nothing changes.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Keep => true,
            Self::Patch(members) => members.iter().all(|(_, change)| change.is_nothing()),
            Self::Put(_) | Self::Drop | Self::Members(_) | Self::Elements(_) => false,
        }
    }

    /// Adds another patch to a patch.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Patch(mut members), Self::Patch(more)) => {
                for (key, change) in more {
                    match members.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, known)) => *known = std::mem::replace(known, Self::Keep).and(change),
                        None => members.push((key, change)),
                    }
                }
                Self::Patch(members)
            }
            (Self::Keep, other) => other,
            (change, _) => change,
        }
    }

    /// Returns what a value is after the change; nothing where there is none.
    pub fn applied(&self, old: Option<&Value>) -> Option<Value> {
        match self {
            Self::Keep => old.cloned(),
            Self::Put(value) => Some(value.clone()),
            Self::Drop => None,
            Self::Patch(members) => {
                let mut object = old.and_then(Value::as_object).cloned().unwrap_or_default();
                for (key, change) in members {
                    match change.applied(object.get(key)) {
                        Some(value) => drop(object.insert(key.clone(), value)),
                        None => drop(object.shift_remove(key)),
                    }
                }
                (old.is_some() || !object.is_empty()).then_some(Value::Object(object))
            }
            Self::Members(members) => {
                let old = old.and_then(Value::as_object);
                let mut object = Map::new();
                for member in members {
                    let from = member.from.as_ref().and_then(|key| old?.get(key));
                    if let Some(value) = member.change.applied(from) {
                        object.insert(member.key.clone(), value);
                    }
                }
                Some(Value::Object(object))
            }
            Self::Elements(elements) => {
                let old = old.and_then(Value::as_array);
                let one =
                    |element: &Element| element.change.applied(element.from.and_then(|at| old?.get(at)));
                Some(Value::Array(elements.iter().filter_map(one).collect()))
            }
        }
    }
}
