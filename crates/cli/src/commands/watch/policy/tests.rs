//! What a policy's text means.

use super::*;

#[test]
fn without_a_word_it_only_reports() {
    let policy = parse("", Path::new("x")).unwrap();
    assert!(!policy.repair && policy.ask_providers);
    assert!(parse("[watch]\npolicy = \"repair\"\n", Path::new("x")).unwrap().repair);
}

#[test]
fn the_readme_shows_every_key_with_what_counts_without_it() {
    let readme = include_str!("../../../../../../README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    assert_eq!(parse(shown, Path::new("x")).unwrap(), parse("", Path::new("x")).unwrap());
    let all = shown.replace("# restart", "restart").replace("# gateway", "gateway");
    let policy = parse(&all.replacen("\"auto\"", "\"restart\"", 1), Path::new("x")).unwrap();
    assert!(policy.restart_command.is_some() && policy.gateway_token_file.is_some());
}

#[test]
fn a_mistake_is_an_error_and_no_policy() {
    for text in [
        "[watch]\npolicy = \"repare\"",
        "[watch]\nrepair = true",
        "[wacht]",
        "[watch]\nevery_seconds = 0",
        "[watch]\nrestart_command = \"x\"",
        "[watch]\ngateway_token_file = \"token\"",
    ] {
        assert!(parse(text, Path::new("x")).is_err(), "{text}");
    }
}

#[test]
fn what_the_gateway_may_be_done_can_be_said() {
    let text = "[watch]\nactivate = \"restart\"\nrestart_command = \"x y\"\nallow_device = true\ngateway_token_file = \"/t\"";
    let policy = parse(text, Path::new("x")).unwrap();
    assert_eq!(policy.restart_command.as_deref(), Some("x y"));
    let globals = policy.globals(&Globals::default());
    assert!(globals.allow_device);
    assert_eq!(globals.gateway_token_file, Some("/t".into()));
    let given = Globals { gateway_token_file: Some("/mine".into()), ..Globals::default() };
    assert_eq!(policy.globals(&given).gateway_token_file, Some("/mine".into()));
}

#[test]
fn another_file_at_the_same_place_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let watched = |path: &Path| Watched { path: path.to_owned(), stamp: Stamp::of(path) };
    let before = watched(&path);
    assert!(!before.has_changed());
    root::write_file(&path, "[watch]\npolicy = \"report\"\n").unwrap();
    assert!(before.has_changed());
    let before = watched(&path);
    root::write_file(&path, "[watch]\npolicy = \"repair\"\n").unwrap();
    assert!(before.has_changed(), "as long as before");
}

#[test]
fn changing_the_word_keeps_the_rest() {
    let before = "# mine\n[watch]\nevery_seconds = 5\npolicy = \"report\" # careful\n";
    let after = with_word(before, true);
    assert_eq!(after, "# mine\n[watch]\nevery_seconds = 5\npolicy = \"repair\"\n");
    for text in ["", "# only a comment\n", "[watch]\n", before] {
        assert!(parse(&with_word(text, true), Path::new("x")).unwrap().repair, "{text}");
        assert!(!parse(&with_word(&with_word(text, true), false), Path::new("x")).unwrap().repair, "{text}");
    }
}

/// The README's section on alarms: the example, and the keys that its table names.
fn alarms_in_the_readme() -> (String, Vec<String>) {
    let readme = include_str!("../../../../../../README.md");
    let (_, section) = readme.split_once("### Alarms and metrics\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, rest) = section.split_once("```toml\n").unwrap();
    let (example, table) = rest.split_once("```").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let first = rows.filter_map(|line| line.split('|').nth(1));
    let keys = first.flat_map(|cell| cell.split(',').map(|key| key.trim().trim_matches('`').to_owned()));
    (example.to_owned(), keys.collect())
}

#[test]
fn the_readme_names_every_key_of_alarms_and_its_example_is_read() {
    let (example, keys) = alarms_in_the_readme();
    let policy = parse(&example, Path::new("x")).unwrap();
    let kinds: Vec<&str> = policy.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, ["webhook", "slack", "telegram", "ntfy", "command"]);
    let without = parse("", Path::new("x")).unwrap();
    assert_eq!((&policy.verify, policy.hysteresis), (&without.verify, without.hysteresis));
    assert!(policy.metrics.is_some() && without.metrics.is_none() && without.alerts.is_empty());
    let mut shown: Vec<&str> = example.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    shown.sort_unstable();
    shown.dedup();
    let mut named: Vec<&str> = keys.iter().map(String::as_str).collect();
    named.sort_unstable();
    // The example has `secret_file`; who wants it inline writes `secret`.
    let inline = named.iter().copied().filter(|key| *key != "secret").collect::<Vec<_>>();
    assert_eq!(inline, shown);
    assert!(
        parse("[[alert]]\nkind = \"webhook\"\nurl = \"https://x\"\nsecret = \"s\"", Path::new("x")).is_ok()
    );
}

#[test]
fn a_mistake_in_an_alert_is_an_error_that_repeats_no_secret() {
    for text in [
        "[[alert]]\nkind = \"pigeon\"",
        "[[alert]]\nurl = \"s3cret\"",
        "[[alert]]\nkind = \"slack\"",
        "[[alert]]\nkind = \"slack\"\nurl = \"s3cret\"\nurl_file = \"/x\"",
        "[[alert]]\nkind = \"slack\"\nurl_file = \"x\"",
        "[[alert]]\nkind = \"slack\"\nurl = \"s3cret\"\ntoken = \"s3cret\"",
        "[[alert]]\nkind = \"slack\"\nurl = \"s3cret\"\nquiet = \"night\"",
        "[[alert]]\nkind = \"slack\"\nurl = [\"s3cret\"]",
        "[[alert]]\nkind = \"slack\"\nurl = \"s3cret\" oops",
        "[[alert]]\nkind = \"slack\"\nurgent_too = \"s3cret\"",
        "[[alert]]\nkind = \"slack\"\nurl = \"s3cret\"\n[[alert]]\nkind = \"slack\"\nurl = \"s3cret\"",
        "[metrics]\nlisten = \"0.0.0.0:9464\"",
        "[metrics]\nlisten = \"localhost\"",
        "[verify]\nevery_minutes = -1",
    ] {
        let error = parse(text, Path::new("x")).unwrap_err();
        let said: String = error.lines().iter().map(crate::ui::Text::to_plain).collect();
        assert!(!said.contains("s3cret"), "{said}");
    }
    assert!(parse("[metrics]\nlisten = \"0.0.0.0:9464\"\nallow_remote = true", Path::new("x")).is_ok());
    let none = parse("[verify]\nevery_minutes = 0\nafter_change = false", Path::new("x")).unwrap();
    assert!(!none.verify.is_on());
}

#[test]
fn a_secret_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let text = "[[alert]]\nkind = \"slack\"\nurl = \"http://hooks.example/s3cret\"\n";
    root::write_file(&path, text).unwrap();
    let notes = || parse(text, &path).unwrap().alerts[0].target(&path).unwrap().1;
    assert_eq!(notes().len(), 1, "plain http: {:?}", notes());
    chmod(&path, std::fs::Permissions::from_mode(0o644));
    let notes = notes();
    assert!(notes.iter().any(|note| note.contains("readable by others")), "{notes:?}");
    assert!(!format!("{notes:?}").contains("s3cret"));
}

#[expect(clippy::disallowed_methods, reason = "a test plays the person who is careless")]
fn chmod(path: &Path, permissions: std::fs::Permissions) {
    std::fs::set_permissions(path, permissions).unwrap();
}
