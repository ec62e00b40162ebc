use super::*;
use proptest::prelude::*;

/// What the real program's `normalizeAgentId` returned, the same in all five releases.
const SEEN: &[(&str, &str)] = &[
    ("main", "main"),
    ("Main", "main"),
    (" main ", "main"),
    ("A.B", "a-b"),
    ("日本", "main"),
    ("日本語-x", "x"),
    ("_under", "_under"),
    ("-abc", "abc"),
    ("--abc--", "abc"),
    ("abc-", "abc-"),
    ("a.", "a"),
    ("..", "main"),
    ("../etc", "etc"),
    ("__proto__", "__proto__"),
    ("constructor", "constructor"),
    ("a b  c", "a-b-c"),
    ("ÄÖ", "main"),
    ("stocksÄ", "stocks"),
    ("Straße", "stra-e"),
    ("\u{130}", "i"),
    ("K", "k"),
    ("\u{feff}main\u{feff}", "main"),
    ("\u{85}main", "main"),
    ("\u{a0}main\u{a0}", "main"),
    ("", "main"),
    ("   ", "main"),
    ("-", "main"),
    ("_", "_"),
    ("a_b", "a_b"),
    ("1", "1"),
    ("42", "42"),
    ("0x", "0x"),
    ("a/b", "a-b"),
    ("a\\b", "a-b"),
    ("a\u{0}b", "a-b"),
    ("a\nb", "a-b"),
    ("main\n", "main"),
    ("😀", "main"),
    ("😀x😀y", "x-y"),
    ("-_-", "_"),
    ("_-_", "_-_"),
    ("---x---y---", "x---y"),
    ("ops@home", "ops-home"),
    ("Σ", "main"),
    ("ΑΣ", "main"),
    ("a\u{200b}b", "a-b"),
    ("\u{3000}main", "main"),
];

#[test]
fn agrees_with_the_real_program() {
    for (written, expected) in SEEN {
        assert_eq!(normalize(written).as_str(), *expected, "for {written:?}");
    }
}

#[test]
fn agrees_with_the_real_program_on_long_names() {
    let seen = [
        (format!("a{}", "b".repeat(63)), format!("a{}", "b".repeat(63))),
        (format!("a{}", "b".repeat(64)), format!("a{}", "b".repeat(63))),
        (format!("_{}", "b".repeat(70)), format!("_{}", "b".repeat(63))),
        (format!("{}....{}", "x".repeat(60), "y".repeat(20)), format!("{}-yyy", "x".repeat(60))),
        ("A".repeat(64), "a".repeat(64)),
        ("A".repeat(65), "a".repeat(64)),
        (format!("{}z", "é".repeat(100)), "z".to_owned()),
    ];
    for (written, expected) in seen {
        assert_eq!(normalize(&written).as_str(), expected, "for {written:?}");
    }
}

proptest! {
    #[test]
    fn an_id_never_leaves_its_directory(written in any::<String>()) {
        let id = normalize(&written);
        prop_assert!((1..=64).contains(&id.as_str().len()));
        prop_assert!(id.as_str().chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')));
    }

    #[test]
    fn ids_of_the_entries_form_stay(key in "[a-z0-9][a-z0-9_-]{0,63}") {
        prop_assert!(is_entries_key(&key));
        let id = normalize(&key);
        prop_assert_eq!(id.as_str(), key.as_str());
    }

    #[test]
    fn case_and_space_around_do_not_matter(key in "[a-zA-Z0-9._ -]{1,80}") {
        let id = normalize(&key);
        prop_assert_eq!(&normalize(&format!("\u{feff} {key}\n")), &id);
        prop_assert_eq!(&normalize(&key.to_uppercase()), &id);
    }
}
