use super::*;
use proptest::prelude::*;

/// A text and what it sets.
type Seen = (&'static str, &'static [(&'static str, &'static str)]);

/// What the `dotenv` package of 2026.9.6 read from these texts, without names that are not portable.
const SEEN: &[Seen] = &[
    ("A=1", &[("A", "1")]),
    ("A=1\nB=2", &[("A", "1"), ("B", "2")]),
    (" export A = x y ", &[("A", "x y")]),
    ("A='q # x' # c", &[("A", "q # x")]),
    ("A=\"l1\\nl2\"", &[("A", "l1\nl2")]),
    ("A=\"two\nlines\"", &[("A", "two\nlines")]),
    ("A=`b 'q'`", &[("A", "b 'q'")]),
    ("A=x#y", &[("A", "x")]),
    ("A=#y", &[("A", "")]),
    ("A=", &[("A", "")]),
    ("A=\n B=2", &[("A", ""), ("B", "2")]),
    ("A: 1", &[("A", "1")]),
    ("A:1", &[]),
    ("1A=2", &[]),
    ("a.b-c=3", &[]),
    ("A='unfinished\nB=2", &[("A", "'unfinished"), ("B", "2")]),
    ("A='x' y", &[("A", "'x' y")]),
    ("A=\"a\\\"b\"", &[("A", "a\\\"b")]),
    ("A=1\nA=2", &[("A", "2")]),
    ("# A=1", &[]),
    ("junk\nA=1", &[("A", "1")]),
    ("A==1", &[("A", "=1")]),
    ("A = 'x'", &[("A", "x")]),
    ("\u{feff}A=1", &[("A", "1")]),
    ("exportA=1", &[("exportA", "1")]),
    ("A=\"x\" # y", &[("A", "x")]),
    ("A='a'b'", &[("A", "a'b")]),
    ("A=\"\"", &[("A", "")]),
    ("export\tA=1", &[("A", "1")]),
    ("A=sk-1 # key", &[("A", "sk-1")]),
    ("A=\"a'b\"", &[("A", "a'b")]),
    ("A=\"x\\ry\"", &[("A", "x\ry")]),
    ("A=\t'q'", &[("A", "q")]),
    ("A=x\r\nB=y\r\n", &[("A", "x"), ("B", "y")]),
    ("A='multi\nline' # c\nB=2", &[("A", "multi\nline"), ("B", "2")]),
    ("A=1 B=2", &[("A", "1 B=2")]),
    ("A\n=1", &[("A", "1")]),
    ("A=\n'x'", &[("A", "x")]),
    ("A=\n\n\nB=3", &[("A", ""), ("B", "3")]),
    ("A:   \nB=3", &[("A", ""), ("B", "3")]),
];

#[test]
fn agrees_with_the_real_parser() {
    for (text, expected) in SEEN {
        let found = parse(text);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, *expected, "for {text:?}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>()) {
        parse(&text);
    }

    #[test]
    fn never_panics_on_what_looks_real(text in "([A-Z]{1,3}|export| |=|:|'|\"|`|#|\\\\|\n|\r|é){0,40}") {
        parse(&text);
    }

    #[test]
    fn plain_values_are_read_back(key in "[A-Z_][A-Z0-9_]{0,12}", value in "[a-zA-Z0-9_./+-]{1,40}") {
        let plain = parse(&format!("{key}={value}\n"));
        prop_assert_eq!(plain.get(&key), Some(&value));
        let quoted = parse(&format!("  export {key} = \"{value}\" # note"));
        prop_assert_eq!(quoted.get(&key), Some(&value));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        pairs in proptest::collection::btree_map("[A-Z_][A-Z0-9_]{0,8}", "(?s).{0,24}|[a-z'\"`\\\\#\n =]{0,12}", 0..6)
    ) {
        let held: BTreeMap<String, Secret> =
            pairs.iter().map(|(name, value)| (name.clone(), Secret::new(value.as_str()))).collect();
        if let Some(text) = super::text(held.iter().map(|(name, value)| (name.as_str(), value))) {
            prop_assert_eq!(parse(text.reveal_secret()), pairs);
        } else {
            // Only a value with every quote, or with a line break that no form keeps, cannot be written.
            let hard = |value: &String| ['\'', '`', '\\', '\r'].iter().any(|one| value.contains(*one));
            prop_assert!(pairs.values().any(hard), "{:?}", pairs);
        }
    }
}
