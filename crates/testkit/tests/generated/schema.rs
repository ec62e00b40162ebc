//! As much of JSON Schema as the program's own schema of its config uses for what is generated.

use serde_json::Value;

/// Says everything about a value that a schema does not allow.
pub(crate) fn complaints(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "config", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[word].as_array() {
            let tries: Vec<Vec<String>> = choices
                .iter()
                .map(|choice| {
                    let mut complaints = Vec::new();
                    check(choice, value, at, &mut complaints);
                    complaints
                })
                .collect();
            if !tries.iter().any(Vec::is_empty) {
                found.push(format!("{at} is none of its choices: {tries:?}"));
            }
        }
    }
    if let Some(kind) = schema["type"].as_str() {
        let fits = match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("the schema has a type {other}"),
        };
        if !fits {
            found.push(format!("{at} is no {kind}"));
        }
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        found.push(format!("{at} is none of {}", schema["enum"]));
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], element, &format!("{at}[{index}]"), found);
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        // The program fills in what has a default before it looks at what is required.
        let filled = schema["properties"][required].get("default").is_some();
        if value.is_object() && value.get(required).is_none() && !filled {
            found.push(format!("{at} has no {required}"));
        }
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{at} is not known")),
            (Value::Null, others) => check(others, member, &at, found),
            (known, _) => check(known, member, &at, found),
        }
    }
}

#[test]
fn what_a_schema_does_not_allow_is_said() {
    let schema = serde_json::json!({
        "type": "object", "additionalProperties": false, "required": ["a"],
        "properties": { "a": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "const": 1 } }] } },
    });
    let count = |value: Value| complaints(&schema, &value).len();
    assert_eq!(count(serde_json::json!({ "a": "x" })), 0);
    assert_eq!(count(serde_json::json!({ "a": [1, 1] })), 0);
    assert_eq!(count(serde_json::json!({ "a": [1, 2] })), 1);
    assert_eq!(count(serde_json::json!({ "b": 1 })), 2);
    assert_eq!(count(serde_json::json!([])), 1);
}
