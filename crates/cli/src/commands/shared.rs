//! What several commands need.

use super::Context;
use crate::arguments::{Include, ScopeArgs};
use crate::error::{CommandError, ErrorKind};
use crate::exit::Outcome;
use crate::root::holdings::Held;
use crate::root::{self, OpenFor};
use crate::ui::{Answer, Progress, Text, Ui};
use keyshoal_core::{AgentId, AgentView, Observation, ProfileId, ProviderId, Scope, VerdictKind};
use keyshoal_engine::look::LookError;
use keyshoal_engine::sync::SyncError;
use keyshoal_engine::{AskPolicy, Look, LookOptions, SetError, SyncOptions};
use keyshoal_ledger::RunDetail;
use keyshoal_local::Installation;
use keyshoal_openclaw::agent_id;

/// Opens the installation and says what is to be known about how it was opened.
pub fn open(ui: &mut Ui, context: &Context<'_>, wanted: OpenFor) -> Result<Installation, CommandError> {
    open_held(ui, context, wanted).map(|(installation, _)| installation)
}

/// Opens the installation, and its vault where that is at hand.
pub fn open_held(
    ui: &mut Ui,
    context: &Context<'_>,
    wanted: OpenFor,
) -> Result<(Installation, Option<Held>), CommandError> {
    let need = wanted.vault;
    let installation = root::open(context.world, context.globals, wanted)?;
    for note in installation.notes() {
        ui.warn(note);
    }
    let held = root::holdings::hold(ui, context.world, context.globals, &installation, need)?;
    Ok((installation, held))
}

/// Looks at the installation.
pub fn look(ui: &mut Ui, installation: &Installation, options: &LookOptions) -> Result<Look, CommandError> {
    let progress = ui.progress();
    let look = keyshoal_engine::look(installation, options, &mut |step| progress.show(&step));
    drop(progress);
    let look = look?;
    warn_not_remembered(ui, &look);
    Ok(look)
}

/// Says why a look's lessons could not be remembered, if so.
pub fn warn_not_remembered(ui: &mut Ui, look: &Look) {
    if let Some(reason) = &look.not_remembered {
        ui.warn(&format!("what was seen could not be remembered: {reason}"));
    }
}

/// Returns a function that shows the engine's progress.
pub fn shown(progress: &Progress) -> impl FnMut(keyshoal_engine::Progress) + '_ {
    |step| progress.show(&step)
}

/// Says whether providers are asked.
pub fn ask_policy(offline: bool) -> AskPolicy {
    if offline { AskPolicy::Offline } else { AskPolicy::Remembered }
}

impl ScopeArgs {
    /// Returns how to look.
    pub fn look_options(&self) -> LookOptions {
        LookOptions {
            from: self.from.as_deref().map(agent),
            scope: Scope {
                agents: self.agent.iter().map(|id| agent(id)).collect(),
                providers: self.provider.iter().map(|id| ProviderId::new(id.trim())).collect(),
                profiles: self.profile.iter().map(|id| ProfileId::new(id.trim())).collect(),
            },
            ask: ask_policy(self.offline),
            ..LookOptions::default()
        }
    }

    /// Tells whether it leaves something of the installation out.
    pub fn is_limited(&self) -> bool {
        !self.agent.is_empty() || !self.provider.is_empty() || !self.profile.is_empty()
    }

    /// Returns how to sync.
    pub fn sync_options(&self) -> SyncOptions {
        SyncOptions {
            look: self.look_options(),
            include_foreign: self.include == Some(Include::Foreign),
            ..SyncOptions::default()
        }
    }

    /// Refuses names that the installation does not know: a run limited to nobody would say that all is well.
    pub fn check(&self, look: &Look) -> Result<(), CommandError> {
        for id in &self.agent {
            find_agent(&look.observed, id)?;
        }
        let observed = &look.observed;
        check_providers(observed, &self.provider)?;
        for id in &self.profile {
            let known = observed
                .stores
                .values()
                .any(|store| store.profiles.keys().any(|known| known.as_str() == id.trim()));
            if !known {
                return Err(CommandError::user(format!("no store has a profile {id}"))
                    .hint("`keyshoal status` shows what there is"));
            }
        }
        Ok(())
    }
}

