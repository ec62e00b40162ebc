//! `bundle`: evidence of before and after, and nothing that is nobody's business.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

fn opened(archive: &Path) -> BTreeMap<String, String> {
    let unzipped = flate2::read::GzDecoder::new(std::fs::File::open(archive).unwrap());
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(unzipped).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

/// An installation that was looked at before and after the source moved on.
fn rotated() -> Stage {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["status", "--quiet"]).code, 2);
    let main = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let text = std::fs::read_to_string(&main).unwrap().replace(NEW, GIVEN);
    std::fs::write(&main, text).unwrap();
    // Something that a person might have put where no secret belongs.
    let config = stage.state_dir().join("openclaw.json");
    let mut text: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    text["agents"]["list"][0]["name"] = format!("Ada {OWN}").into();
    std::fs::write(&config, text.to_string()).unwrap();
    stage
}

#[test]
fn the_archive_tells_before_from_after_and_holds_no_secret_and_no_home() {
    let stage = rotated();
    let archive = stage.path("evidence.tar.gz");
    let run = stage.run(&["bundle", "--out", archive.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.err);
    let files = opened(&archive);
    for name in [
        "README.md",
        "status.json",
        "status.txt",
        "doctor.json",
        "log.json",
        "log.txt",
        "looks.json",
        "history.json",
        "config.json",
        "report.md",
    ] {
        assert!(files.get(name).is_some_and(|text| !text.is_empty()), "{name}");
    }
    let home = stage.state_dir().parent().unwrap().display().to_string();
    for (name, text) in &files {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{name} holds a secret");
        }
        for personal in [home.as_str(), "seeded@example.com", "Ada"] {
            assert!(!text.contains(personal), "{name} holds {personal}");
        }
    }
    let looks: Value = serde_json::from_str(&files["looks.json"]).unwrap();
    let value = |at: usize| &looks[at]["seen"]["stores"]["base"]["profiles"][PROFILE][1];
    assert!(looks.as_array().unwrap().len() >= 2 && value(0) != value(1), "{looks:#}");
    let (now, then) = (value(0).as_str().unwrap(), value(1).as_str().unwrap());
    assert!(files["report.md"].contains(&format!("| {then} | {now} |")), "{}", files["report.md"]);
}

#[test]
fn the_draft_of_a_report_names_the_agents_that_were_missed() {
    let stage = rotated();
    let run = stage.run(&["bundle", "--upstream"]);
    assert_eq!(run.code, 0);
    for words in ["Expected", "What happens", "stocks", "Before and after", "To reproduce", "2026.3"] {
        assert!(run.out.contains(words), "{words}: {}", run.out);
    }
    for secret in SECRETS {
        assert!(!run.out.contains(secret));
    }
}
