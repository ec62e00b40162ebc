//! The README's table against the code.

use keyshoal_core::{FindingKind, Severity};

const README: &str = include_str!("../../../../README.md");

#[test]
fn the_table_of_findings_is_the_codes() {
    let rows: Vec<Vec<&str>> = README
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let said: Vec<(&str, &str, &str)> = rows
        .iter()
        .filter(|row| row.len() == 5)
        .map(|row| (row[0].trim_matches('`'), row[2], row[3]))
        .collect();
    let is: Vec<(&str, &str, &str)> = FindingKind::ALL
        .iter()
        .map(|kind| match kind.severity() {
            Severity::Fine => (kind.as_str(), "fine", "0"),
            Severity::Info => (kind.as_str(), "info", "0"),
            Severity::Attention => (kind.as_str(), "attention", "2"),
        })
        .collect();
    assert_eq!(said, is);
}

#[test]
fn symbols_in_the_table_are_those_on_the_screen() {
    for kind in FindingKind::ALL {
        let row = README.lines().find(|line| line.starts_with(&format!("| `{kind}`"))).unwrap();
        assert!(row.contains(keyshoal_cli::render::words::symbol(kind)), "{row}");
    }
}

#[test]
fn the_table_of_checks_is_the_codes() {
    let section =
        README.split("\n## ").find(|section| section.starts_with("What `doctor` looks at")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let said: Vec<(String, String)> = rows
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[1].to_owned())
        })
        .collect();
    let is: Vec<(String, String)> = keyshoal_engine::doctor::CHECKS
        .iter()
        .map(|check| (check.id.to_owned(), check.question.to_owned()))
        .collect();
    assert_eq!(said, is);
}
