//! Looking into the text of a config without changing it.

use crate::config::edit::splice::options;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;

/// Finds a key that stands twice in an object, in the places that `watched` names (`*` is any step).
pub(in crate::config::generate) fn twice(text: &str, watched: &[&[&str]]) -> Option<(usize, String)> {
    let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &options()).ok()?;
    let root = parsed.value?;
    watched.iter().find_map(|way| twice_at(&root, way))
}

fn twice_at(value: &ast::Value<'_>, way: &[&str]) -> Option<(usize, String)> {
    let Some((step, rest)) = way.split_first() else {
        let ast::Value::Object(object) = value else { return None };
        let mut seen = std::collections::BTreeSet::new();
        let twice = object.properties.iter().find(|property| !seen.insert(property.name.as_str()))?;
        return Some((twice.range.start, twice.name.as_str().to_owned()));
    };
    match value {
        ast::Value::Object(object) => object
            .properties
            .iter()
            .filter(|property| *step == "*" || property.name.as_str() == *step)
            .find_map(|property| twice_at(&property.value, rest)),
        ast::Value::Array(array) if *step == "*" => {
            array.elements.iter().find_map(|element| twice_at(element, rest))
        }
        _ => None,
    }
}

/// Returns the text of a value that stands at a way of keys, or of indices into arrays.
pub(in crate::config::generate) fn text_at(text: &str, way: &[&str]) -> Option<String> {
    let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &options()).ok()?;
    let mut at = parsed.value.as_ref()?;
    for step in way {
        at = match at {
            ast::Value::Object(object) => {
                &object.properties.iter().rev().find(|p| p.name.as_str() == *step)?.value
            }
            ast::Value::Array(array) => array.elements.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    let range = at.range();
    Some(text[range.start..range.end].to_owned())
}
