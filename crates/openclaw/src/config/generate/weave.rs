//! Weaving a change into the text of a config: what stays, stays byte for byte, with its comments.

mod look;
mod pieces;
mod printer;

use super::change::{Change, Element, Member};
use crate::config::edit::splice::{Style, begins_line, indent_of_line, key_as, options};
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
pub(super) use look::{text_at, twice};
use pieces::{Pieces, ends_in_line_comment};
use printer::print;
use serde_json::Value;
use std::ops::Range;

/// Says where a text cannot be edited safely, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsafe {
    /// Where.
    pub at: usize,
    /// Why.
    pub problem: String,
}

/// Makes the changed text. Keys that stand twice in an object that changes are refused.
pub(super) fn weave(text: &str, change: &Change) -> Result<String, Unsafe> {
    let parsed =
        jsonc_parser::parse_to_ast(text, &Default::default(), &options()).map_err(|error| Unsafe {
            at: error.range().start,
            problem: "is written in a way that cannot be edited safely".to_owned(),
        })?;
    let Some(root) = parsed.value.as_ref() else {
        return Err(Unsafe { at: 0, problem: "is empty".to_owned() });
    };
    let weaver = Weaver { text, style: Style::of(text, root) };
    let woven = weaver.value(root, change)?;
    let range = root.range();
    Ok([&text[..range.start], &woven, &text[range.end..]].concat())
}

struct Weaver<'a> {
    text: &'a str,
    style: Style,
}

/// One item of a container that is put together anew.
struct Item {
    /// Which of the items so far.
    from: Option<usize>,
    /// Its text.
    body: String,
}

