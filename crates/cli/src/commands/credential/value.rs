//! A value that a person gives: from a hidden prompt, stdin, a descriptor or a file, and tried at its provider.

use crate::arguments::GivenType;
use crate::commands::flow::Flow;
use crate::commands::shape;
use crate::error::CommandError;
use crate::render;
use crate::root;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::vault::VaultAgent;
use keyshoal_core::{CredentialKind, Endpoint, ProviderId, Secret, Verdict};
use keyshoal_engine::ports::Observe as _;
use keyshoal_engine::{Trial, require_accepted, try_value};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// A value that has come already.
pub type Came = Arc<OnceLock<Secret>>;

/// Where a value comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ValueArgs {
    /// Read the value from this file instead of the prompt or stdin
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
    /// Read the value from this descriptor
    #[arg(long, value_name = "N", conflicts_with = "from_file")]
    pub from_fd: Option<u32>,
    /// The type, where the profile is new [default: what the profile has]
    #[arg(long, value_name = "TYPE")]
    pub r#type: Option<GivenType>,
    /// What was typed, or came on stdin: it comes once, and the command may be done anew.
    #[arg(skip)]
    pub came: Came,
}

impl ValueArgs {
    /// Returns the type that was named.
    pub fn kind(&self) -> Option<CredentialKind> {
        self.r#type.map(|kind| match kind {
            GivenType::ApiKey => CredentialKind::ApiKey,
            GivenType::Token => CredentialKind::Token,
        })
    }
}

/// Reads it. What cannot be a key is refused, with the command that it was given `to`.
pub fn read(ui: &mut Ui, args: &ValueArgs, name: &str, to: &str) -> Result<Secret, CommandError> {
    if let Some(problem) = shape::looks_like_a_secret(name) {
        return Err(CommandError::usage(format!("{problem}; a value is never given on the command line"))
            .hint("name the provider, and give the value at the prompt or on stdin")
            .hint("it is in your shell's history now: revoke that key"));
    }
    let secret = given(ui, args, name)?;
    shape::check(&secret, to)?;
    Ok(secret)
}

/// Takes it from where it comes, without the line end.
pub fn given(ui: &mut Ui, args: &ValueArgs, name: &str) -> Result<Secret, CommandError> {
    if let Some(path) = &args.from_file {
        return root::read_secret(path);
    }
    if let Some(came) = args.came.get() {
        return Ok(came.clone());
    }
    let secret = come(ui, args, name)?;
    Ok(args.came.get_or_init(|| secret).clone())
}

fn come(ui: &mut Ui, args: &ValueArgs, name: &str) -> Result<Secret, CommandError> {
    if let Some(fd) = args.from_fd {
        return root::read_secret(&PathBuf::from(format!("/proc/self/fd/{fd}")));
    }
    let prompt = Text::toned(Tone::Strong, format!("New value for {name} (hidden): "));
    if let Some(secret) = ui.ask_hidden(&prompt)? {
        return root::secret_of(secret.reveal_secret().as_bytes())
            .ok_or_else(|| CommandError::internal("what was typed is not text"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(shape::LONGEST + 1));
    std::io::stdin()
        .lock()
        .take(shape::LONGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| CommandError::io(format!("the value could not be read from stdin: {error}")))?;
    root::secret_of(&bytes).ok_or_else(|| CommandError::user("what came on stdin is not UTF-8 text"))
}

/// What providers have said of a value, each where it was asked.
pub type Said = Vec<(Endpoint, Verdict)>;

/// Tries a value wherever it would be sent, and returns what was said where anybody was asked. One that is rejected, or of which nobody says
/// anything, is refused.
pub fn try_it(
    ui: &mut Ui,
    flow: &Flow<'_>,
    secret: &Secret,
    provider: &ProviderId,
    kind: &CredentialKind,
    agent: Option<&VaultAgent>,
    asked: bool,
) -> Result<Option<Said>, CommandError> {
    if !asked {
        ui.say(&Text::of("its provider was not asked"));
        return Ok(None);
    }
    let fingerprint = flow.installation.enter(secret.clone(), None);
    let observed = flow.installation.observe()?;
    let agent = agent.map(|agent| agent.id.clone());
    let trial = Trial { provider: provider.clone(), kind: kind.clone(), fingerprint, agent };
    let progress = ui.progress();
    progress.show(&keyshoal_engine::Progress::Asking { questions: 1 });
    let said = try_value(&flow.installation, &observed, &trial);
    drop(progress);
    let said = said?;
    for (endpoint, verdict) in &said {
        let line = Text::of(format!("{fingerprint}: {} says: ", endpoint.provider));
        ui.say(&line.join(&render::words::verdict(verdict.kind)));
    }
    require_accepted(&said, true)?;
    Ok(Some(said))
}
