//! What is to be rotated: credentials that are old, and rotations that are half done.

use super::{book, stands, ways};
use crate::commands::flow::credentials_of;
use crate::document::DueDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Grid, Text, Tone, Ui};
use keyshoal_core::vault::{AgentUid, VaultCredential, VaultInstance};
use keyshoal_core::{AgentId, CredentialKind, Timestamp};
use keyshoal_engine::rotate::{Stage, State};
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
    /// How long the version before stays at hand, where every agent works with the present one.
    pub at_hand: Option<AtHand>,
    /// Where that one stands in each instance, where several rotate together.
    pub together: Vec<Part>,
}

/// How long the version before stays at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHand {
    /// Until then; whoever comes by after that retires it.
    Until(Timestamp),
    /// Nobody has said until when: it is retired where a person finishes the rotation.
    UntilFinished,
}

/// Where a rotation stands in one of several instances.
pub struct Part {
    /// The instance's name.
    pub instance: String,
    /// The stage.
    pub stage: String,
    state: State,
}

impl Age<'_> {
    /// Tells whether a rotation of it is half done: one in its grace time has come through.
    fn is_half_done(&self) -> bool {
        self.stage.is_some() && self.at_hand.is_none()
    }

    /// Returns the agent whose override it is; `None` for what all share.
    pub fn whose(&self) -> Option<&AgentId> {
        let uid = self.credential.agent?;
        self.instance.agents.iter().find(|agent| agent.uid == uid).map(|agent| &agent.id)
    }

    /// Returns the time until which the version before stays at hand, where there is one.
    pub fn grace_until(&self) -> Option<Timestamp> {
        match self.at_hand {
            Some(AtHand::Until(until)) => Some(until),
            Some(AtHand::UntilFinished) | None => None,
        }
    }
}

/// Of which credentials it is reported.
pub struct Of<'a> {
    /// The provider or the profile; all of them where none is named.
    pub name: Option<&'a str>,
    /// Whose override; of everybody where nobody is named.
    pub agent: Option<AgentUid>,
}

impl Of<'_> {
    fn is(&self, one: &VaultCredential) -> bool {
        let named = |name| one.profile.as_str() == name || one.provider.as_str() == name;
        self.name.is_none_or(named) && (self.agent.is_none() || one.agent == self.agent)
    }

    /// Says that there is none, where one was named: that it is not due would be true of anything.
    fn none(&self) -> Option<CommandError> {
        let what = self.name.map_or_else(String::new, |name| format!(" {name}"));
        let whose = if self.agent.is_some() { " of this agent's own" } else { "" };
        (self.name.is_some() || self.agent.is_some()).then(|| {
            CommandError::user(format!("the vault has no credential{what}{whose}"))
                .hint("keyshoal credential list   shows what there is")
        })
    }
}

/// Reports it.
pub fn report(
    ui: &mut Ui,
    vault: &Vault,
    instances: &[VaultInstance],
    max_age: u32,
    of: &Of<'_>,
) -> Result<Outcome, CommandError> {
    let now = keyshoal_local::clock::now();
    let mut ages: Vec<Age<'_>> = Vec::new();
    for instance in instances {
        // A login is renewed by OpenClaw, and no key can take its place.
        let is_key = |one: &&VaultCredential| one.kind != CredentialKind::OAuth;
        for credential in credentials_of(instance).filter(|one| of.is(one)).filter(is_key) {
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
                at_hand: open.as_ref().map_or(Ok(None), |open| at_hand(open, &together))?,
                stage: open.map(|one| one.stage),
                together,
            });
        }
    }
    if let Some(error) = of.none().filter(|_| ages.is_empty()) {
        return Err(error);
    }
    ages.sort_by_key(|age| std::cmp::Reverse(age.days));
    ui.data(&grid(&ages, instances.len() > 1, now).lines(usize::MAX, 0));
    if let Some(words) = partial(&ages, instances.len() > 1) {
        ui.data(&[Text::toned(Tone::Doubt, "! partial rotation: ").plain(words)]);
    }
    let attention = ages.iter().any(|age| age.due || age.is_half_done());
    ui.document(&DueDocument::of(&ages, max_age))?;
    Ok(Outcome::attention_if(attention))
}

