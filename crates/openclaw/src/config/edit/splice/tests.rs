use super::*;
use proptest::prelude::*;
use serde_json::json;

fn steps(way: &str) -> Vec<String> {
    way.split('.').map(str::to_owned).collect()
}

fn set_text(text: &str, way: &str, value: Value) -> String {
    set(text, &steps(way), &value).unwrap().text
}

#[test]
fn adds_members_in_the_style_around_them() {
    let cases = [
        ("{}", "m.t", r#"{ "m": {"t":1} }"#),
        ("{ }", "m", r#"{ "m": 1 }"#),
        ("{a:1}", "m", "{a:1, m: 1}"),
        (r#"{"a":1}"#, "m", r#"{"a":1, "m": 1}"#),
        ("{ a: 1, }", "m", "{ a: 1, m: 1, }"),
        ("{ a: 1 // x\n}", "m", "{ a: 1, m: 1 // x\n}"),
        ("{\n  a: 1 // x\n}\n", "m", "{\n  a: 1, // x\n  m: 1\n}\n"),
        ("{\n  a: 1 /* x\n y */ // z\n  // end\n}", "m", "{\n  a: 1, /* x\n y */ // z\n  m: 1\n  // end\n}"),
        ("{\n\ta: 1,\n\t// end\n}\n", "m.t", "{\n\ta: 1,\n\tm: {\n\t\t\"t\": 1\n\t},\n\t// end\n}\n"),
        ("{\r\n  a: 1,\r\n}\r\n", "m", "{\r\n  a: 1,\r\n  m: 1,\r\n}\r\n"),
        ("{\n  a: 1\n  , // late\n}", "m", "{\n  a: 1\n  , // late\n  m: 1,\n}"),
        ("{\n  a: {\n  },\n}", "a.m", "{\n  a: {\n    m: 1\n  },\n}"),
        ("{\n  a: { b: 2 }, // m\n}", "a.m", "{\n  a: { b: 2, m: 1 }, // m\n}"),
        ("{\n  a: 1, b: 2 }", "m", "{\n  a: 1, b: 2, m: 1 }"),
        ("// head\n{\n    // only\n}\n// tail", "m", "// head\n{\n  \"m\": 1\n    // only\n}\n// tail"),
        ("{a: 1}", "x-y z", "{a: 1, \"x-y z\": 1}"),
        ("{'a': ',}', b: '//', }", "m", "{'a': ',}', b: '//', m: 1, }"),
    ];
    for (before, way, after) in cases {
        assert_eq!(set_text(before, way, json!(1)), after, "for {before:?}");
    }
}

#[test]
fn replaces_only_the_value() {
    let cases = [
        ("{a: /* c */ 'x' /* d */, b: 2}", "a", json!("y"), "{a: /* c */ \"y\" /* d */, b: 2}"),
        ("{a: [1, {b: Infinity}]}", "a.1.b", json!(3), "{a: [1, {b: 3}]}"),
        // The last of equal keys counts.
        ("{a: 1, a: 2}", "a", json!(3), "{a: 1, a: 3}"),
        ("{\n  a: {\n    b: 1,\n  },\n}", "a", json!({"c": 2}), "{\n  a: {\n    \"c\": 2\n  },\n}"),
        (r#"{"a": 1}"#, "a", json!("x"), r#"{"a": "x"}"#),
    ];
    for (before, way, value, after) in cases {
        assert_eq!(set_text(before, way, value), after, "for {before:?}");
    }
}

#[test]
fn refuses_with_a_place() {
    let refused = |text: &str, way: &str| set(text, &steps(way), &json!(1)).unwrap_err();
    assert_eq!(refused("{a: [1]}", "a.1").at, 4);
    assert_eq!(refused("{a: [1]}", "a.x").at, 4);
    assert_eq!(refused("{a: 'text'}", "a.b").at, 4);
    // Valid JSON5 that the editor's parser does not read.
    assert_eq!(refused("{\\u0061: 1}", "b").problem, "is written in a way that cannot be edited safely");
    // Missing commas are not JSON5.
    assert_eq!(refused("{a: 1 b: 2}", "c").problem, "is written in a way that cannot be edited safely");
    assert_eq!(refused("// nothing", "c").problem, "is empty");
}

/// Text between tokens.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        4 => Just(" ".to_owned()),
        2 => Just("\n  ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just(" // it's {[,\n".to_owned()),
        1 => Just(" /* , } \n \" */ ".to_owned()),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("1".to_owned()),
        Just("0x1F".to_owned()),
        Just("+.5".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("'a // \\' b'".to_owned()),
        Just("\"c } , \\\" \\u00e9\"".to_owned()),
        Just("'line\\\ncontinued'".to_owned()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-e]", "\"[a-e]\"", "'[a-e]'"]
}

/// JSON5 text in any formatting.
fn document() -> impl Strategy<Value = String> {
    let value = scalar().prop_recursive(4, 40, 5, |inner| {
        let member = (gap(), key(), gap(), gap(), inner.clone(), gap())
            .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
        let element = (gap(), inner, gap()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let list = |open: char, close: char| {
            move |(items, comma, end): (Vec<String>, bool, String)| {
                let comma = if comma && !items.is_empty() { "," } else { "" };
                format!("{open}{}{comma}{end}{close}", items.join(","))
            }
        };
        prop_oneof![
            3 => (prop::collection::vec(member, 0..5), any::<bool>(), gap()).prop_map(list('{', '}')),
            1 => (prop::collection::vec(element, 0..4), any::<bool>(), gap()).prop_map(list('[', ']')),
        ]
    });
    (gap(), value, gap())
        .prop_map(|(before, value, after)| format!("{before}{value}{after}"))
        .prop_filter("an object", |text| json5::from_str::<Value>(text).is_ok_and(|value| value.is_object()))
}

/// Returns what `before` becomes when the value at `way` is set, objects added on the way.
fn model(before: &Value, way: &[String], value: &Value) -> Option<Value> {
    let Some((first, rest)) = way.split_first() else { return Some(value.clone()) };
    let mut after = before.clone();
    match &mut after {
        Value::Object(members) => {
            let empty = Value::Object(serde_json::Map::new());
            let inner = model(members.get(first).unwrap_or(&empty), rest, value)?;
            members.insert(first.clone(), inner);
        }
        Value::Array(elements) => {
            let index: usize = first.parse().ok()?;
            *elements.get_mut(index)? = model(elements.get(index)?, rest, value)?;
        }
        _ => return None,
    }
    Some(after)
}

/// Returns how many bytes two texts share at the beginning, and of the rest at the end.
fn shared(old: &str, new: &str) -> (usize, usize) {
    let front = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - front;
    let back = old.bytes().rev().zip(new.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    (front, back)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// A random edit of a random text changes exactly the value, and no byte outside of it.
    #[test]
    fn an_edit_keeps_every_other_byte(
        text in document(),
        way in prop::collection::vec("[a-g]|[0-2]", 1..4),
        value in prop_oneof![Just(json!("2026-11-22T12:00:00.000Z")), Just(json!({"mode": "token", "n": [1, {}]})), Just(json!(7))],
    ) {
        let before: Value = json5::from_str(&text).unwrap();
        let there = before.pointer(&format!("/{}", way.join("/"))).is_some();
        match (set(&text, &way, &value), model(&before, &way, &value)) {
            (Ok(spliced), Some(expected)) => {
                let after: Value = json5::from_str(&spliced.text).unwrap();
                prop_assert_eq!(&after, &expected);
                if there {
                    // Only the value itself may have gone: what stands before and behind the new one is the old text.
                    let new = &spliced.text;
                    prop_assert_eq!(&new[..spliced.at], &text[..spliced.at]);
                    let printed = (1..=new.len() - spliced.at)
                        .filter(|length| new.is_char_boundary(spliced.at + length))
                        .find(|length| text.ends_with(&new[spliced.at + length..]) && json5::from_str::<Value>(&new[spliced.at..spliced.at + length]).is_ok_and(|found| found == value));
                    prop_assert!(printed.is_some(), "{new:?}");
                    let gone = &text[spliced.at..text.len() - (new.len() - spliced.at - printed.unwrap())];
                    prop_assert_eq!(gone.trim(), gone);
                    let gone: Option<Value> = json5::from_str(gone).ok();
                    prop_assert_eq!(gone.as_ref(), before.pointer(&format!("/{}", way.join("/"))));
                } else {
                    // Nothing may have gone: the old text is the new one without what was put in, a comma and a member.
                    let mut rest = spliced.text.as_str();
                    for c in text.chars() {
                        let at = rest.find(c);
                        prop_assert!(at.is_some(), "{c:?} of {text:?} is missing in {:?}", spliced.text);
                        rest = &rest[at.unwrap() + c.len_utf8()..];
                    }
                    let (front, back) = shared(&text, &spliced.text);
                    let between = &text[front.min(text.len() - back)..text.len() - back];
                    let blank = json5::from_str::<Value>(&format!("[{between}\n]"));
                    prop_assert_eq!(blank.ok(), Some(json!([])), "only blanks and comments may stand between comma and member");
                }
            }
            (Err(_), None) => {}
            (edited, expected) => prop_assert!(false, "{edited:?} but {expected:?}"),
        }
    }

    #[test]
    fn never_panics(text in any::<String>(), way in prop::collection::vec(any::<String>(), 1..4)) {
        let _ = set(&text, &way, &json!(1));
    }
}
