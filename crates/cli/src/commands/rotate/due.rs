//! What is to be rotated: credentials that are old, and rotations that are half done.

use crate::commands::flow::Flow;
use crate::document::DueDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Grid, Text, Tone, Ui};
use keyshoal_core::Timestamp;
use keyshoal_core::vault::VaultCredential;

/// One credential and how old its present value is.
pub struct Age<'a> {
    /// The credential.
    pub credential: &'a VaultCredential,
    /// How many days old its present version is.
    pub days: i64,
    /// Whether that is more than allowed.
    pub due: bool,
    /// Where a rotation of it stands that is not over.
    pub stage: Option<String>,
}

/// Reports it.
pub fn report(ui: &mut Ui, flow: &Flow<'_>, max_age: u32) -> Result<Outcome, CommandError> {
    let now = keyshoal_local::clock::now();
    let open = flow.held.vault.rotations(&flow.instance().id)?;
    let mut ages: Vec<Age<'_>> = Vec::new();
    for credential in flow.credentials() {
        let Some(current) = credential.current() else { continue };
        let days = days(current.created, now);
        let stage = open.iter().find(|one| one.finished.is_none() && one.credential == credential.uid);
        ages.push(Age {
            credential,
            days,
            due: days > i64::from(max_age),
            stage: stage.map(|one| one.stage.clone()),
        });
    }
    ages.sort_by_key(|age| std::cmp::Reverse(age.days));
    let mut grid = Grid::new(["profile", "whose", "days", ""].map(str::to_owned).to_vec());
    for age in &ages {
        let agent =
            age.credential.agent.and_then(|uid| flow.instance().agents.iter().find(|one| one.uid == uid));
        let whose = agent.map_or_else(|| "all".to_owned(), |agent| agent.id.to_string());
        let said = match (&age.stage, age.due) {
            (Some(stage), _) => Text::toned(Tone::Doubt, format!("… a rotation is under way: {stage}")),
            (None, true) => Text::toned(Tone::Bad, "✗ due"),
            (None, false) => Text::toned(Tone::Good, "✓"),
        };
        grid.row(vec![
            Text::toned(Tone::Strong, age.credential.profile.as_str()),
            Text::of(whose),
            Text::of(age.days.to_string()),
            said,
        ]);
    }
    ui.data(&grid.lines(usize::MAX, 0));
    if let Some(words) = partial(&ages) {
        ui.data(&[Text::toned(Tone::Doubt, "! partial rotation: ").plain(words)]);
    }
    let attention = ages.iter().any(|age| age.due || age.stage.is_some());
    ui.document(&DueDocument::of(&ages, max_age))?;
    Ok(Outcome::attention_if(attention))
}

fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// Says which shared credentials are new and which are old, where some were rotated within a week and others are due.
fn partial(ages: &[Age<'_>]) -> Option<String> {
    let names = |wanted: &dyn Fn(&&Age<'_>) -> bool| {
        let all: Vec<&str> = ages.iter().filter(wanted).map(|age| age.credential.profile.as_str()).collect();
        all.join(", ")
    };
    let fresh = names(&|age| age.days < 7 && age.credential.versions.len() > 1);
    let old = names(&|age| age.due);
    (!fresh.is_empty() && !old.is_empty()).then(|| format!("{fresh} got new values this week, {old} did not"))
}
