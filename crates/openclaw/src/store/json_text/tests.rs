//! The scanner against serde_json, whose grammar is the same but for halves of surrogate pairs.

use super::*;
use proptest::prelude::*;

#[test]
fn it_takes_what_javascript_takes_and_nothing_else() {
    for good in [
        "0",
        "-0.0",
        "1E+2",
        "1e-400",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        " [ ] ",
        "{\"a\":1,\"a\":2}",
        "\"\u{7f}\u{2028}\"",
    ] {
        assert!(Document::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        " ",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "NaN",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\t\"",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":1,}",
        "1 2",
        "\u{feff}1",
        "\u{a0}1",
        "// x\n1",
        "'a'",
        "[1",
        "{\"a\":1",
    ] {
        assert!(Document::parse(bad).is_err(), "{bad}");
    }
    let torn = "{\"version\":1,\"profiles\":{\"a\":{\"key\":\"x\\n\",\"n\":tru";
    for end in 0..=torn.len() {
        assert!(Document::parse(&torn[..end]).unwrap_err().cut_short, "{}", &torn[..end]);
    }
    assert_eq!(Document::parse("\"\\ud83d\\ude00\\ud83d\"").unwrap().root().as_str(), None);
    assert_eq!(Document::parse("\"\\ud83d\\ude00\\/\"").unwrap().root().as_str(), Some("😀/"));
    let errors: Vec<String> = ["{\n  \"key\": secret}", "[\"sk-secret"]
        .map(|bad| Document::parse(bad).unwrap_err().to_string())
        .into();
    assert!(errors.iter().all(|error| !error.contains("secret")), "{errors:?}");
    assert!(errors[0].contains("line 2, column 10"), "{errors:?}");
}

proptest! {
    #[test]
    fn it_agrees_with_another_reader(text in "[\\[\\]{}\",:0-9a-z\\\\ .\\-+eEu\n\t\u{e9}]{0,24}") {
        // The other reader refuses numbers beyond f64, which JavaScript takes for infinity; short digits do not get there.
        prop_assume!(!text.contains(['e', 'E']) || !text.contains(|c: char| c.is_ascii_digit()));
        prop_assert_eq!(Document::parse(text.as_str()).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn strings_come_out_as_they_went_in(text in "\\PC*|[\u{0}-\u{1f}\u{80}-\u{9f}\"\\\\]*") {
        let doc = Document::parse(Fresh::string(text.as_str()).render(&Style::cell(), 0)).unwrap();
        prop_assert_eq!(doc.root().as_str(), Some(text.as_str()));
    }
}
