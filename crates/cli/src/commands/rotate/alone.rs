//! The rotation of one installation: from a new value on, or from where it stands.

use super::back::print_of;
use super::book::{Part, VaultBook};
use super::stop::Stop;
use super::{RotateArgs, at_work, planned, show, strangers, ways};
use crate::commands::credential::value::Said;
use crate::commands::flow::Flow;
use crate::commands::{credential, shared};
use crate::document::RotateDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::holdings::{self, Held};
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::vault::{VaultAgent, VaultCredential, VaultInstance, VersionState};
use keyshoal_core::{Fact, Fingerprint, Secret};
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::rotate::{
    Ended, Event, RotateError, RotateOptions, RotateReport, Rotation, State, plan_waves, rotate,
    why_no_canary,
};
use std::sync::Arc;

/// What is rotated, and how.
pub struct Alone<'a> {
    /// The installation and its vault.
    pub flow: &'a Flow<'a>,
    /// The credential.
    pub credential: &'a VaultCredential,
    /// What the person asked for.
    pub args: &'a RotateArgs,
    /// The same for the engine.
    pub options: &'a RotateOptions,
    /// What answers to signals.
    pub stop: &'a Stop,
}

impl Alone<'_> {
    /// Names who has the credential: one agent where it is an override.
    pub fn whom(&self) -> &str {
        self.agent().map_or("everybody", |agent| agent.id.as_str())
    }

    /// Returns the agent whose override it is.
    pub fn agent(&self) -> Option<&VaultAgent> {
        self.flow.instance().agents.iter().find(|agent| Some(agent.uid) == self.credential.agent)
    }

    /// Stages a new value and goes on from there. What a rotation before it keeps at hand is retired only for a value that is accepted.
    pub fn staged(
        &self,
        ui: &mut Ui,
        before: Option<keyshoal_vault::Rotation>,
    ) -> Result<Outcome, CommandError> {
        let Self { flow, credential, args, options, .. } = self;
        let command = ways::command_of(flow.instance(), credential);
        let to = command.trim_start_matches("keyshoal ");
        let secret = credential::value::read(ui, &args.value, credential.profile.as_str(), to)?;
        let held = flow.entry(credential.uid)?;
        let value =
            credential::entry::with_secret(held.as_ref(), &credential.provider, &credential.kind, &secret)?;
        if credential::entry::is_same(&credential.profile, held.as_ref(), &value) {
            ui.data(&[Text::toned(Tone::Good, "✓ ").plain(format!(
                "{}: this is the current value already; nothing was changed",
                credential.profile
            ))]);
            ui.document(&RotateDocument::unchanged(&credential.profile))?;
            return Ok(Outcome::Fine);
        }
        let look = strangers::look(ui, flow)?;
        let new = flow.installation.enter(secret.clone(), None);
        strangers::refuse(flow.instance(), credential, &look, new, "", None)?;
        for canary in &options.sizes.canaries {
            if let Some(why) = why_no_canary(&look, &credential.profile, canary) {
                return Err(CommandError::user(format!(
                    "{canary} cannot come first: {why}; nothing was changed"
                ))
                .hint("without --canary, the first agent that can comes first"));
            }
        }
        let waves = match credential.agent {
            Some(_) => Vec::new(),
            None => plan_waves(&look, &credential.profile, &options.sizes),
        };
        let strange = strangers::of(flow.instance(), credential, &look, &[Some(new)]);
        let plan = planned::plan(credential, &waves).into_iter();
        plan.chain(strangers::lines(&credential.profile, &strange)).for_each(|line| ui.say(&line));
        if before.is_some() {
            ui.say(&Text::of(
                "  the value before the present one, or the newer one that was taken back, is retired then, and is no way back any more but by credential restore",
            ));
        }
        let current = print_of(credential, VersionState::Current, &flow.installation.held_prints());
        let document = RotateDocument::planned(&credential.profile, &waves).beside(&strange);
        let document = document.between(current, Some(new));
        if args.flow.dry_run {
            ui.document(&document)?;
            return Ok(Outcome::Attention);
        }
        if let Some(outcome) = shared::agree(ui, "rotate?", args.flow.yes)? {
            if outcome == Outcome::Attention {
                ui.document(&document)?;
            }
            return Ok(outcome);
        }
        let (vault, profile) = (&flow.held.vault, credential.profile.as_str());
        let _at_work = at_work::begin(vault, flow.author(), profile, credential.uid)?;
        let closed;
        let mut tested = None;
        let mut part = Part::of(flow, credential);
        if let Some(open) = before {
            let (instance, said) = self.close(ui, open, &secret)?;
            closed = instance;
            part.instance = &closed;
            let now = closed.credentials.iter().find(|one| one.uid == credential.uid);
            part.credential = now.ok_or_else(|| flow.no_credential(profile, None))?;
            tested = said;
        }
        self.stop.knows(vault, &flow.instance().id, credential.uid);
        let part = (part, State { grace: options.grace, ..State::default() }, value);
        let (mut book, mut rotation) = one(VaultBook::begin(vault, flow.author(), vec![part])?)?;
        if options.offline {
            flow.installation.learn(&[Fact::Overruled { fingerprint: rotation.new }])?;
        }
        let options = RotateOptions { seen: Some(look.observed), tested, ..(*options).clone() };
        let (report, ended) = self.go(ui, &mut book, &mut rotation, &options)?;
        shown(ui, &rotation, &report, &ended)
    }

    /// Refuses where somebody else's value stands where the new one would go, and a person has to decide about it first. A rotation that has
    /// begun is given up by the command that is `under_way`.
    pub fn refuse_strangers(
        &self,
        ui: &mut Ui,
        new: Fingerprint,
        under_way: Option<&str>,
    ) -> Result<(), CommandError> {
        let look = strangers::look(ui, self.flow)?;
        strangers::refuse(self.flow.instance(), self.credential, &look, new, "", under_way)
    }

    /// Closes a rotation that has come through, for a value that its provider accepts. Returns the instance as it is then, and what was said of
    /// the value: it is not asked about once more, so that nothing that is said then can come too late.
    fn close(
        &self,
        ui: &mut Ui,
        open: keyshoal_vault::Rotation,
        secret: &Secret,
    ) -> Result<(VaultInstance, Option<Said>), CommandError> {
        let Self { flow, credential, options, .. } = self;
        let (provider, kind) = (&credential.provider, &credential.kind);
        let said =
            credential::value::try_it(ui, flow, secret, provider, kind, self.agent(), !options.offline)?;
        let part = Part::of(flow, credential);
        let (mut book, mut rotation) =
            one(VaultBook::resume(&flow.held.vault, flow.author(), vec![(part, open)])?)?;
        self.go(ui, &mut book, &mut rotation, &RotateOptions { grace: Some(0), ..(*options).clone() })?;
        ui.say(&Text::of("· the value that was at hand beside the present one is retired"));
        Ok((flow.held.vault.instance(&flow.instance().id)?, said))
    }

    /// Goes on as far as it goes.
    pub fn go(
        &self,
        ui: &mut Ui,
        book: &mut VaultBook<'_>,
        rotation: &mut Rotation,
        options: &RotateOptions,
    ) -> Result<(RotateReport, Ended), CommandError> {
        let flow = self.flow;
        let done = self.doing(ui, book, rotation, |book, rotation, tell| {
            rotate(&flow.installation, book, rotation, options, tell)
        });
        if matches!(done, Ok((_, Ended::Finished))) {
            crate::commands::vault::tidy(ui, &flow.held.vault, &flow.instance().id, flow.author());
        }
        done
    }

    /// Has the engine do something, and shows what happens meanwhile. What keeps it from going on comes with the ways out.
    pub fn doing(
        &self,
        ui: &mut Ui,
        book: &mut VaultBook<'_>,
        rotation: &mut Rotation,
        work: impl FnOnce(
            &mut VaultBook<'_>,
            &mut Rotation,
            &mut dyn FnMut(Event<'_>),
        ) -> Result<(RotateReport, Ended), RotateError>,
    ) -> Result<(RotateReport, Ended), CommandError> {
        let Held { vault, instance } = &self.flow.held;
        self.stop.knows(vault, &instance.id, self.credential.uid);
        // It takes its time, and others may change what else the vault wants meanwhile.
        let held = Held { vault: Arc::clone(vault), instance: instance.clone() };
        holdings::listen(&self.flow.installation, held);
        let progress = ui.progress();
        let mut lines = Vec::new();
        let done = work(book, rotation, &mut |event| show::event(&progress, &mut lines, &event));
        drop(progress);
        lines.iter().for_each(|line| ui.say(line));
        let command = ways::command(&rotation.profile, rotation.agent.as_ref());
        done.map_err(|error| ways::add(error.into(), book, &command, rotation.stage))
    }
}