impl Weaver<'_> {
    /// Returns the new text of a value.
    fn value(&self, value: &ast::Value<'_>, change: &Change) -> Result<String, Unsafe> {
        let range = value.range();
        let no = |kind: &str| Unsafe { at: range.start, problem: format!("is not {kind}") };
        match (change, value) {
            (Change::Keep | Change::Drop, _) => Ok(self.text[range.start..range.end].to_owned()),
            (Change::Put(new), _) => Ok(self.put(new, &(range.start..range.end))),
            (Change::Patch(members), ast::Value::Object(object)) => self.patch(object, members),
            (Change::Members(members), ast::Value::Object(object)) => self.members(object, members),
            (Change::Elements(elements), ast::Value::Array(array)) => self.elements(array, elements),
            (Change::Patch(_) | Change::Members(_), _) => Err(no("an object")),
            (Change::Elements(_), _) => Err(no("an array")),
        }
    }

    /// Prints a value in the place of another, on one line where that one was and nothing nests.
    fn put(&self, new: &Value, old: &Range<usize>) -> String {
        let flat = match new {
            Value::Array(all) => !all.iter().any(|one| one.is_array() || one.is_object()),
            Value::Object(all) => !all.values().any(|one| one.is_array() || one.is_object()),
            _ => true,
        };
        let one_line = flat && !self.text[old.clone()].contains('\n');
        let indent = (!one_line).then(|| indent_of_line(self.text, old.start));
        print(new, indent, &self.style, self.style.bare_keys)
    }

    fn patch(&self, object: &ast::Object<'_>, members: &[(String, Change)]) -> Result<String, Unsafe> {
        let find = |key: &str| object.properties.iter().position(|p| p.name.as_str() == key);
        let mut items = Vec::new();
        for (at, property) in object.properties.iter().enumerate() {
            let key = property.name.as_str();
            match members.iter().find(|(changed, _)| changed == key) {
                Some((_, Change::Drop)) => {}
                Some((_, change)) => {
                    items.push(Item { from: Some(at), body: self.property(property, None, change)? });
                }
                None => items.push(self.kept(at, &property.range())),
            }
        }
        let frame = self.frame_of(object);
        for (key, change) in members.iter().filter(|(key, _)| find(key).is_none()) {
            if let Some(value) = change.applied(None) {
                items.push(self.new_member(object, &frame, key, &value));
            }
        }
        Ok(self.whole(&frame, items))
    }

    fn members(&self, object: &ast::Object<'_>, members: &[Member]) -> Result<String, Unsafe> {
        let frame = self.frame_of(object);
        let mut items = Vec::new();
        for member in members {
            let from = member
                .from
                .as_ref()
                .and_then(|key| object.properties.iter().position(|property| property.name.as_str() == key));
            match from {
                Some(at) => {
                    let property = &object.properties[at];
                    let renamed = (property.name.as_str() != member.key).then_some(member.key.as_str());
                    items.push(Item { from, body: self.property(property, renamed, &member.change)? });
                }
                None => {
                    if let Some(value) = member.change.applied(None) {
                        items.push(self.new_member(object, &frame, &member.key, &value));
                    }
                }
            }
        }
        Ok(self.whole(&frame, items))
    }

    fn elements(&self, array: &ast::Array<'_>, elements: &[Element]) -> Result<String, Unsafe> {
        let ranges = array.elements.iter().map(|element| element.range()).map(|r| r.start..r.end).collect();
        let frame = Frame::new(array.range.start..array.range.end, ranges);
        let mut items = Vec::new();
        for element in elements {
            match element.from.and_then(|at| Some((at, array.elements.get(at)?))) {
                Some((at, value)) => {
                    items.push(Item { from: Some(at), body: self.value(value, &element.change)? });
                }
                None => {
                    if let Some(value) = element.change.applied(None) {
                        let indent = frame.indent(self.text, &self.style);
                        items.push(Item {
                            from: None,
                            body: print(&value, indent.as_deref(), &self.style, self.style.bare_keys),
                        });
                    }
                }
            }
        }
        Ok(self.whole(&frame, items))
    }

    /// Returns the new text of a member.
    fn property(
        &self,
        property: &ast::ObjectProp<'_>,
        renamed: Option<&str>,
        change: &Change,
    ) -> Result<String, Unsafe> {
        let (name, value) = (property.name.range(), property.value.range());
        let key = match renamed {
            Some(key) => key_as(key, matches!(property.name, ast::ObjectPropName::Word(_))),
            None => self.text[name.start..name.end].to_owned(),
        };
        let value_text = self.value(&property.value, change)?;
        Ok([&key, &self.text[name.end..value.start], &value_text].concat())
    }

    fn kept(&self, at: usize, range: &jsonc_parser::common::Range) -> Item {
        Item { from: Some(at), body: self.text[range.start..range.end].to_owned() }
    }

    fn new_member(&self, object: &ast::Object<'_>, frame: &Frame, key: &str, value: &Value) -> Item {
        let bare = match object.properties.last() {
            Some(last) => matches!(last.name, ast::ObjectPropName::Word(_)),
            None => self.style.bare_keys,
        };
        let indent = frame.indent(self.text, &self.style);
        let printed = print(value, indent.as_deref(), &self.style, bare);
        Item { from: None, body: format!("{}: {printed}", key_as(key, bare)) }
    }

    fn frame_of(&self, object: &ast::Object<'_>) -> Frame {
        let ranges = object.properties.iter().map(|p| p.range.start..p.range.end).collect();
        Frame::new(object.range.start..object.range.end, ranges)
    }

    /// Puts a container together from its items.
    fn whole(&self, frame: &Frame, items: Vec<Item>) -> String {
        let (text, style) = (self.text, &self.style);
        if items.iter().map(|item| item.from).eq((0..frame.items.len()).map(Some)) {
            let (mut whole, mut from) = (String::new(), frame.range.start);
            for (item, range) in items.iter().zip(&frame.items) {
                whole.push_str(&text[from..range.start]);
                whole.push_str(&item.body);
                from = range.end;
            }
            return whole + &text[from..frame.range.end];
        }
        let pieces = Pieces::of(text, frame.range.start + 1, &frame.items, frame.range.end - 1);
        let indent = frame.indent(text, style);
        let new_line = format!("{}{}", style.newline, indent.as_deref().unwrap_or_default());
        let mut whole = text[frame.range.start..=frame.range.start].to_owned();
        if frame.items.is_empty() {
            // Comments in an empty container stay before what comes.
            whole.push_str(pieces.tail(text).trim_end());
        }
        let (last, mut open) = (items.len().saturating_sub(1), ends_in_line_comment(&whole[1..]));
        for (at, item) in items.iter().enumerate() {
            let blank = if at == 0 { pieces.first_blank(text) } else { " " };
            let lead = match (item.from, &indent) {
                (Some(from), _) if !pieces.lead(text, from).trim().is_empty() => pieces.lead(text, from),
                (Some(from), _) if pieces.lead(text, from).contains('\n') => pieces.lead(text, from),
                (_, Some(_)) => &new_line,
                (_, None) => blank,
            };
            if open && !lead.trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
                whole.push_str(style.newline);
            }
            whole.push_str(lead);
            whole.push_str(&item.body);
            if at < last || pieces.trailing_comma {
                whole.push(',');
            }
            let trail = item.from.map(|from| pieces.trail(text, from)).unwrap_or_default();
            open = ends_in_line_comment(&trail);
            whole.push_str(&trail);
        }
        let tail = match (frame.items.is_empty(), items.is_empty()) {
            (true, _) => format!("{}{}", style.newline, indent_of_line(text, frame.range.start)),
            (false, true) if pieces.tail(text).trim().is_empty() => String::new(),
            (false, _) => pieces.tail(text).to_owned(),
        };
        if open && !tail.trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
            whole.push_str(style.newline);
        }
        whole + &tail + &text[frame.range.end - 1..frame.range.end]
    }
}

/// A container and where its items stand.
struct Frame {
    range: Range<usize>,
    items: Vec<Range<usize>>,
}

impl Frame {
    fn new(range: Range<usize>, items: Vec<Range<usize>>) -> Self {
        Self { range, items }
    }

    /// Returns the blanks before an item that stands on a line of its own; nothing where items share a line.
    fn indent(&self, text: &str, style: &Style) -> Option<String> {
        match self.items.first() {
            Some(first) => {
                begins_line(text, first.start).then(|| indent_of_line(text, first.start).to_owned())
            }
            None => Some(format!("{}{}", indent_of_line(text, self.range.start), style.unit)),
        }
    }
}
