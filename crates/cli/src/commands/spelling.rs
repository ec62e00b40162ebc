//! A provider's name that is almost another one's.

use crate::error::CommandError;
use keyshoal_core::Observation;
use keyshoal_providers::registry;

/// Refuses a name that nothing here has and that is a slip of the pen away from one that there is.
pub fn check(observed: &Observation, name: &str) -> Result<(), CommandError> {
    let held =
        observed.stores.values().flat_map(|store| store.profiles.values().map(|one| one.provider.as_str()));
    let used = observed.agents.iter().flat_map(|agent| agent.needs.keys().chain(agent.candidates.keys()));
    let profiles = observed.stores.values().flat_map(|store| store.profiles.keys().map(|id| id.as_str()));
    let here: Vec<&str> = held.chain(used.map(|id| id.as_str())).chain(profiles).collect();
    if here.contains(&name.trim()) {
        return Ok(());
    }
    let known = here.iter().copied().chain(registry::all().map(|provider| provider.name));
    match nearest(name.trim(), known) {
        None => Ok(()),
        Some(meant) => {
            Err(CommandError::user(format!("nothing here knows a provider {name:?}: did you mean {meant}?"))
                .hint(format!(
                    "for a provider that is really called so, name the profile: keyshoal set {name}:default"
                )))
        }
    }
}

/// Returns the name that the fewest slips lead to, where these are two at most and the names are longer than that.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = known.map(|one| (distance(&name.to_lowercase(), one), one));
    slips.filter(|(slips, one)| *slips <= 2 && one.len() > 3).min().map(|(_, one)| one)
}

/// Counts how many letters have to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (column, same) in other.iter().map(|it| *it == letter).enumerate() {
            let changed = corner + usize::from(!same);
            corner = row[column + 1];
            row[column + 1] = changed.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_other_names() {
        let known = || ["anthropic", "openai", "xai", "openrouter"].into_iter();
        for (name, meant) in [
            ("antropic", Some("anthropic")),
            ("Anthropic", Some("anthropic")),
            ("opnai", Some("openai")),
            ("zai", None),
            ("acme", None),
            ("my-router", None),
        ] {
            assert_eq!(nearest(name, known()), meant, "{name}");
        }
        assert_eq!([distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")], [3, 0, 3]);
    }
}
