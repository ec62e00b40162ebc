//! The numbers.

use crate::families::{DROPPED, Family, Type, find};
use crate::text;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A family has so many series at most: a thousand agents with a few providers.
const SERIES: usize = 5_000;
/// A label's value is cut after so many characters.
const LABEL: usize = 128;

/// One series' number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    Plain(f64),
    /// How many came up to each bound (without those of the bounds before it), how many in all, and their sum.
    Histogram {
        buckets: Vec<u64>,
        count: u64,
        sum: f64,
    },
}

pub(crate) type Series = BTreeMap<Vec<String>, Number>;
pub(crate) type Numbers = BTreeMap<&'static str, Series>;

/// Holds every number. A clone holds the same ones.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<Numbers>>);

impl Registry {
    /// Sets a gauge.
    pub fn set(&self, name: &'static str, labels: &[&str], value: f64) {
        self.change(name, labels, |number, _| *number = Number::Plain(value));
    }

    /// Sets all series of a gauge; those that are not named are gone.
    pub fn replace<'a>(&self, name: &'static str, series: impl IntoIterator<Item = (Vec<&'a str>, f64)>) {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.remove(name);
        for (labels, value) in series {
            change(&mut numbers, name, &labels, |number, _| *number = Number::Plain(value));
        }
    }

    /// Adds to a counter.
    pub fn add(&self, name: &'static str, labels: &[&str], by: u32) {
        self.change(name, labels, |number, _| {
            if let Number::Plain(value) = number {
                *value += f64::from(by);
            }
        });
    }

    /// Adds one size to a histogram.
    pub fn observe(&self, name: &'static str, labels: &[&str], size: f64) {
        self.change(name, labels, |number, family| {
            let (Number::Histogram { buckets, count, sum }, Type::Histogram(bounds)) = (number, family.kind)
            else {
                return;
            };
            if let Some(bucket) = bounds.iter().position(|bound| size <= *bound) {
                buckets[bucket] += 1;
            }
            *count += 1;
            *sum += size;
        });
    }

    fn change(&self, name: &'static str, labels: &[&str], one: impl FnOnce(&mut Number, &Family)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), name, labels, one);
    }

    /// Returns everything in Prometheus' text format.
    pub fn text(&self) -> String {
        text::of(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Changes one number, which is made where it is new.
fn change(
    numbers: &mut Numbers,
    name: &'static str,
    labels: &[&str],
    change: impl FnOnce(&mut Number, &Family),
) {
    let Some(family) = find(name).filter(|family| family.labels.len() == labels.len()) else {
        debug_assert!(false, "{name} is no family with {} labels", labels.len());
        return;
    };
    let labels: Vec<String> = labels.iter().map(|label| label.chars().take(LABEL).collect()).collect();
    let series = numbers.entry(name).or_default();
    if !series.contains_key(&labels) && series.len() >= SERIES {
        let dropped = numbers.entry(DROPPED).or_default().entry(Vec::new()).or_insert(Number::Plain(0.0));
        if let Number::Plain(value) = dropped {
            *value += 1.0;
        }
        return;
    }
    let number = series.entry(labels).or_insert_with(|| match family.kind {
        Type::Histogram(bounds) => Number::Histogram { buckets: vec![0; bounds.len()], count: 0, sum: 0.0 },
        Type::Counter | Type::Gauge => Number::Plain(0.0),
    });
    change(number, family);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_gone_and_what_is_too_much_is_counted() {
        let registry = Registry::default();
        registry.replace("keyshoal_findings", [(vec!["stale"], 2.0), (vec!["kept"], 1.0)]);
        registry.replace("keyshoal_findings", [(vec!["kept"], 1.0)]);
        let text = registry.text();
        assert!(
            text.contains("keyshoal_findings{finding=\"kept\"} 1\n") && !text.contains("stale"),
            "{text}"
        );
        for number in 0..SERIES + 3 {
            registry.set("keyshoal_credential_accepted", &[&number.to_string(), "acme"], 1.0);
        }
        let text = registry.text();
        assert_eq!(text.matches("\nkeyshoal_credential_accepted{").count(), SERIES);
        assert!(text.contains("\nkeyshoal_series_dropped_total 3\n"), "{text}");
    }
}