/// Refuses providers of which no agent has or needs a credential.
pub fn check_providers(observed: &Observation, named: &[String]) -> Result<(), CommandError> {
    let held = || observed.stores.values().flat_map(|store| store.profiles.values().map(|one| &one.provider));
    let used = || observed.agents.iter().flat_map(|agent| agent.needs.keys().chain(agent.candidates.keys()));
    for id in named {
        if !held().chain(used()).any(|known| known.as_str() == id.trim()) {
            return Err(CommandError::user(format!("no agent has or needs a credential of provider {id}"))
                .hint("`keyshoal status` shows what there is"));
        }
    }
    Ok(())
}

/// Normalises an agent's name as OpenClaw does.
pub fn agent(name: &str) -> AgentId {
    agent_id::normalize(name)
}

/// Finds an agent by its name.
pub fn find_agent<'a>(observed: &'a Observation, name: &str) -> Result<&'a AgentView, CommandError> {
    let wanted = agent(name);
    observed.agent(&wanted).ok_or_else(|| {
        let known: Vec<&str> = observed.agents.iter().map(|one| one.id.as_str()).collect();
        CommandError::user(format!("there is no agent {name:?}"))
            .hint(format!("the agents are: {}", known.join(", ")))
    })
}

/// Finds a run by the beginning of its id, or the newest one by `last`.
pub fn find_run(installation: &Installation, wanted: &str) -> Result<RunDetail, CommandError> {
    if wanted != "last" {
        return Ok(installation.find_run(wanted)?);
    }
    let newest = installation.history(1)?;
    let Some(run) = newest.first() else {
        return Err(CommandError::user("no run has written anything yet"));
    };
    Ok(installation.find_run(run.id.as_str())?)
}

impl From<LookError> for CommandError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Port(error) => error.into(),
            LookError::Source(error) => Self::user(error.to_string()),
        }
    }
}

impl From<SyncError> for CommandError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Look(error) => error.into(),
            SyncError::Port(error) => error.into(),
        }
    }
}

impl From<SetError> for CommandError {
    fn from(error: SetError) -> Self {
        match error {
            SetError::Look(error) => error.into(),
            SetError::Port(error) => error.into(),
            SetError::Sync(error) => error.into(),
            SetError::Rejected(ref rejection) => {
                let mut made = Self::user(error.to_string());
                made.hints.extend(rejection.verdict.advice.clone());
                match rejection.verdict.kind {
                    VerdictKind::MalformedKey => made.hint("copy the key again"),
                    _ => made.hint("copy the key again; the same command with --offline writes it all the same, untested"),
                }
            }
            SetError::Untested(ref rejection) => {
                let mut made = Self::user(error.to_string());
                made.hints.extend(rejection.verdict.advice.clone());
                made.hint("try again later, or write it untested: --offline")
            }
            SetError::NoStoreYet { .. } => Self::user(error.to_string())
                .hint("where openclaw is on the PATH, the same command has it make the store (--yes agrees to that)")
                .hint("or start its gateway, give every agent one task, and try again"),
            SetError::Nowhere { ref hint, .. } => {
                let hint = hint.clone();
                Self::user(error.to_string()).hint(hint)
            }
            error => Self::new(ErrorKind::User, error.to_string()),
        }
    }
}

impl From<keyshoal_engine::rotate::RotateError> for CommandError {
    fn from(error: keyshoal_engine::rotate::RotateError) -> Self {
        use keyshoal_engine::rotate::RotateError;
        match error {
            RotateError::Value(error) => error.into(),
            RotateError::Look(error) => error.into(),
            RotateError::Sync(error) => error.into(),
            RotateError::Port(error) => error.into(),
        }
    }
}

/// Asks for agreement to a change, and says so where it is not given. `None`: go on.
pub fn agree(ui: &mut Ui, question: &str, yes: bool) -> Result<Option<Outcome>, CommandError> {
    agree_or(ui, question, yes, true)
}

/// The same for what nobody agrees to by a mere Enter.
pub fn agree_expressly(ui: &mut Ui, question: &str, yes: bool) -> Result<Option<Outcome>, CommandError> {
    agree_or(ui, question, yes, false)
}

fn agree_or(ui: &mut Ui, question: &str, yes: bool, default: bool) -> Result<Option<Outcome>, CommandError> {
    if yes {
        return Ok(None);
    }
    match ui.ask(&[Text::of(question)], default)? {
        Some(Answer::Yes) => Ok(None),
        Some(Answer::No) => {
            ui.say(&Text::of("nothing was changed"));
            Ok(Some(Outcome::Fine))
        }
        None => {
            ui.say(&Text::of(question));
            ui.say(&Text::of("nothing was changed: nobody is there to ask. Agree with --yes"));
            Ok(Some(Outcome::Attention))
        }
    }
}
