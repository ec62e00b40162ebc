//! A profile's entry, read more strictly than OpenClaw does: what two readers could understand in two ways is refused.

use keyshoal_core::{ProfileId, Secret};
use keyshoal_openclaw::config;
use keyshoal_openclaw::store::{StoredProfile, StoredSecret};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use std::collections::HashSet;
use std::fmt;

/// Nobody's entry is longer.
const LONGEST: usize = 1 << 20;
/// The longest id of a profile.
const LONGEST_ID: usize = 512;

/// Reads an entry. The reason repeats nothing of it.
pub fn check(id: &ProfileId, entry: &Secret) -> Result<StoredProfile, String> {
    if id.as_str().trim().is_empty() || id.as_str().len() > LONGEST_ID {
        return Err("its id is empty, or far too long".to_owned());
    }
    let text = entry.reveal_secret();
    if id.as_str() == "__proto__" {
        return Err("OpenClaw ignores a profile with this id".to_owned());
    }
    if text.len() > LONGEST {
        return Err("it is longer than 1 MiB".to_owned());
    }
    strict(text)?;
    let read = StoredProfile::parse(id, entry)?;
    let broken = |secret: &Secret| secret.reveal_secret().trim().chars().any(char::is_control);
    let is_broken = match &read.secret {
        StoredSecret::Inline(secret) => broken(secret),
        StoredSecret::OAuth { access, refresh } => broken(access) || refresh.as_ref().is_some_and(broken),
        _ => false,
    };
    if is_broken {
        return Err(
            "its value has line breaks or control characters within it, so no provider accepts it".to_owned()
        );
    }
    match read.secret {
        StoredSecret::Absent => Err("it holds no credential".to_owned()),
        StoredSecret::Fenced => Err("OpenClaw is refreshing this login just now; export again".to_owned()),
        _ => Ok(read),
    }
}

/// Returns a part of a config as JSON that [`strict`] takes: as it is where that is so, else without what only a config may have.
pub fn plain(part: &Secret) -> Result<Secret, String> {
    if strict(part.reveal_secret()).is_ok() {
        return Ok(part.clone());
    }
    let plain = config::plain_json(part).ok_or("it cannot be read")?;
    strict(plain.reveal_secret()).map(|()| plain)
}

/// Refuses JSON with doubled keys, halves of surrogate pairs, numbers out of range, or too deep a nesting.
pub fn strict(text: &str) -> Result<(), String> {
    serde_json::from_str::<Strict>(text).map(drop).map_err(|error| {
        // The error's own words may quote a text; its kind and place do not.
        let own = error.to_string();
        let what = match error.classify() {
            Category::Eof => "it is cut off",
            Category::Data => "it has a key twice",
            _ if own.starts_with("recursion limit") => "it is nested too deep",
            _ if own.starts_with("number out of range") => "it has a number out of range",
            _ if own.contains("surrogate") || own.starts_with("unexpected end of hex") => {
                "it has half of a surrogate pair"
            }
            _ => "it is no JSON",
        };
        format!("{what}, at line {}, column {}", error.line(), error.column())
    })
}

/// Any JSON value, looked at and forgotten.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Strict, A::Error> {
        while all.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Strict, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = all.next_key::<String>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key twice"));
            }
            all.next_value::<Strict>()?;
        }
        Ok(Strict)
    }
}
