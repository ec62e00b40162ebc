//! `keyshoal export`: everything of an instance that moves to another machine, in one payload.

mod vaulted;

use super::Context;
use crate::document::ExportDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Answer, Text, Tone, Ui};
use crate::{render, root};
use keyshoal_openclaw::locate::Locations;
use keyshoal_openclaw::{config, gateway};
use keyshoal_seal::{OneTimeCode, Recipient};
use keyshoal_transfer::manifest::Logins;
use keyshoal_transfer::{Form, GatherOptions, Lock, Payload, gather_open, write};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `export`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal export --to home.payload                           sealed with a one-time code, which is shown once
  keyshoal export --to home.payload --recipient KEY           only that machine can open it (there: keyshoal recipient new)
  keyshoal export --to - --text --code-file ./code            text to paste, and the code in a file
  keyshoal export --to home.payload --with-context            workspaces and session files too

The installation is opened for reading only; nothing of it is changed, and nothing is remembered of it. In it go: the roster, bindings,
channels, models, the profiles of all agents, their order, the config's text and the variables of .env; and where a vault says what is
right, what only that has: disabled agents, overrides that wait, what is meant. Logins stay, as a refresh token has one owner, and one
signs in on the new machine; --move-logins takes them along, and says that this machine stops.")]
pub struct ExportArgs {
    /// Where it goes: a file that does not exist yet, or - for standard output
    #[arg(long, value_name = "FILE|-", default_value = "keyshoal-export.payload")]
    pub to: PathBuf,
    /// Seal it with a one-time code (that is what is done when nothing is said)
    #[arg(long, group = "sealing")]
    pub code: bool,
    /// Write the code into this new file instead of showing it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "clear"])]
    pub code_file: Option<PathBuf>,
    /// Seal it for one machine, by the key that `keyshoal recipient show` prints there
    #[arg(long, value_name = "KEY", group = "sealing")]
    pub recipient: Option<String>,
    /// Do not seal it: whoever gets it has every key
    #[arg(long, group = "sealing")]
    pub clear: bool,
    /// Take workspaces and session files along
    #[arg(long)]
    pub with_context: bool,
    /// Take logins along, which the import puts into one store each; this machine must not run any more then
    #[arg(long)]
    pub move_logins: bool,
    /// Write it as text that can be pasted
    #[arg(long)]
    pub text: bool,
    /// Agree to what --clear asks
    #[arg(long, short)]
    pub yes: bool,
}

/// Who shall be able to open it.
enum Chosen {
    Clear,
    Code(OneTimeCode),
    Recipient(Recipient),
}

impl Chosen {
    fn lock(&self) -> Lock<'_> {
        match self {
            Self::Clear => Lock::Clear,
            Self::Code(code) => Lock::Code(code),
            Self::Recipient(recipient) => Lock::Recipient(recipient),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Code(_) => "code",
            Self::Recipient(_) => "recipient",
        }
    }
}

/// Gathers, shows, and writes the payload.
pub fn cmd_export(ui: &mut Ui, context: &Context<'_>, args: &ExportArgs) -> Result<Outcome, CommandError> {
    let to_stdout = args.to == Path::new("-");
    if to_stdout && ui.is_json() {
        return Err(CommandError::usage("--json prints its document where --to - prints the payload")
            .hint("name a file: --to FILE"));
    }
    let chosen = choose(ui, args)?;
    let locations = root::locations(context.world, context.globals)?;
    let payload = gathered(ui, context, args, &locations)?;
    let mut payload = vaulted::hear(ui, context, &locations, payload)?;
    payload.close();
    let summary = render::export::summary(&payload);
    if matches!(chosen, Chosen::Clear) && !agreed_to_clear(ui, args)? {
        return Ok(Outcome::Attention);
    }
    let form = if args.text { Form::Text } else { Form::Binary };
    let put = |out: &mut dyn Write| {
        write(&payload, chosen.lock(), form, out).map_err(|error| CommandError::io(error.to_string()))
    };
    // First the code: a payload that nobody can open is of no use.
    if let (Chosen::Code(code), Some(path)) = (&chosen, &args.code_file) {
        let text = zeroize::Zeroizing::new(format!("{}\n", code.shown().reveal_secret()));
        root::write_new(path, text.as_bytes())?;
    }
    let written = match to_stdout {
        true => {
            summary.iter().for_each(|line| ui.say(line));
            ui.flush();
            root::write_stdout(put)
        }
        false => root::write_new_with(&args.to, put),
    };
    if written.is_err()
        && let Some(path) = &args.code_file
    {
        root::take_back(path);
    }
    written?;
    if !to_stdout {
        ui.data(&summary);
        let done = format!("{} holds it, for its owner alone", args.to.display());
        ui.data(&[Text::toned(Tone::Good, "✓ ").plain(done)]);
    }
    if let (Chosen::Code(code), None) = (&chosen, &args.code_file) {
        ui.show(&Text::of(
            "The code, which is shown this once and kept nowhere (take it another way than the payload):",
        ));
        ui.show(&Text::toned(Tone::Strong, format!("  {}", code.shown().reveal_secret())));
    }
    ui.document(&ExportDocument::of(&payload, (!to_stdout).then_some(args.to.as_path()), chosen.word()))?;
    Ok(Outcome::Fine)
}

fn choose(ui: &Ui, args: &ExportArgs) -> Result<Chosen, CommandError> {
    if args.clear {
        return Ok(Chosen::Clear);
    }
    if let Some(text) = &args.recipient {
        let recipient = text.parse().map_err(|error: keyshoal_seal::RecipientError| {
            CommandError::usage(format!("--recipient: {error}"))
        })?;
        return Ok(Chosen::Recipient(recipient));
    }
    if args.code_file.is_none() && !ui.can_ask() {
        return Err(CommandError::usage("nobody is at the terminal to read the code")
            .hint("write it into a file: --code-file FILE")
            .hint("or seal the payload for one machine: --recipient KEY"));
    }
    OneTimeCode::random().map(Chosen::Code).map_err(|error| CommandError::io(error.to_string()))
}

fn gathered(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &ExportArgs,
    locations: &Locations,
) -> Result<Payload, CommandError> {
    let env = &context.world.environment;
    let options = GatherOptions {
        context: args.with_context,
        logins: if args.move_logins { Logins::Move } else { Logins::Stay },
        in_place: false,
        instance: None,
        now: keyshoal_local::clock::now(),
        closed: false,
    };
    let payload =
        gather_open(locations, env, &options).map_err(|error| CommandError::io(error.to_string()))?;
    if args.move_logins {
        let running = config::load(locations, env)
            .is_ok_and(|config| gateway::discover(locations, &config, env).running == Some(true));
        let now = if running { "; its gateway is running now: stop it, and export again" } else { "" };
        ui.warn(&format!("the logins come along: this machine's OpenClaw must not run any more{now}"));
    }
    Ok(payload)
}

fn agreed_to_clear(ui: &mut Ui, args: &ExportArgs) -> Result<bool, CommandError> {
    ui.warn("the payload will not be sealed: whoever gets to see it has every key and token in it");
    if args.yes {
        return Ok(true);
    }
    match ui.ask(&[Text::of("Write it in the clear?")], false)? {
        Some(Answer::Yes) => Ok(true),
        Some(Answer::No) => Ok(false),
        None => Err(CommandError::usage("nobody is at the terminal to agree to --clear")
            .hint("leave --clear out, or add --yes")),
    }
}
