//! Where the payload comes from: a file, standard input, a paste, or a state directory that was copied over.

use super::ImportArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::root;
use crate::ui::{Text, Tone, Ui};
use keyshoal_openclaw::locate::{self, Locations};
use keyshoal_openclaw::{Environment, files};
use keyshoal_seal::{OneTimeCode, RecipientKey, keys};
use keyshoal_transfer::manifest::Logins;
use keyshoal_transfer::{
    GatherOptions, Incoming, Key, Limits, Payload, ReadError, SealedWith, Tail, gather_copy, open,
};
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest paste; a payload with files is not pasted.
const LONGEST_PASTE: usize = 128 << 20;
const BEGIN: &str = "-----BEGIN KEYSHOAL PAYLOAD-----";
const END: &str = "-----END KEYSHOAL PAYLOAD-----";

/// What was read, and how it was sealed.
pub struct Read {
    pub payload: Payload,
    /// `code`, `recipient`, `clear`, or `directory`.
    pub sealed: &'static str,
    /// Where its files lie; to be let go of after the payload.
    pub drafts: Option<root::Drafts>,
}

/// Reads it whole; nothing of a payload that is refused stays anywhere.
pub fn read(ui: &mut Ui, context: &Context<'_>, args: &ImportArgs) -> Result<Read, CommandError> {
    if args.from != Path::new("-") && files::is_dir(&args.from) {
        return directory(ui, context, args);
    }
    if args.move_logins {
        return Err(CommandError::usage(
            "--move-logins is for a state directory; what is in a payload was decided by its export",
        )
        .hint("export it again there: keyshoal export --move-logins"));
    }
    if args.from == Path::new("-") {
        let stdin = std::io::stdin();
        return match stdin.is_terminal() {
            // All of it before the prompt for the code, which reads the same terminal.
            true => {
                ui.say(&Text::of(format!("Paste the payload, from {BEGIN} to {END}:")));
                let text = pasted(stdin.lock())?;
                payload(ui, context, args, opened(text.as_slice())?)
            }
            false => payload(ui, context, args, opened(stdin.lock())?),
        };
    }
    let file = root::open_file(&args.from)?;
    payload(ui, context, args, opened(file)?)
}

fn opened<'r>(from: impl std::io::Read + 'r) -> Result<Incoming<'r>, CommandError> {
    open(from, Limits::default(), Tail::Refused).map_err(refused)
}

fn payload(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &ImportArgs,
    incoming: Incoming<'_>,
) -> Result<Read, CommandError> {
    // Where only looked at, files are checked and not put anywhere.
    let drafts = match args.dry_run {
        true => None,
        false => Some(root::Drafts::of(context.world, context.globals)?),
    };
    let dir = drafts.as_ref().map(root::Drafts::path);
    let (payload, sealed) = match incoming.sealed() {
        SealedWith::Nothing => {
            ui.warn("the payload is not sealed: whoever had it has every key in it, and may have changed it");
            (incoming.read(Key::Nothing, dir), "clear")
        }
        SealedWith::Code => {
            let code = code(ui, args)?;
            (incoming.read(Key::Code(&code), dir), "code")
        }
        SealedWith::Recipient(_) => {
            let key = recipient_key(context, args)?;
            (incoming.read(Key::Recipient(&key), dir), "recipient")
        }
    };
    Ok(Read { payload: payload.map_err(refused)?, sealed, drafts })
}

fn code(ui: &mut Ui, args: &ImportArgs) -> Result<OneTimeCode, CommandError> {
    let typed = match &args.code_file {
        Some(path) => root::read_secret(path)?,
        None => {
            let prompt = Text::toned(Tone::Strong, "The one-time code (hidden): ");
            ui.ask_hidden(&prompt)?.ok_or_else(|| {
                CommandError::usage(
                    "the payload is sealed with a one-time code, and nobody is at the terminal to type it",
                )
                .hint("give it in a file: --code-file FILE")
            })?
        }
    };
    OneTimeCode::parse(&typed).map_err(|error| CommandError::user(error.to_string()))
}