fn grid(ages: &[Age<'_>], several: bool, now: Timestamp) -> Grid {
    let heads: &[&str] = match several {
        true => &["instance", "profile", "whose", "days", ""],
        false => &["profile", "whose", "days", ""],
    };
    let mut grid = Grid::new(heads.iter().map(|head| (*head).to_owned()).collect());
    for age in ages {
        let whose = age.whose().map_or("all", AgentId::as_str);
        let said = match (&age.stage, age.at_hand, age.due) {
            (Some(stage), None, _) => {
                Text::toned(Tone::Doubt, format!("… {}", under_way(stage, &age.together)))
            }
            (_, _, true) => Text::toned(Tone::Bad, "✗ due"),
            (_, Some(at_hand), false) => Text::toned(Tone::Good, "✓ ").plain(waits(age, at_hand, now)),
            (None, None, false) => Text::toned(Tone::Good, "✓"),
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

/// Says what of a rotation that has come through is left.
fn waits(age: &Age<'_>, at_hand: AtHand, now: Timestamp) -> String {
    let command = ways::command_of(age.instance, age.credential);
    // Where a person went back, that is the newer one.
    let what = match age.stage.as_deref() == Some(Stage::RolledBack.as_str()) {
        true => "the newer value, which was taken back,",
        false => "the value before",
    };
    match at_hand {
        AtHand::Until(until) if now < until => {
            format!("{what} stays at hand until {}", until.strftime("%Y-%m-%d %H:%M UTC"))
        }
        AtHand::Until(_) => format!(
            "{what} is over: the next sync, or a watch that repairs, retires it; {command} --finish   does it now"
        ),
        AtHand::UntilFinished => {
            format!("{what} stays at hand until {command} --finish   retires it")
        }
    }
}

fn under_way(stage: &str, together: &[Part]) -> String {
    if together.is_empty() {
        return format!("a rotation is under way: {stage}");
    }
    let each: Vec<String> = together.iter().map(|part| format!("{} {}", part.instance, part.stage)).collect();
    format!("one rotation over {} instances is under way: {}", together.len(), each.join(", "))
}

/// Says how long the version before stays at hand: of a rotation that has come through, in every instance that it is about.
pub(super) fn at_hand(
    open: &keyshoal_vault::Rotation,
    together: &[Part],
) -> Result<Option<AtHand>, CommandError> {
    let own = Part { instance: String::new(), stage: open.stage.clone(), state: stands::state_of(open)? };
    let waits = |part: &Part| Stage::parse(&part.stage).is_some_and(|stage| part.state.only_waits(stage));
    if !waits(&own) || !together.iter().all(waits) {
        return Ok(None);
    }
    let mut ends = together.iter().map(|part| part.state.until).chain([own.state.until]);
    let last = ends.try_fold(Timestamp::MIN, |last, until| Some(last.max(until?)));
    Ok(Some(last.map_or(AtHand::UntilFinished, AtHand::Until)))
}

/// Returns where a rotation stands in each of the instances that rotate together, by their names.
pub(super) fn together(vault: &Vault, open: &keyshoal_vault::Rotation) -> Result<Vec<Part>, CommandError> {
    let Some(whole) = stands::state_of(open)?.together else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for instance in vault.instances()? {
        for row in vault.rotations(&instance.id)? {
            // What an earlier version or another one wrote need not be read here: it is not part of this one.
            let Ok(state) = stands::state_of(&row) else { continue };
            if state.together.as_ref().is_some_and(|part| part.id == whole.id) {
                all.push(Part { instance: instance.name.clone(), stage: row.stage, state });
            }
        }
    }
    Ok(all)
}

fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// Says which credentials are new and which are old, where some were rotated within a week and others are due.
fn partial(ages: &[Age<'_>], several: bool) -> Option<String> {
    let name = |age: &Age<'_>| {
        let whose = age.whose().map(|agent| format!(" ({agent}'s own)")).unwrap_or_default();
        let there = if several { format!(" of {}", age.instance.name) } else { String::new() };
        format!("{}{whose}{there}", age.credential.profile)
    };
    let names = |wanted: &dyn Fn(&&Age<'_>) -> bool| {
        let all: Vec<String> = ages.iter().filter(wanted).map(name).collect();
        all.join(", ")
    };
    let fresh = names(&|age| age.days < 7 && age.credential.versions.len() > 1);
    let old = names(&|age| age.due);
    (!fresh.is_empty() && !old.is_empty()).then(|| format!("{fresh} got new values this week, {old} did not"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

    #[test]
    fn what_is_partly_rotated_is_named_with_whose_it_is() {
        let agent = |n: u8, id: &str| {
            let models = json!({ "primary": null, "fallbacks": [] });
            json!({ "uid": NOBODY.replacen('0', &n.to_string(), 1), "id": id, "name": null, "enabled": true, "default": false,
                    "models": models, "workspace": null })
        };
        let instance: VaultInstance = serde_json::from_value(json!({
            "id": "i", "organisation": "o", "name": "office", "state_dir": null, "config": null, "delivery": "inline",
            "models": { "primary": null, "fallbacks": [] }, "agents": [agent(1, "main"), agent(2, "ops")], "bindings": [],
            "credentials": [], "order": [], "channels": [], "revision": 1,
        }))
        .unwrap();
        let version = |number: u32| {
            let at = "2026-01-01T00:00:00Z";
            json!({ "number": number, "state": "current", "created": at, "since": at, "by": "ada", "why": null, "expires": null })
        };
        let of = |agent: Option<usize>| -> VaultCredential {
            let whose = agent.map(|at| instance.agents[at].uid);
            serde_json::from_value(
                json!({ "uid": NOBODY, "profile": "acme:a", "provider": "acme", "kind": "api_key",
                "agent": whose, "versions": [version(1), version(2)] }),
            )
            .unwrap()
        };
        let (shared, own) = (of(None), of(Some(1)));
        let age = |credential, days, due| Age {
            instance: &instance,
            credential,
            days,
            due,
            stage: None,
            at_hand: None,
            together: Vec::new(),
        };
        let ages = [age(&own, 100, true), age(&shared, 1, false)];
        let said = partial(&ages, false).unwrap();
        assert_eq!(said, "acme:a got new values this week, acme:a (ops's own) did not");
        assert!(partial(&ages, true).unwrap().contains("acme:a (ops's own) of office did not"));
    }
}
