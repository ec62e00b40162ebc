//! Every family that is exported. The alert rules in `contrib/prometheus` are held against this table.

/// What Prometheus calls the type of a family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts by size; these are the upper bounds, in seconds.
    Histogram(&'static [f64]),
}

/// One family of series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// How long a change takes until it is everywhere.
const STAGES: &[f64] = &[0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
/// How long a provider takes to answer.
const ANSWERS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Type::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Type::Gauge, labels, help }
}

/// All families, in the order in which they are printed.
pub const FAMILIES: &[Family] = &[
    gauge("keyshoal_build_info", &["version"], "Always 1; which version runs."),
    gauge("keyshoal_agents", &[], "Agents of the roster."),
    gauge(
        "keyshoal_gateway_up",
        &[],
        "1: a gateway of the installation runs; 0: none does; absent: it cannot be told.",
    ),
    gauge(
        "keyshoal_gateway_elsewhere",
        &[],
        "1: the gateway on the configured port uses another state directory; 0: it does not, or none runs; absent: it cannot be told.",
    ),
    gauge(
        "keyshoal_findings",
        &["finding"],
        "Findings of the newest look, by kind; unreadable alone while looks fail.",
    ),
    gauge("keyshoal_last_look_timestamp_seconds", &[], "When the newest look ended."),
    counter("keyshoal_looks_total", &["result"], "Looks, by result: ok or failed."),
    gauge(
        "keyshoal_credential_generation_age_seconds",
        &["agent", "profile"],
        "For how long the agent has held the value that it holds.",
    ),
    gauge(
        "keyshoal_credential_expiry_timestamp_seconds",
        &["agent", "profile"],
        "When the credential's time is over, where it says so.",
    ),
    gauge(
        "keyshoal_cooldown_until_timestamp_seconds",
        &["agent", "profile"],
        "Until when OpenClaw holds the profile back.",
    ),
    Family {
        name: "keyshoal_propagation_seconds",
        kind: Type::Histogram(STAGES),
        labels: &["stage"],
        help: "Seconds from when a change was seen until it was durable, activated, verified.",
    },
    counter("keyshoal_verdicts_total", &["provider", "verdict"], "Answers about credentials, by provider."),
    Family {
        name: "keyshoal_provider_answer_seconds",
        kind: Type::Histogram(ANSWERS),
        labels: &["provider"],
        help: "How long the provider took to answer.",
    },
    gauge(
        "keyshoal_credential_accepted",
        &["agent", "provider"],
        "1: the newest verification saw the provider accept what the agent sends first; 0: it did not.",
    ),
    gauge("keyshoal_last_verification_timestamp_seconds", &[], "When the newest verification ended."),
    counter("keyshoal_runs_total", &["result"], "Repairs, by result: done, attention or failed."),
    gauge(
        "keyshoal_alarms_active",
        &["nature"],
        "Conditions that were told of and still stand: passing or lasting.",
    ),
    counter("keyshoal_alarms_sent_total", &["alert"], "Messages that arrived, by addressee."),
    counter("keyshoal_alarms_failed_total", &["alert"], "Messages that became dead letters, by addressee."),
    counter("keyshoal_series_dropped_total", &[], "Series that were beyond the bound of their family."),
];

/// The family whose counter counts what is beyond the bound.
pub(crate) const DROPPED: &str = "keyshoal_series_dropped_total";

/// Finds a family by its name.
pub(crate) fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for family in FAMILIES {
            let Family { name, kind, labels, help } = family;
            assert!(name.starts_with("keyshoal_"), "{name}");
            assert!(name.bytes().all(|one| one.is_ascii_lowercase() || one == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Type::Counter, "{name}");
            assert!(!name.contains("timestamp") || name.ends_with("_timestamp_seconds"), "{name}");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}");
            assert!(!labels.iter().any(|label| label.contains("fingerprint") || *label == "le"), "{name}");
            assert_eq!(FAMILIES.iter().filter(|one| one.name == *name).count(), 1, "{name}");
        }
    }
}
