//! The alert rules against the families that are exported.

use keyshoal_core::FindingKind;
use keyshoal_metrics::{FAMILIES, Type};
use std::collections::BTreeSet;

const RULES: &str = include_str!("../../../../contrib/prometheus/keyshoal.rules.yml");

/// Returns every word of a text that begins like a family's name.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
    words.filter(|word| word.starts_with("keyshoal_")).collect()
}

#[test]
fn rules_name_only_what_is_exported() {
    let mut exported = BTreeSet::new();
    for family in FAMILIES {
        match family.kind {
            Type::Counter | Type::Gauge => {
                exported.insert(family.name.to_owned());
            }
            Type::Histogram(_) => {
                exported.extend(["bucket", "sum", "count"].map(|ending| format!("{}_{ending}", family.name)));
            }
        }
    }
    let expressions: Vec<&str> =
        RULES.lines().filter_map(|line| line.trim_start().strip_prefix("expr: ")).collect();
    assert_eq!(expressions.len(), RULES.matches("- alert: ").count());
    for expression in expressions {
        let named = names(expression);
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(exported.contains(name), "{name} is not exported: {expression}");
        }
    }
}

#[test]
fn rules_name_only_labels_and_words_that_there_are() {
    for line in RULES.lines().filter(|line| line.trim_start().starts_with("expr: ")) {
        for (before, rest) in line.match_indices('{').map(|(at, _)| (&line[..at], &line[at + 1..])) {
            let name = names(before).pop_last().unwrap();
            let family = FAMILIES.iter().find(|family| family.name == name).unwrap();
            let (label, rest) = rest.split_once(['=', '!']).unwrap();
            assert!(family.labels.contains(&label), "{name} has no label {label}");
            let words = rest.split('"').nth(1).unwrap().split('|');
            for word in words.filter(|_| label == "finding") {
                assert!(FindingKind::ALL.iter().any(|kind| kind.as_str() == word), "{word} is no finding");
            }
        }
    }
}
