//! What a person should know before the answer is yes.

use super::plan::ImportPlan;
use crate::manifest::{BindingPart, Logins, Part};
use crate::payload::Payload;
use keyshoal_core::vault::Delivery;
use keyshoal_core::{SecretSource, StoreId, VerdictKind};
use keyshoal_openclaw::config::named_places;
use std::path::Path;

pub(super) fn warnings(payload: &Payload, plan: &ImportPlan, in_place: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    logins(plan, in_place, &mut warnings);
    credentials(plan, &mut warnings);
    routes(payload, plan, &mut warnings);
    places(payload, plan, &mut warnings);
    named(plan, &mut warnings);
    warnings.extend(plan.doors());
    if plan.delivery == Delivery::Refs {
        warnings.push(
            "the old machine's stores referred to one private file; here they hold the keys, until keyshoal instance set --delivery refs"
                .to_owned(),
        );
    }
    if plan.source.release.is_none() {
        warnings.push("nothing tells which release of OpenClaw last wrote this".to_owned());
    }
    if plan.config.is_none() {
        warnings.push("there was no config: OpenClaw ran on its defaults".to_owned());
    }
    warnings
}

/// Says which directories the config names that do not move with the state directory.
fn places(payload: &Payload, plan: &ImportPlan, warnings: &mut Vec<String>) {
    for agent in &payload.manifest.agents {
        let elsewhere = |written: &&str| !Path::new(written).starts_with(&plan.source.state_dir);
        if let Some(workspace) = agent.workspace.as_deref().filter(elsewhere) {
            let mut files = payload.files.iter().filter(|file| file.part == Part::Workspace);
            let along = files.any(|file| file.agent == agent.id);
            warnings.push(match along {
                true => format!(
                    "agent {0} worked in {workspace}; its files come along, to workspace-{0} in the new state directory where that is not in there itself",
                    agent.id
                ),
                false => format!(
                    "agent {} works in {workspace}, as the config says; that has to be there on this machine",
                    agent.id
                ),
            });
        }
        if let Some(dir) = &agent.agent_dir {
            warnings.push(format!(
                "agent {} kept its store in {dir}, as the config says (agentDir); here it is where OpenClaw puts it by itself",
                agent.id
            ));
        }
    }
}

/// Says which other values of the config name places of the old machine, and what becomes of them.
fn named(plan: &ImportPlan, warnings: &mut Vec<String>) {
    let old = Path::new(&plan.source.state_dir);
    let moved = plan.moved_settings(old);
    let home = old.parent().filter(|_| is_hidden(old)).filter(|home| *home != Path::new("/"));
    let texts = plan.config.iter().map(|text| (None, text));
    let texts = texts.chain(plan.included.iter().map(|file| (Some(&file.name), &file.value)));
    for (file, text) in texts {
        for (way, path) in named_places(text) {
            let ours = way.starts_with("secrets.providers.keyshoal.");
            if !path.starts_with(home.unwrap_or(old)) || ours || is_told_of_agents(&way) {
                continue;
            }
            let which = file.map_or_else(|| way.clone(), |file| format!("{way} in {file}"));
            let path = path.display();
            warnings.push(match file.is_none() && moved.iter().any(|(moved, _)| *moved == way) {
                true => format!("{which} ({path}) moves to the same place below the new state directory"),
                false => format!("{which} is {path} and stays so: that has to be there on this machine"),
            });
        }
    }
}

/// Directories of single agents, of which there is more to say.
fn is_told_of_agents(way: &str) -> bool {
    let of_agent = way.starts_with("agents.list[") || way.starts_with("agents.entries");
    of_agent && (way.ends_with(".workspace") || way.ends_with(".agentDir"))
}

/// Tells whether a state directory is called like those that OpenClaw makes in a home.
fn is_hidden(dir: &Path) -> bool {
    dir.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'))
}

fn logins(plan: &ImportPlan, in_place: bool, warnings: &mut Vec<String>) {
    let logins = plan.logins();
    if logins.is_empty() {
        return;
    }
    let which = logins.join(", ");
    warnings.push(match plan.logins {
        _ if in_place => {
            format!("the logins {which} stay in OpenClaw's stores: the vault knows that they are there, and OpenClaw alone renews them")
        }
        Logins::Move => format!(
            "the logins {which} move here, each into one store: the old machine must not run any more, or one of the two loses them"
        ),
        Logins::Stay => format!(
            "the logins {which} stay with the old machine, and no store here gets them: sign in on this machine"
        ),
    });
}

fn credentials(plan: &ImportPlan, warnings: &mut Vec<String>) {
    for one in plan.credentials.iter() {
        let whose = one
            .agent
            .and_then(|uid| plan.agent(uid))
            .map_or("shared".to_owned(), |agent| format!("of {}", agent.id));
        let named = format!("{} ({whose})", one.profile);
        if let Some(reference) = &one.reference {
            let what = match &reference.source {
                SecretSource::Env => format!("the variable {}", reference.id),
                SecretSource::File => format!("{} in a file", reference.id),
                SecretSource::Exec => format!("{} of a command", reference.id),
                SecretSource::Store => format!("{} in OpenClaw's secret store", reference.id),
                SecretSource::Other(other) => format!("{} from {other}", reference.id),
            };
            warnings.push(format!(
                "{named} holds no value, but names {what}: that has to be there on this machine"
            ));
        }
        if one.verdict.is_some_and(VerdictKind::is_dead) {
            warnings.push(format!(
                "{named} is rejected by its provider: give a new value before the agents need it"
            ));
        }
    }
}

fn routes(payload: &Payload, plan: &ImportPlan, warnings: &mut Vec<String>) {
    // A disabled agent's are in no config, and do not count there.
    let disabled = |binding: &BindingPart| {
        payload.manifest.agents.iter().any(|agent| agent.id == binding.agent && !agent.enabled)
    };
    let written = payload.manifest.bindings.iter().filter(|binding| !disabled(binding));
    for (at, binding) in written.enumerate() {
        if !binding.is_route() {
            warnings.push(format!(
                "bindings[{at}] is of type {}: it stays in the config as it is, and the vault does not look after it",
                binding.kind.as_deref().unwrap_or_default()
            ));
        } else if !plan.agents.iter().any(|agent| agent.id == binding.agent) {
            warnings.push(format!(
                "bindings[{at}] stays in the config alone: it binds to {}, which is not in the roster",
                binding.agent
            ));
        }
    }
    for one in &payload.manifest.order {
        let shared = plan.order.iter().find(|(provider, _)| *provider == one.provider);
        if let Some(StoreId::Agent(id)) = &one.store
            && shared.is_none_or(|(_, profiles)| *profiles != one.profiles)
        {
            warnings.push(format!(
                "agent {id} has an order of its own for {}, which does not come along",
                one.provider
            ));
        }
    }
    if !plan.agents.iter().any(|agent| agent.default) {
        warnings.push("no agent is the default: messages that no binding claims have nobody".to_owned());
    }
}
