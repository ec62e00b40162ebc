//! What is known of a value that agents would go to, and what its provider says of it now.

use crate::commands::flow::Flow;
use crate::error::CommandError;
use crate::render;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::vault::VaultCredential;
use keyshoal_core::{Endpoint, Fingerprint, Verdict, VerdictKind};
use keyshoal_engine::ports::{Observe as _, Remember as _};
use keyshoal_engine::{Progress, Trial, hear_of};

/// What was said.
pub struct Said {
    /// Why the agents would fail with the value, if so.
    pub dead: Option<&'static str>,
    /// What its provider said now, where it was asked.
    pub now: Vec<(Endpoint, Verdict)>,
}

/// Says it in a line. Its provider is asked where that is allowed; whether it answers is no condition, and where it does not, what was known
/// of the value counts on.
pub fn say(
    ui: &mut Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    value: Fingerprint,
    offline: bool,
) -> Result<Said, CommandError> {
    let asked = match offline {
        true => Vec::new(),
        false => ask(ui, flow, credential, value),
    };
    let now = keyshoal_local::clock::now();
    let head = Text::of("  ").and(Tone::Strong, value.to_string()).plain(": ");
    let answers = asked
        .iter()
        .map(|(_, said)| said)
        .filter(|one| one.kind != VerdictKind::NotAsked && !one.kind.is_silence());
    let worst = answers.clone().find(|one| one.kind.is_dead()).or_else(|| answers.clone().next());
    if let Some(said) = worst {
        let who = format!("{} says: ", credential.provider);
        ui.say(&head.plain(who).join(&render::words::verdict(said.kind)));
        let dead = said.kind.is_dead().then(|| said.kind.clause());
        return Ok(Said { dead, now: asked });
    }
    let knowledge = flow.installation.knowledge()?;
    let of_it = knowledge.verdicts.iter().filter(|((of, _), said)| *of == value && !said.kind.is_silence());
    let newest = of_it.map(|(_, said)| said).max_by_key(|said| said.at);
    let why = match asked.is_empty() {
        true => ", not asked now",
        false => ", and did not answer now",
    };
    let line = match newest {
        Some(said) => head.join(&render::words::verdict_aged(Some(said), now)).plain(why),
        None => head.plain(format!("nothing is known of it{why}")),
    };
    ui.say(&line);
    let dead = newest.filter(|said| said.kind.is_dead()).map(|said| said.kind.clause());
    Ok(Said { dead, now: asked })
}

fn ask(
    ui: &Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    value: Fingerprint,
) -> Vec<(Endpoint, Verdict)> {
    let agent = flow.instance().agents.iter().find(|agent| Some(agent.uid) == credential.agent);
    let trial = Trial {
        provider: credential.provider.clone(),
        kind: credential.kind.clone(),
        fingerprint: value,
        agent: agent.map(|agent| agent.id.clone()),
    };
    let Ok(observed) = flow.installation.observe() else { return Vec::new() };
    let progress = ui.progress();
    progress.show(&Progress::Asking { questions: 1 });
    let said = hear_of(&flow.installation, &observed, &trial).unwrap_or_default();
    drop(progress);
    said
}
