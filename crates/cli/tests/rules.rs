//! Rules of the house that a reader of one file cannot see: who reveals secrets, what snapshots hold, how long a file may be.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says by panicking what does not hold, and reads files as it likes"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files that reveal a secret, each with what it has to.
const REVEALING: &[(&str, &str)] = &[
    ("crates/alerts/src/send.rs", "shows an addressee's address and token to that addressee"),
    ("crates/alerts/src/sign.rs", "signs with the secret of a webhook"),
    ("crates/alerts/src/target.rs", "reads an address, to tell its host"),
    ("crates/cli/src/commands/artifacts.rs", "writes the documents of agents where a person wants them"),
    ("crates/cli/src/commands/credential/entry.rs", "puts a value into the entry that the vault seals"),
    (
        "crates/cli/src/commands/credential/value.rs",
        "takes the white space from around a value that was pasted",
    ),
    ("crates/cli/src/commands/export.rs", "shows a one-time code, or writes it into a file"),
    (
        "crates/cli/src/commands/import/take/lay.rs",
        "writes an imported config, what it includes, and a `.env`",
    ),
    ("crates/cli/src/commands/fresh.rs", "gives a key to OpenClaw on standard input"),
    ("crates/cli/src/commands/import/take/program.rs", "looks at the form of an imported config"),
    ("crates/cli/src/commands/shape.rs", "looks at the shape of a value that is given"),
    (
        "crates/cli/src/root/holdings.rs",
        "reads which agents were renamed, and what was delivered, which the vault seals with the rest",
    ),
    ("crates/cli/src/root/vault/passphrase.rs", "takes the line end from a passphrase, and counts its bytes"),
    ("crates/core/src/secret.rs", "is the type itself"),
    ("crates/local/src/book.rs", "takes values out of texts that leave the machine"),
    ("crates/local/src/change/image.rs", "makes the text that the ledger seals"),
    ("crates/local/src/configure.rs", "makes a fingerprint of the config's text"),
    ("crates/openclaw/src/artifacts/entry.rs", "writes values into the documents of stores"),
    ("crates/openclaw/src/artifacts/refs.rs", "writes values into the file that references lead to"),
    ("crates/openclaw/src/delivered.rs", "writes the file that references lead to"),
    ("crates/openclaw/src/candidates/config_key.rs", "tells the name of a variable from a value"),
    ("crates/openclaw/src/candidates/environment.rs", "tells blank variables, and reads settings from them"),
    ("crates/openclaw/src/config.rs", "reads a config that is to be written"),
    ("crates/openclaw/src/config/dotenv.rs", "writes variables into a `.env`"),
    ("crates/openclaw/src/config/edit/whole.rs", "writes a config, whose channels and gateway hold values"),
    ("crates/openclaw/src/config/generate/roster.rs", "reads what an agent's entry held when it left"),
    (
        "crates/openclaw/src/config/generate/settings.rs",
        "writes channels and the gateway's token into a config",
    ),
    ("crates/openclaw/src/config/doors.rs", "finds what a config lets in at the gateway"),
    ("crates/openclaw/src/config/inline.rs", "brings texts that a config includes into its own"),
    ("crates/openclaw/src/config/places.rs", "finds the places of a machine that a config names"),
    ("crates/openclaw/src/config/raw.rs", "reads a part of a config that may hold values"),
    ("crates/openclaw/src/config/variables.rs", "looks variables up, as the program does"),
    ("crates/openclaw/src/gateway/discovery.rs", "reads the port from a variable"),
    ("crates/openclaw/src/gateway/handshake.rs", "shows the gateway's token to the gateway"),
    ("crates/openclaw/src/plain_files.rs", "puts the text of a file back, and makes a fingerprint of it"),
    ("crates/openclaw/src/store/edits.rs", "writes values into stores"),
    ("crates/openclaw/src/store/model.rs", "makes fingerprints"),
    (
        "crates/providers/src/advice.rs",
        "looks for a value in what a provider said, so that it is not repeated",
    ),
    ("crates/providers/src/client.rs", "goes through a proxy, whose address may carry a password"),
    ("crates/providers/src/probe.rs", "shows a value to its provider"),
    ("crates/providers/src/prober.rs", "looks at the shape of a value before it is sent anywhere"),
    ("crates/providers/src/transport.rs", "sends the config's headers"),
    ("crates/seal/src/data_key.rs", "seals"),
    ("crates/seal/src/keys/passphrase.rs", "makes a key of a passphrase"),
    ("crates/seal/src/code.rs", "derives keys from a code that a person typed"),
    ("crates/seal/src/seal_key.rs", "seals"),
    ("crates/transfer/src/check.rs", "looks whether settings are JSON"),
    ("crates/transfer/src/entry.rs", "looks whether a profile's entry is JSON"),
    ("crates/transfer/src/gather/settings.rs", "looks whether settings are JSON"),
    ("crates/transfer/src/gather/stores.rs", "takes refresh tokens out of logins"),
    ("crates/transfer/src/preview/asks.rs", "reads whom to ask from a provider's settings"),
    ("crates/transfer/src/write.rs", "writes values into a payload"),
];

