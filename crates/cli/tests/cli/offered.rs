//! Every command that a message offers is one: clap takes it as it stands, and a shell reads it as it is meant.

use crate::stage::*;
use clap::{CommandFactory as _, Parser as _};
use keyshoal_cli::arguments::Cli;
use keyshoal_core::{Layout, StoreId};
use keyshoal_openclaw::sample::Installation as Sample;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What may stand in a place that a message fills in.
const FILLINGS: [&str; 5] = ["x:default", "", "refs", "token", "1"];
/// What ends a command within a sentence.
const ENDS: [&str; 15] =
    ["   ", "`", ";", ")", ", ", ". ", ".\n", ": ", " or ", "\n", " | ", " > ", " && ", " — ", "  "];

/// Returns the commands that a text offers, each up to where the sentence goes on by a sign.
pub fn offered(text: &str) -> Vec<String> {
    let commands = commands();
    let mut found = Vec::new();
    for (at, _) in text.match_indices("keyshoal ") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|one| one.is_alphanumeric() || "-_./".contains(one)) {
            continue;
        }
        let rest = &text[at..];
        let ends = ENDS.iter().filter_map(|end| rest.find(end)).chain(remark(rest));
        let end = ends.min().unwrap_or(rest.len());
        let words = rest[..end].trim_end_matches(['.', ',', ':']);
        let mut all = words.split_whitespace().skip(1);
        let first = all.next().unwrap_or("");
        // A sentence may name a command without saying what to give it; what is explained beside it has to stand there whole.
        let Some(within) = commands.get(first) else { continue };
        let named = all.all(|word| within.contains(word));
        if !named || rest[end..].starts_with("  ") {
            found.push(words.to_owned());
        }
    }
    found
}

/// Finds where a remark in parentheses begins. One word in them is none: it would be typed.
fn remark(text: &str) -> Option<usize> {
    let is_remark = |at: usize| {
        text[at + 2..]
            .split(')')
            .next()
            .is_some_and(|inside| inside.starts_with("--") || inside.trim().contains(' '))
    };
    text.match_indices(" (").map(|(at, _)| at).find(|at| is_remark(*at))
}

/// The names of the commands, each with those of the commands within it.
fn commands() -> &'static BTreeMap<String, BTreeSet<String>> {
    static ALL: OnceLock<BTreeMap<String, BTreeSet<String>>> = OnceLock::new();
    let names = |of: &clap::Command| of.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    ALL.get_or_init(|| {
        let all = Cli::command();
        all.get_subcommands().map(|one| (one.get_name().to_owned(), names(one))).collect()
    })
}

/// Tells whether clap takes it, or as much of it as comes before plain words: a sentence may go on. No option is left out.
pub fn is_command(text: &str) -> bool {
    let words = words(text);
    // A shell would take it for something else, or a person has to guess.
    if words.iter().any(|word| word.starts_with('(') || word == "…") {
        return false;
    }
    let options = words.iter().rposition(|word| word.starts_with('-')).map_or(2, |at| at + 1);
    (options.max(2)..=words.len()).rev().any(|length| match Cli::try_parse_from(&words[..length]) {
        Ok(_) => true,
        Err(error) => !error.use_stderr(),
    })
}

/// Splits as a shell does.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quote, mut begun) = (None, false);
    for one in text.chars() {
        let last = words.last_mut().unwrap();
        match (quote, one) {
            (Some(open), one) if one == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(one), true),
            (None, one) if one.is_whitespace() => {
                if begun || !last.is_empty() {
                    words.push(String::new());
                }
                begun = false;
            }
            (_, one) => last.push(one),
        }
    }
    if words.last().is_some_and(String::is_empty) {
        words.pop();
    }
    words
}

/// Fills the places of a message in, all with the same.
fn filled(text: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.find('}') {
            Some(_) if rest.starts_with("{{") => {
                out.push('{');
                rest = &rest[2..];
            }
            Some(end) => {
                out.push_str(with);
                rest = &rest[end + 1..];
            }
            None => break,
        }
    }
    out.push_str(rest);
    out.replace("}}", "}")
}