fn recipient_key(context: &Context<'_>, args: &ImportArgs) -> Result<RecipientKey, CommandError> {
    let (dir, name) = match &args.recipient_key {
        None => (root::keys_dir_or_default(context.world, context.globals)?, keys::RECIPIENT.to_owned()),
        Some(path) => {
            let name = path.extension().filter(|ending| *ending == "key").and(path.file_stem());
            let name = name.and_then(|name| name.to_str()).ok_or_else(|| {
                CommandError::usage(format!("{} is not called like a key file (NAME.key)", path.display()))
            })?;
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            (dir.to_owned(), name.to_owned())
        }
    };
    let found = keys::load(&dir, &name).map_err(|error| CommandError::io(error.to_string()))?;
    let file = found.ok_or_else(|| {
        CommandError::user(format!("the payload was sealed for a machine, and there is no {name}.key in {}", dir.display()))
            .hint("import it on the machine where `keyshoal recipient new` was run, or name its key: --recipient-key FILE")
    })?;
    Ok(file.recipient_key())
}

/// Reads a copied state directory as its own installation: nothing of this machine's environment speaks for it.
fn directory(ui: &mut Ui, context: &Context<'_>, args: &ImportArgs) -> Result<Read, CommandError> {
    let env = Environment { home: context.world.environment.home.clone(), ..Environment::default() };
    let locations = locate::locate(&env, Some(&args.from), context.globals.config.as_deref())
        .map_err(|error| CommandError::config(error.to_string()))?;
    require_something(&locations)?;
    let options = GatherOptions {
        context: false,
        logins: if args.move_logins { Logins::Move } else { Logins::Stay },
        in_place: false,
        instance: None,
        now: keyshoal_local::clock::now(),
        closed: true,
    };
    let payload =
        gather_copy(&locations, &env, &options).map_err(|error| CommandError::io(error.to_string()))?;
    let origin = &payload.manifest.source.state_dir;
    if Path::new(origin) != locations.state_dir {
        ui.say(&Text::of(format!(
            "{} was copied from {origin}, as its config says: what that names there is read from the copy",
            locations.state_dir.display()
        )));
    }
    Ok(Read { payload, sealed: "directory", drafts: None })
}

/// Refuses a directory that OpenClaw has never used: an instance would be made of nothing.
fn require_something(locations: &Locations) -> Result<(), CommandError> {
    let dir = &locations.state_dir;
    let signs = [locations.config_path.clone(), dir.join("agents"), dir.join("state/openclaw.sqlite")];
    if signs.iter().any(|path| files::exists(path)) {
        return Ok(());
    }
    Err(CommandError::user(format!(
        "{} holds nothing of OpenClaw's: no openclaw.json, no agents, no state/openclaw.sqlite",
        dir.display()
    ))
    .hint("name the state directory itself as it was copied over (it is called .openclaw), or the payload's file"))
}

fn pasted(mut from: impl std::io::BufRead) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let failed = |error: std::io::Error| CommandError::io(format!("the paste could not be read: {error}"));
    let mut text = Zeroizing::new(Vec::new());
    loop {
        let begun = text.len();
        let read = from.by_ref().take(4096).read_until(b'\n', &mut text).map_err(failed)?;
        if text.len() > LONGEST_PASTE {
            return Err(CommandError::user("the paste is longer than any payload without files"));
        }
        if read == 0 || text[begun..].trim_ascii() == END.as_bytes() {
            return Ok(text);
        }
    }
}

fn refused(error: ReadError) -> CommandError {
    match error {
        ReadError::Io(_) | ReadError::Path(_) => CommandError::io(error.to_string()),
        ReadError::Refused { .. } => CommandError::user(format!("the payload is refused: {error}"))
            .hint("nothing of it was kept; export it again, and take it over by another way if it was damaged on this one"),
        _ => CommandError::user(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_ends_with_its_last_line() {
        let text = format!("\n{BEGIN}\nAAAA\n  {END}\r\nls -l\n");
        let read = pasted(text.as_bytes()).unwrap();
        assert!(read.ends_with(format!("{END}\r\n").as_bytes()));
    }
}
