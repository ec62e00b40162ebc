use super::*;
use proptest::prelude::*;

fn with(text: &str) -> (String, Vec<String>) {
    let mut missing = Vec::new();
    let lookup = |name: &str| match name {
        "KEY" => Some("v1".to_owned()),
        "_X9" => Some("${KEY}".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let replaced = replace(text, &lookup, &mut missing);
    (replaced, missing)
}

#[test]
fn follows_the_rules_of_the_program() {
    let cases = [
        ("${KEY}", "v1"),
        ("a ${KEY} b ${KEY}", "a v1 b v1"),
        ("$${KEY}", "${KEY}"),
        ("$$${KEY}", "$${KEY}"),
        ("$KEY", "$KEY"),
        ("${key}", "${key}"),
        ("${9A}", "${9A}"),
        ("${KEY", "${KEY"),
        ("${}", "${}"),
        ("${NO}", "${NO}"),
        ("${EMPTY}", "${EMPTY}"),
        ("${a${KEY}", "${av1"),
        ("$${no}", "$${no}"),
        ("ü${KEY}ü", "üv1ü"),
        // What a variable holds is not looked at again.
        ("${_X9}", "${KEY}"),
    ];
    for (text, expected) in cases {
        assert_eq!(with(text).0, expected, "for {text}");
    }
    assert_eq!(with("${NO} ${EMPTY}").1, ["NO", "EMPTY"]);
}

#[test]
fn knows_references_to_the_environment() {
    assert_eq!(whole_variable(" ${OPENAI_API_KEY} "), Some("OPENAI_API_KEY"));
    assert_eq!(whole_variable("$OPENAI_API_KEY"), Some("OPENAI_API_KEY"));
    for other in ["${_X}", "$", "x${A}", "${A}x", "sk-1", "$a"] {
        assert_eq!(whole_variable(other), None, "for {other}");
    }
}

proptest! {
    #[test]
    fn text_without_variables_stays(text in "[a-z$ {}\"]*") {
        prop_assert_eq!(with(&text).0, text);
    }

    #[test]
    fn pieces_lose_nothing(text in any::<String>()) {
        let joined: String = pieces(&text)
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => (*text).to_owned(),
                Piece::Variable(name) => format!("${{{name}}}"),
                Piece::Escaped(name) => format!("$${{{name}}}"),
            })
            .collect();
        prop_assert_eq!(joined, text);
    }
}