/// Returns the string literals of a source file, without those of its tests.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    let mut chars = source.chars().peekable();
    while let Some(one) = chars.next() {
        match one {
            '/' if chars.peek() == Some(&'/') => while chars.next().is_some_and(|one| one != '\n') {},
            '\'' => {
                // A character: the next one or two are not the beginning of a text.
                if chars.peek() == Some(&'\\') {
                    chars.next();
                    chars.next();
                } else if chars.peek() == Some(&'"') {
                    chars.next();
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(one) = chars.next().filter(|one| *one != '"') {
                    match one {
                        '\\' => match chars.next() {
                            Some('n') => text.push('\n'),
                            Some('\n') => while chars.next_if(|one| one.is_whitespace()).is_some() {},
                            Some(other) => text.push(other),
                            None => {}
                        },
                        one => text.push(one),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
    }
    found
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !matches!(name, "tests" | "target" | "benches") {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

#[test]
fn every_command_in_the_texts_of_the_program_is_one() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sources(crates, &mut files);
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for file in files {
        // What seals a thing apart from others begins with our name and ends with a version.
        let is_label = |text: &str| text.trim_end().ends_with(" v1");
        let texts = literals(&std::fs::read_to_string(&file).unwrap()).into_iter();
        for literal in texts.filter(|text| !is_label(text)) {
            let fine = |text: &str| match text.contains('{') {
                true => FILLINGS.iter().any(|with| is_command(&filled(text, with))),
                false => is_command(text),
            };
            for command in offered(&literal) {
                seen += 1;
                if !fine(&command) {
                    wrong.push(format!("{}: {command}", file.strip_prefix(crates).unwrap().display()));
                }
            }
        }
    }
    assert!(seen > 200, "only {seen} were found");
    assert!(wrong.is_empty(), "no commands: {wrong:#?}");
}

/// Holds that everything that is offered there can be typed as it stands.
fn can_be_typed(said: &str, seen: &mut BTreeSet<String>) {
    for command in offered(said) {
        assert!(is_command(&command), "{command}: {said}");
        seen.insert(command);
    }
}

#[test]
fn every_command_that_is_offered_can_be_typed() {
    let mut seen = BTreeSet::new();
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let look = |more: &[&[&str]], seen: &mut BTreeSet<String>| {
            let always: &[&[&str]] = &[
                &["status"],
                &["status", "--check"],
                &["diff", "--offline"],
                &["diff", "--offline", "--from", "academic"],
                &["doctor"],
                &["explain", "academic"],
                &["sync", "--offline"],
                &["verify"],
                &["history"],
                &["artifacts", "--list"],
            ];
            for arguments in more.iter().chain(always) {
                // So wide that no line is broken.
                let output = stage.command(arguments).env("COLUMNS", "1000").output().unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                can_be_typed(&format!("{}\n{}", text(&output.stdout), text(&output.stderr)), seen);
            }
        };
        look(&[&["keep", "main", PROFILE], &["replace", "ops", PROFILE], &["instance", "show"]], &mut seen);
        look(&[&["vault", "init"], &["instance", "add", "--yes"]], &mut seen);
        // Somebody gives OpenClaw another key behind the vault's back.
        let dir = stage.path("other");
        let sample = Sample::new(layout).agent("stocks").agent("ops").agent("academic");
        let config = std::fs::read_to_string(stage.state_dir().join("openclaw.json")).unwrap();
        let sample = sample.config(serde_json::from_str(&config).unwrap());
        sample.api_key(StoreId::Base, PROFILE, GIVEN).write(&dir).unwrap();
        for part in ["agents", "state"] {
            let from = dir.join(part);
            if from.exists() {
                std::fs::remove_dir_all(stage.state_dir().join(part)).unwrap();
                std::fs::rename(from, stage.state_dir().join(part)).unwrap();
            }
        }
        let diff = stage.run(&["diff", "--offline"]);
        let question = diff.out.lines().find(|line| line.contains("on purpose: ")).unwrap_or_default();
        let adopt = "keyshoal credential adopt base anthropic:default";
        assert!(question.contains(adopt), "{}{}", diff.out, diff.err);
        let rotate = ["rotate", PROFILE, "--offline"];
        look(&[&rotate, &["rotate", PROFILE, "--rollback"], &["rotate", PROFILE, "--resume"]], &mut seen);
        let adopted = stage.run(&["credential", "adopt", "base", PROFILE, "--yes"]);
        assert_eq!(adopted.code, 0, "{}{}", adopted.out, adopted.err);
        let release = stage.run(&["instance", "release", "--yes"]);
        assert_eq!(release.code, 0, "{}{}", release.out, release.err);
        look(&[&["credential", "list"]], &mut seen);
    }
    assert!(seen.len() > 12, "{seen:#?}");
}

#[test]
fn what_is_no_command_is_found_out() {
    for text in [
        "keyshoal keep (base) x:default",
        "keyshoal credential show   lists",
        "keyshoal rotate … --rollback",
        "keyshoal sync --everything",
        "keyshoal credential take x",
    ] {
        assert_eq!(offered(text).len(), 1, "{text}");
        assert!(!is_command(&offered(text)[0]), "{text}");
    }
    let told = "say so: keyshoal keep a b   or   keyshoal sync --yes. Then `keyshoal status` is well; keyshoal is done";
    assert_eq!(offered(told), ["keyshoal keep a b", "keyshoal sync --yes"]);
    assert!(is_command("keyshoal sync brings it to every agent"));
}
