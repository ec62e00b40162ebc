//! Printing values as the text around them is written.

use crate::config::edit::splice::{Style, key_as};
use serde_json::Value;

/// Prints a value: on lines of its own behind `indent`, or on one line.
pub(super) fn print(value: &Value, indent: Option<&str>, style: &Style, bare: bool) -> String {
    let mut out = String::new();
    write(&mut out, value, indent, style, bare);
    out
}

fn write(out: &mut String, value: &Value, indent: Option<&str>, style: &Style, bare: bool) {
    let inner = indent.map(|indent| format!("{indent}{}", style.unit));
    let line = |out: &mut String, indent: Option<&str>, blank: &str| match indent {
        Some(indent) => {
            out.push_str(style.newline);
            out.push_str(indent);
        }
        None => out.push_str(blank),
    };
    match value {
        Value::Array(all) if !all.is_empty() => {
            out.push('[');
            for (at, one) in all.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, inner.as_deref(), if at > 0 { " " } else { "" });
                write(out, one, inner.as_deref(), style, bare);
            }
            line(out, indent, "");
            out.push(']');
        }
        Value::Object(all) if !all.is_empty() => {
            out.push('{');
            for (at, (key, one)) in all.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, inner.as_deref(), " ");
                out.push_str(&key_as(key, bare));
                out.push_str(": ");
                write(out, one, inner.as_deref(), style, bare);
            }
            line(out, indent, " ");
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}
