//! Logins that other programs keep on this machine, by account: never their tokens.

use crate::files;
use crate::{Environment, examine::paths};
use keyshoal_core::Fingerprints;
use keyshoal_core::examination::OtherLogin;
use serde_json::Value;
use std::path::{Path, PathBuf};

const FILE_LIMIT: u64 = 16 << 20;

/// Returns the logins of Codex, of Claude Code and of MiniMax that this home holds.
pub fn found(home: &Path, env: &Environment, prints: &dyn Fingerprints) -> Vec<OtherLogin> {
    let dir = |variable: &str, name: &str| env.get(variable).map_or_else(|| home.join(name), PathBuf::from);
    let claude = dir("CLAUDE_CONFIG_DIR", ".claude");
    let codex = dir("CODEX_HOME", ".codex").join("auth.json");
    let minimax = home.join(".minimax").join("oauth_creds.json");
    let names = |value: &Value, pointers: &[&str]| -> Vec<String> {
        let text = pointers.iter().filter_map(|pointer| value.pointer(pointer)?.as_str());
        text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    };
    let of_codex = json(&codex).map(|it| names(&it, &["/tokens/account_id", "/account_id", "/email"]));
    // The account stands beside the tokens' file, in the program's general one.
    let general = if env.get("CLAUDE_CONFIG_DIR").is_some() {
        claude.join(".claude.json")
    } else {
        home.join(".claude.json")
    };
    let account = ["/oauthAccount/accountUuid", "/oauthAccount/emailAddress"];
    let of_claude = json(&claude.join(".credentials.json"))
        .filter(|it| it.get("claudeAiOauth").is_some())
        .map(|_| json(&general).map(|it| names(&it, &account)).unwrap_or_default());
    let of_minimax = json(&minimax).map(|it| names(&it, &["/account_id", "/email", "/resource_owner"]));
    let all = [
        ("Codex", codex, of_codex),
        ("Claude Code", claude.join(".credentials.json"), of_claude),
        ("MiniMax", minimax, of_minimax),
    ];
    let login = |(program, path, accounts): (&str, PathBuf, Option<Vec<String>>)| {
        let accounts = accounts?.iter().map(|name| prints.of(&["account", name])).collect();
        let meta = files::metadata(&path).ok().flatten();
        Some(OtherLogin {
            program: program.to_owned(),
            path: path.display().to_string(),
            accounts,
            modified: meta.and_then(|meta| paths::modified(&meta)),
        })
    };
    all.into_iter().filter_map(login).collect()
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&files::read(path, FILE_LIMIT).ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyshoal_core::Fingerprint;

    /// Tells texts apart by their length, which is enough here.
    struct Lengths;

    impl Fingerprints for Lengths {
        fn of(&self, parts: &[&str]) -> Fingerprint {
            let length = parts.iter().map(|part| part.len()).sum::<usize>();
            Fingerprint::from_bytes([u8::try_from(length).unwrap(); 16])
        }
    }

    #[test]
    fn only_accounts_are_read() {
        let home = tempfile::tempdir().unwrap();
        files::make_private_dir(&home.path().join(".codex")).unwrap();
        let mut file = files::create_new(&home.path().join(".codex/auth.json")).unwrap();
        let text = br#"{"tokens":{"access_token":"secret","refresh_token":"secret","account_id":"acct-1"}}"#;
        std::io::Write::write_all(&mut file, text).unwrap();
        let logins = found(home.path(), &Environment::default(), &Lengths);
        assert_eq!(logins.len(), 1);
        assert_eq!(logins[0].accounts, [Lengths.of(&["account", "acct-1"])]);
        assert!(!format!("{logins:?}").contains("secret"));
    }
}
