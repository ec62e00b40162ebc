//! Prometheus' text format, version 0.0.4.

use crate::families::{FAMILIES, Family, Type};
use crate::registry::{Number, Numbers};
use std::fmt::Write as _;

/// Prints every family that has a number.
pub fn of(numbers: &Numbers) -> String {
    let mut text = String::new();
    for family in FAMILIES {
        let Some(series) = numbers.get(family.name).filter(|series| !series.is_empty()) else { continue };
        let kind = match family.kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram(_) => "histogram",
        };
        let _ = writeln!(text, "# HELP {} {}", family.name, family.help.replace('\\', "\\\\"));
        let _ = writeln!(text, "# TYPE {} {kind}", family.name);
        for (values, number) in series {
            print(&mut text, family, values, number);
        }
    }
    text
}

fn print(text: &mut String, family: &Family, values: &[String], number: &Number) {
    let name = family.name;
    match (number, family.kind) {
        (Number::Histogram { buckets, count, sum }, Type::Histogram(bounds)) => {
            let mut so_far = 0;
            for (bound, here) in bounds.iter().zip(buckets) {
                so_far += here;
                let labels = labels(family, values, Some(&bound.to_string()));
                let _ = writeln!(text, "{name}_bucket{labels} {so_far}");
            }
            let _ = writeln!(text, "{name}_bucket{} {count}", labels(family, values, Some("+Inf")));
            let labels = labels(family, values, None);
            let _ = writeln!(text, "{name}_sum{labels} {sum}");
            let _ = writeln!(text, "{name}_count{labels} {count}");
        }
        (Number::Plain(value), _) => {
            let _ = writeln!(text, "{name}{} {value}", labels(family, values, None));
        }
        (Number::Histogram { .. }, _) => {}
    }
}

fn labels(family: &Family, values: &[String], le: Option<&str>) -> String {
    let named = family.labels.iter().copied().zip(values.iter().map(String::as_str));
    let pairs: Vec<String> = named
        .chain(le.map(|le| ("le", le)))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use crate::Registry;
    use proptest::prelude::*;

    #[test]
    fn a_histogram_is_cumulative() {
        let registry = Registry::default();
        for size in [0.01, 0.2, 3.0, 99.0] {
            registry.observe("keyshoal_provider_answer_seconds", &["acme"], size);
        }
        let text = registry.text();
        for line in [
            "# TYPE keyshoal_provider_answer_seconds histogram",
            "keyshoal_provider_answer_seconds_bucket{provider=\"acme\",le=\"0.05\"} 1",
            "keyshoal_provider_answer_seconds_bucket{provider=\"acme\",le=\"0.25\"} 2",
            "keyshoal_provider_answer_seconds_bucket{provider=\"acme\",le=\"10\"} 3",
            "keyshoal_provider_answer_seconds_bucket{provider=\"acme\",le=\"+Inf\"} 4",
            "keyshoal_provider_answer_seconds_count{provider=\"acme\"} 4",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }

    proptest! {
        /// Whatever a label holds, every line stays one, and the value can be read back.
        #[test]
        fn labels_are_escaped(agent in any::<String>()) {
            let registry = Registry::default();
            registry.set("keyshoal_credential_accepted", &[&agent, "acme"], 1.0);
            let text = registry.text();
            prop_assert_eq!(text.matches('\n').count(), 3);
            let line = text.split('\n').nth(2).unwrap();
            let inner = line.strip_prefix("keyshoal_credential_accepted{agent=\"").unwrap();
            let inner = inner.strip_suffix("\",provider=\"acme\"} 1").unwrap();
            let mut read = String::new();
            let mut chars = inner.chars();
            while let Some(one) = chars.next() {
                prop_assert_ne!(one, '"');
                read.push(match one {
                    '\\' => match chars.next().unwrap() { 'n' => '\n', other => other },
                    other => other,
                });
            }
            prop_assert_eq!(read, agent.chars().take(128).collect::<String>());
        }
    }
}