/// Takes the only rotation of a book.
pub fn one(
    (book, rotations): (VaultBook<'_>, Vec<Rotation>),
) -> Result<(VaultBook<'_>, Rotation), CommandError> {
    let rotation = rotations.into_iter().next();
    Ok((book, rotation.ok_or_else(|| CommandError::internal("the vault's book of rotations is empty"))?))
}

/// Shows what was done.
pub fn shown(
    ui: &mut Ui,
    rotation: &Rotation,
    report: &RotateReport,
    ended: &Ended,
) -> Result<Outcome, CommandError> {
    ui.data(&show::report(rotation, report, ended, ui.width()));
    if matches!(ended, Ended::Finished) {
        let kept = credential::restore::kept(&rotation.profile, rotation.agent.as_ref());
        ui.say(&Text::toned(Tone::Dim, format!("· {kept}")));
    }
    ui.document(&RotateDocument::of(rotation, report, ended))?;
    let fine = match ended {
        Ended::Finished | Ended::Grace { .. } | Ended::Proven => report.failures.is_empty(),
        Ended::RolledBack { asked, clean, .. } => *asked && *clean,
        Ended::Unproven | Ended::Elsewhere { .. } | Ended::Failing { .. } | Ended::Halted { .. } => false,
    };
    let fine = fine && report.nothing_open();
    if let Ended::Halted { why } = ended {
        let command = ways::command(&rotation.profile, rotation.agent.as_ref());
        let ways = ways::out(&command, Some(rotation.stage));
        ui.say(&Text::toned(Tone::Doubt, "? halted: ").plain(format!("{why}; {ways}")));
    }
    Ok(Outcome::attention_if(!fine))
}
