//! Writes a value as JSON5 in any manner: quotes, commas, lines, comments wherever they may stand.

use proptest::prelude::*;
use serde_json::Value;

/// How a config is written: choices, taken one after the other, over and over.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    choices: Vec<u8>,
    newline: &'static str,
}

impl Arbitrary for Manner {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let choices = prop_oneof![
            3 => prop::collection::vec(any::<u8>(), 1..64),
            // Plain: many lines, no comments.
            1 => Just(vec![0x10]),
            // Everything on one line.
            1 => Just(vec![0x00]),
        ];
        (choices, prop_oneof![Just("\n"), Just("\r\n")])
            .prop_map(|(choices, newline)| Self { choices, newline })
            .boxed()
    }
}

impl Manner {
    /// Returns the comments of a text that stand within what is nobody's but the person's: `tools` and `identity` at the root.
    pub(super) fn beside_others<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let Some(from) = text.find("<meta>") else { return Vec::new() };
        let to = text.find("</meta>").unwrap_or(text.len());
        let within = &text[from..to];
        within
            .split("/*")
            .skip(1)
            .filter_map(|rest| rest.split_once("*/"))
            .map(|(comment, _)| comment)
            .collect()
    }
}

/// Writes a value. What `meta` holds stands between marks in comments.
pub(super) fn written(value: &Value, manner: &Manner) -> String {
    let mut writer = Writer { manner, at: 0, comments: 0, out: String::new() };
    writer.trivia(0, true);
    writer.value(value, 0, &mut Vec::new());
    writer.trivia(0, true);
    writer.out
}

struct Writer<'a> {
    manner: &'a Manner,
    at: usize,
    comments: u32,
    out: String,
}

impl Writer<'_> {
    fn choose(&mut self) -> u8 {
        let choice = self.manner.choices[self.at % self.manner.choices.len()];
        self.at += 1;
        choice
    }

    /// Writes blanks and perhaps a comment; on a line of its own where `lines`.
    fn trivia(&mut self, depth: usize, lines: bool) {
        let choice = self.choose();
        self.comments += 1;
        match choice & 0x0f {
            1 => self.out.push_str(&format!(" /* c{} , ] }} */", self.comments)),
            2 if lines => {
                self.out.push_str(&format!(" // c{} ' , }} /*{}", self.comments, self.manner.newline))
            }
            3 => self.out.push(' '),
            _ => {}
        }
        if lines {
            self.out.push_str(self.manner.newline);
            self.out.push_str(&"  ".repeat(depth));
        }
    }

    fn value(&mut self, value: &Value, depth: usize, way: &mut Vec<String>) {
        match value {
            Value::Array(all) => {
                let items = all.iter().map(|one| (None, one)).collect();
                self.container(['[', ']'], items, depth, way);
            }
            Value::Object(all) => {
                let items = all.iter().map(|(key, one)| (Some(key.as_str()), one)).collect();
                self.container(['{', '}'], items, depth, way);
            }
            Value::String(text) => {
                let text = self.text(text);
                self.out.push_str(&text);
            }
            other => self.out.push_str(&other.to_string()),
        }
    }

    fn container(
        &mut self,
        around: [char; 2],
        items: Vec<(Option<&str>, &Value)>,
        depth: usize,
        way: &mut Vec<String>,
    ) {
        let choice = self.choose();
        let lines = choice & 0x10 != 0 && !items.is_empty();
        let meta = way.last().is_some_and(|key| key == "meta");
        self.out.push(around[0]);
        if meta {
            self.out.push_str("/*<meta>*/");
        }
        let last = items.len().saturating_sub(1);
        for (at, (key, value)) in items.iter().enumerate() {
            self.trivia(depth + 1, lines);
            if let Some(key) = key {
                let word = key.chars().all(|c| c.is_ascii_alphabetic());
                let key_text =
                    if word && self.choose() & 1 == 1 { (*key).to_owned() } else { self.text(key) };
                self.out.push_str(&key_text);
                self.trivia(depth + 1, false);
                self.out.push(':');
                self.trivia(depth + 1, false);
            }
            way.push(key.unwrap_or("*").to_owned());
            self.value(value, depth + 1, way);
            way.pop();
            self.trivia(depth + 1, false);
            if at < last || choice & 0x20 != 0 {
                self.out.push(',');
            }
        }
        if meta {
            self.out.push_str("/*</meta>*/");
        }
        self.trivia(depth, lines);
        self.out.push(around[1]);
    }

    fn text(&mut self, text: &str) -> String {
        let double = Value::from(text).to_string();
        if self.choose() & 1 == 0 {
            return double;
        }
        let inner = double[1..double.len() - 1].replace("\\\"", "\"").replace('\'', "\\'");
        format!("'{inner}'")
    }
}
