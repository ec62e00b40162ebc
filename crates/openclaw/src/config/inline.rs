//! Bringing what is generated out of included files into the config's own text, for whoever carries it to another machine.
//!
//! Only the texts that are handed over are looked at: no include leads to a file of this machine.

use super::edit::splice;
use super::include::{self, KEY};
use super::notes::Notes;
use super::standing::Texts;
use super::{ConfigError, text};
use crate::locate::{self, Locations};
use keyshoal_core::Secret;
use serde_json::Value;
use std::path::Path;

/// Returns a part of a config, such as an agent's entry, with what it includes in it: as it was written where it includes nothing.
pub fn in_full(locations: &Locations, part: &Secret) -> Result<Secret, ConfigError> {
    let text = part.reveal_secret();
    let own = text::parse(&locations.config_path, text)?;
    let whole = include::resolve(own.clone(), text, locations)?.value;
    Ok(if whole == own { part.clone() } else { Secret::new(whole.to_string()) })
}

/// Tells whether a part of a config, as plain JSON, includes a file anywhere within it. What is no JSON may.
pub fn includes(part: &Secret) -> bool {
    fn within(part: &Value) -> bool {
        match part {
            Value::Object(members) => members.contains_key(KEY) || members.values().any(within),
            Value::Array(elements) => elements.iter().any(within),
            _ => false,
        }
    }
    serde_json::from_str(part.reveal_secret()).map_or(true, |part| within(&part))
}

/// What a generated config may change. Whatever else is included stays so.
const GENERATED: [&str; 8] =
    ["agents", "bindings", "auth", "channels", "broadcast", "talk", "gateway", "secrets"];
/// Where it goes, so that what only the old place allowed is found out.
const ELSEWHERE: &str = "/elsewhere/openclaw.json";

/// A config that has what is generated in its own text.
#[derive(Clone, Debug)]
pub struct Inlined {
    /// Its text; the one that was there where nothing had to change.
    pub text: Secret,
    /// What was brought into it: `agents.list`, or nothing where all of the config was.
    pub moved: Vec<String>,
    /// The files that it still includes, by the names that were given.
    pub included: Vec<String>,
    /// The files that it included and does no more.
    pub gone: Vec<String>,
}

/// Makes it of a config's text and of the texts of files, by their paths relative to the directory of `config`. It means what it meant before.
pub fn inline(config: &Path, own: &Secret, files: &[(&str, &Secret)]) -> Result<Inlined, ConfigError> {
    let config = if config.is_absolute() { locate::normalize(config) } else { ELSEWHERE.into() };
    let own = own.reveal_secret();
    let root = text::parse(&config, own)?;
    let there = include::resolve_texts(root.clone(), own, &config, texts(&config, files)?)?;
    let names = |read: &include::Included, config: &Path| -> Vec<String> {
        let dir = config.parent().unwrap_or(Path::new("/"));
        let name = |file: &std::path::PathBuf| Some(file.strip_prefix(dir).ok()?.to_str()?.to_owned());
        read.files.iter().filter_map(name).collect()
    };
    let all = names(&there, &config);
    let elsewhere = Path::new(ELSEWHERE);
    let ways = ways(&root, &there.value);
    let brought = ways.as_ref().and_then(|ways| brought(own, ways, &there.value));
    let proved = brought.and_then(|text| {
        let root = text::parse(elsewhere, &text).ok()?;
        let here = include::resolve_texts(root, &text, elsewhere, texts(elsewhere, files).ok()?).ok()?;
        (here.value == there.value).then(|| (text, names(&here, elsewhere)))
    });
    let moved = ways.unwrap_or_default().iter().map(|way| way.join(".")).collect();
    let (text, moved, included) = match proved {
        Some((text, included)) => (text, moved, included),
        None => (format!("{:#}\n", there.value), Vec::new(), Vec::new()),
    };
    let gone = all.into_iter().filter(|name| !included.contains(name)).collect();
    Ok(Inlined { text: Secret::new(text), moved, included, gone })
}

fn texts(config: &Path, files: &[(&str, &Secret)]) -> Result<Texts, ConfigError> {
    let dir = config.parent().unwrap_or(Path::new("/"));
    let text = |(name, text): &(&str, &Secret)| {
        let path = dir.join(name);
        let bytes = text.reveal_secret().as_bytes();
        let text = text::decode(&path, bytes, &mut Notes::new(&path))?.to_owned();
        Ok((path, text))
    };
    files.iter().map(text).collect()
}

/// Returns the ways to everything generated that is included; none where the whole config includes it.
fn ways(root: &Value, whole: &Value) -> Option<Vec<Vec<String>>> {
    let refers = whole.pointer("/secrets/providers/keyshoal").is_some();
    let generated = GENERATED.into_iter().filter(|key| *key != "secrets" || refers);
    let mut ways = Vec::new();
    for key in generated {
        if root.get(KEY).is_some() && root.get(key) != whole.get(key) {
            return None;
        }
        if let Some(value) = root.get(key) {
            look_for(value, &mut vec![key.to_owned()], &mut ways);
        }
    }
    Some(ways)
}

