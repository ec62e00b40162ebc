//! What is to be rotated: credentials that are old, and rotations that are half done.

use super::book;
use crate::commands::flow::credentials_of;
use crate::document::DueDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Grid, Text, Tone, Ui};
use keyshoal_core::Timestamp;
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_vault::Vault;

/// One credential and how old its present value is.
pub struct Age<'a> {
    /// The instance.
    pub instance: &'a VaultInstance,
    /// The credential.
    pub credential: &'a VaultCredential,
    /// How many days old its present version is.
    pub days: i64,
    /// Whether that is more than allowed.
    pub due: bool,
    /// Where a rotation of it stands that is not over.
    pub stage: Option<String>,
    /// Where that one stands in each instance, where several rotate together.
    pub together: Vec<(String, String)>,
}

/// Reports it.
pub fn report(
    ui: &mut Ui,
    vault: &Vault,
    instances: &[VaultInstance],
    max_age: u32,
) -> Result<Outcome, CommandError> {
    let now = keyshoal_local::clock::now();
    let mut ages: Vec<Age<'_>> = Vec::new();
    for instance in instances {
        for credential in credentials_of(instance) {
            let Some(current) = credential.current() else { continue };
            let days = days(current.created, now);
            let open = book::open_rotation(vault, instance, credential)?;
            let together = match &open {
                Some(open) => together(vault, open)?,
                None => Vec::new(),
            };
            ages.push(Age {
                instance,
                credential,
                days,
                due: days > i64::from(max_age),
                stage: open.map(|one| one.stage),
                together,
            });
        }
    }
    ages.sort_by_key(|age| std::cmp::Reverse(age.days));
    ui.data(&grid(&ages, instances.len() > 1).lines(usize::MAX, 0));
    if let Some(words) = partial(&ages, instances.len() > 1) {
        ui.data(&[Text::toned(Tone::Doubt, "! partial rotation: ").plain(words)]);
    }
    let attention = ages.iter().any(|age| age.due || age.stage.is_some());
    ui.document(&DueDocument::of(&ages, max_age))?;
    Ok(Outcome::attention_if(attention))
}

fn grid(ages: &[Age<'_>], several: bool) -> Grid {
    let heads: &[&str] = match several {
        true => &["instance", "profile", "whose", "days", ""],
        false => &["profile", "whose", "days", ""],
    };
    let mut grid = Grid::new(heads.iter().map(|head| (*head).to_owned()).collect());
    for age in ages {
        let agent =
            age.credential.agent.and_then(|uid| age.instance.agents.iter().find(|one| one.uid == uid));
        let whose = agent.map_or_else(|| "all".to_owned(), |agent| agent.id.to_string());
        let said = match (&age.stage, age.due) {
            (Some(stage), _) => Text::toned(Tone::Doubt, format!("… {}", under_way(stage, &age.together))),
            (None, true) => Text::toned(Tone::Bad, "✗ due"),
            (None, false) => Text::toned(Tone::Good, "✓"),
        };
        let mut row = vec![
            Text::toned(Tone::Strong, age.credential.profile.as_str()),
            Text::of(whose),
            Text::of(age.days.to_string()),
            said,
        ];
        if several {
            row.insert(0, Text::of(age.instance.name.as_str()));
        }
        grid.row(row);
    }
    grid
}

fn under_way(stage: &str, together: &[(String, String)]) -> String {
    if together.is_empty() {
        return format!("a rotation is under way: {stage}");
    }
    let each: Vec<String> = together.iter().map(|(name, stage)| format!("{name} {stage}")).collect();
    format!("one rotation over {} instances is under way: {}", together.len(), each.join(", "))
}

/// Returns where a rotation stands in each of the instances that rotate together, by their names.
fn together(vault: &Vault, open: &keyshoal_vault::Rotation) -> Result<Vec<(String, String)>, CommandError> {
    let Some(whole) = book::state_of(open)?.together else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for instance in vault.instances()? {
        for row in vault.rotations(&instance.id)? {
            // What an earlier version or another one wrote need not be read here: it is not part of this one.
            let part = book::state_of(&row).ok().and_then(|state| state.together);
            if part.is_some_and(|part| part.id == whole.id) {
                all.push((instance.name.clone(), row.stage));
            }
        }
    }
    Ok(all)
}

fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// Says which shared credentials are new and which are old, where some were rotated within a week and others are due.
fn partial(ages: &[Age<'_>], several: bool) -> Option<String> {
    let name = |age: &Age<'_>| match several {
        true => format!("{} of {}", age.credential.profile, age.instance.name),
        false => age.credential.profile.to_string(),
    };
    let names = |wanted: &dyn Fn(&&Age<'_>) -> bool| {
        let all: Vec<String> = ages.iter().filter(wanted).map(name).collect();
        all.join(", ")
    };
    let fresh = names(&|age| age.days < 7 && age.credential.versions.len() > 1);
    let old = names(&|age| age.due);
    (!fresh.is_empty() && !old.is_empty()).then(|| format!("{fresh} got new values this week, {old} did not"))
}