/// Longer than this, a file needs a reason.
const LONGEST: usize = 300;

/// The files that are longer, and why.
const LONGER: &[(&str, &str)] = &[
    ("crates/engine/src/watch/state.rs", "one state machine"),
    ("crates/openclaw/src/store/edits.rs", "every edit of a store, with the invariants between them"),
    ("crates/providers/src/rules.rs", "one table of rules, a row for each answer that was seen"),
];

/// How secrets begin, in the tests and in the world.
const SECRETS: &[&str] = &[
    "sk-",
    "sk_",
    "AIza",
    "xox",
    "ghp_",
    "gsk_",
    "eyJ",
    "BEGIN",
    "key-old",
    "key-new",
    "key-own",
    "oauth-access",
    "oauth-refresh",
    "gateway-token",
];

fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Returns the files below a folder of the house whose names end so, by their paths in the house.
fn files(below: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut paths = Vec::new();
    walk(&house().join(below), &mut paths);
    paths.sort();
    let named = paths.into_iter().filter_map(|path| {
        let name = path.strip_prefix(house()).unwrap().to_str().unwrap().to_owned();
        name.ends_with(ending).then(|| (name, std::fs::read_to_string(path).unwrap()))
    });
    named.collect()
}

/// The sources of the program and of what is measured, not those of tests.
fn sources() -> Vec<(String, String)> {
    let all = files("crates", ".rs").into_iter().chain(files("benches", ".rs"));
    all.filter(|(name, _)| name.contains("/src/") && !name.starts_with("crates/testkit/")).collect()
}

/// Returns what of a file is not its tests.
fn shipped<'a>(name: &str, text: &'a str) -> &'a str {
    let tests = name.ends_with("/tests.rs") || name.contains("/tests/");
    if tests { "" } else { text.split("#[cfg(test)]").next().unwrap() }
}

#[test]
fn secrets_are_revealed_only_where_it_has_to_be() {
    let reveals: BTreeSet<String> = sources()
        .into_iter()
        .filter(|(name, text)| {
            shipped(name, text)
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains("reveal_secret"))
        })
        .map(|(name, _)| name)
        .collect();
    let may: BTreeSet<String> = REVEALING.iter().map(|(name, _)| (*name).to_owned()).collect();
    let wrong: Vec<&String> = reveals.symmetric_difference(&may).collect();
    assert!(
        wrong.is_empty(),
        "these reveal a secret and are not listed, or are listed and do not: {wrong:#?}"
    );
}

#[test]
fn no_snapshot_holds_a_secret() {
    let snapshots = files("crates", ".snap");
    assert!(snapshots.len() >= 5, "where are the snapshots? {}", snapshots.len());
    let wrong: Vec<String> = snapshots.iter().flat_map(|(name, text)| found_in(name, text)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Says which lines hold what looks like a secret.
fn found_in(name: &str, text: &str) -> Vec<String> {
    let begins = |line: &str, prefix: &str| {
        line.match_indices(prefix)
            .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric()))
    };
    let lines = text.lines().enumerate();
    let suspicious = lines.filter(|(_, line)| SECRETS.iter().any(|prefix| begins(line, prefix)));
    suspicious.map(|(at, line)| format!("{name}:{}: {line}", at + 1)).collect()
}

#[test]
fn a_secret_in_a_snapshot_would_be_found() {
    let text = "---\nfine: 5f0c8e1d\n  \"key\": \"sk-ant-api03-seeded-new\"\nrisk-free, keyed\n";
    assert_eq!(found_in("a.snap", text), ["a.snap:3:   \"key\": \"sk-ant-api03-seeded-new\""]);
}

#[test]
fn a_file_is_long_for_a_reason_or_not_at_all() {
    let long: BTreeSet<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > LONGEST)
        .map(|(name, _)| name)
        .collect();
    let may: BTreeSet<String> = LONGER.iter().map(|(name, _)| (*name).to_owned()).collect();
    let wrong: Vec<&String> = long.symmetric_difference(&may).collect();
    assert!(
        wrong.is_empty(),
        "these are long and not listed in LONGER (split them, or say why not), or are listed and are not: {wrong:#?}"
    );
}