fn look_for(value: &Value, way: &mut Vec<String>, ways: &mut Vec<Vec<String>>) {
    let mut deeper = |key: String, value: &Value| {
        way.push(key);
        look_for(value, way, ways);
        way.pop();
    };
    match value {
        Value::Object(members) if members.contains_key(KEY) => ways.push(way.clone()),
        Value::Object(members) => members.iter().for_each(|(key, value)| deeper(key.clone(), value)),
        Value::Array(all) => all.iter().enumerate().for_each(|(at, value)| deeper(at.to_string(), value)),
        _ => {}
    }
}

/// Puts what is included there into the text. Nothing where that cannot be edited.
fn brought(own: &str, ways: &[Vec<String>], whole: &Value) -> Option<String> {
    let mut text = own.to_owned();
    for way in ways {
        let value = way.iter().try_fold(whole, |at, step| match at {
            Value::Array(all) => all.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        })?;
        text = splice::set(&text, way, value).ok()?.text;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CONFIG: &str = "/home/ada/.openclaw/openclaw.json";

    fn inlined(own: &str, files: &[(&str, &str)]) -> Result<Inlined, ConfigError> {
        let texts: Vec<(&str, Secret)> =
            files.iter().map(|(name, text)| (*name, Secret::new(*text))).collect();
        let files: Vec<(&str, &Secret)> = texts.iter().map(|(name, text)| (*name, text)).collect();
        inline(Path::new(CONFIG), &Secret::new(own), &files)
    }

    #[test]
    fn what_is_generated_comes_into_the_text_and_nothing_else_changes() {
        let own = "{ // mine\n  models: { $include: './conf/models.json5' },\n  agents: { list: [{ $include: 'conf/a.json5', name: 'A' }] },\n}";
        let files = [
            ("conf/models.json5", "{ mode: 'merge' }"),
            ("conf/a.json5", "{ $include: './b.json5', id: 'a' }"),
            ("conf/b.json5", "{ model: 'x/y' }"),
        ];
        let made = inlined(own, &files).unwrap();
        let text = made.text.reveal_secret();
        assert!(text.starts_with("{ // mine\n  models: { $include: './conf/models.json5' },"), "{text}");
        let value = text::parse(Path::new("x"), text).unwrap();
        assert_eq!(value["agents"]["list"], json!([{ "model": "x/y", "id": "a", "name": "A" }]));
        assert_eq!(
            (made.moved, made.included),
            (vec!["agents.list.0".to_owned()], vec!["conf/models.json5".to_owned()])
        );
        assert_eq!(made.gone, ["conf/a.json5", "conf/b.json5"]);
    }

    #[test]
    fn a_config_that_is_included_as_a_whole_becomes_one_text() {
        let agents = [("all.json5", "{ agents: { list: [{ id: 'a' }] }, env: { A: '${B}' } }")];
        let made = inlined("{ $include: './all.json5', logging: { level: 'debug' } }", &agents).unwrap();
        let value: Value = serde_json::from_str(made.text.reveal_secret()).unwrap();
        assert_eq!(
            value,
            json!({ "agents": { "list": [{ "id": "a" }] }, "env": { "A": "${B}" }, "logging": { "level": "debug" } })
        );
        assert_eq!((made.included.len(), made.gone), (0, vec!["all.json5".to_owned()]));
        // One that holds nothing of it stays, and so does a text without includes, to the byte.
        let models = [("models.json5", "{ models: { mode: 'merge' } }")];
        for own in ["{ $include: './models.json5', agents: {} } // a", "{ agents: {} } // b"] {
            let made = inlined(own, &models).unwrap();
            assert_eq!((made.text.reveal_secret(), made.moved.len(), made.gone.len()), (own, 0, 0));
        }
        // The name of a place that is not there any more would lead out.
        let own = "{ models: { $include: '/home/ada/.openclaw/models.json5' } }";
        let made = inlined(own, &[("models.json5", "{ mode: 'merge' }")]).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(made.text.reveal_secret()).unwrap(),
            json!({ "models": { "mode": "merge" } })
        );
    }

    #[test]
    fn no_include_leads_to_what_does_not_come_along() {
        for wanted in ["./other.json5", "../a.json5", "/etc/hostname", "/home/ada/.openclaw/../a.json5"] {
            let error = inlined(&format!("{{ agents: {{ $include: '{wanted}' }} }}"), &[("a.json5", "{}")])
                .unwrap_err();
            assert!(error.to_string().contains("does not come along"), "{wanted}: {error}");
        }
        let error =
            inlined("{ agents: { $include: './a.json5' } }", &[("a.json5", "{ $include: './a.json5' }")]);
        assert!(error.unwrap_err().to_string().contains("includes itself"));
    }
}
