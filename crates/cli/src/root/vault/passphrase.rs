//! Passphrases: from a descriptor, or from a person who types.

use crate::error::CommandError;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::Secret;
use std::io::Read as _;
use zeroize::Zeroizing;

/// What is said where a person was asked and gave none.
pub(super) const NOT_GIVEN: &str = "its passphrase was not given";
/// No passphrase is longer.
const LONGEST: u64 = 4096;
/// None that is chosen is shorter.
const SHORTEST: usize = 8;

/// Reads a passphrase that is known already.
pub(super) fn known(ui: &mut Ui, which: &str, fd: Option<u32>) -> Result<Secret, CommandError> {
    match fd {
        Some(fd) => from_descriptor(fd),
        None => match typed(ui, &format!("{which} (hidden): "))? {
            none if length(&none) == 0 => Err(CommandError::user(NOT_GIVEN)),
            typed => Ok(typed),
        },
    }
}

/// Reads a passphrase that is chosen now: typed twice, so that a slip does not lock everything away.
pub(super) fn chosen(ui: &mut Ui, fd: Option<u32>) -> Result<Secret, CommandError> {
    let one = match fd {
        Some(fd) => from_descriptor(fd)?,
        None => {
            let one = typed(ui, "New passphrase for the vault (hidden): ")?;
            if typed(ui, "The same once more: ")? != one {
                return Err(CommandError::user("the two are not the same; nothing was changed"));
            }
            one
        }
    };
    if length(&one) < SHORTEST {
        return Err(CommandError::user(format!(
            "a passphrase has at least {SHORTEST} bytes; nothing was changed"
        ))
        .hint("several words are easier to remember and harder to guess than one with odd letters"));
    }
    Ok(one)
}

fn length(secret: &Secret) -> usize {
    secret.reveal_secret().len()
}

fn typed(ui: &mut Ui, prompt: &str) -> Result<Secret, CommandError> {
    let typed = ui.ask_hidden(&Text::toned(Tone::Strong, prompt))?;
    let typed = typed.ok_or_else(|| {
        CommandError::user("the vault's key comes from a passphrase, and nobody can be asked for it here")
            .hint("give it on a descriptor: --passphrase-fd 3 3< FILE")
    })?;
    line_of(typed.reveal_secret().as_bytes())
}

/// Reads a descriptor to its end. A descriptor that was used already gives nothing, and is refused.
fn from_descriptor(fd: u32) -> Result<Secret, CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::user(format!("descriptor {fd} could not be read: {error}"))
            .hint("open it for keyshoal: --passphrase-fd 3 3< FILE")
    };
    #[expect(clippy::disallowed_methods, reason = "the descriptor that the person handed over")]
    let file = std::fs::File::open(format!("/proc/self/fd/{fd}")).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.is_empty() || bytes.len() as u64 > LONGEST {
        return Err(CommandError::user(format!(
            "descriptor {fd} gives no passphrase of 1 to {LONGEST} bytes"
        )));
    }
    line_of(&bytes)
}

/// Takes the line end away, and nothing else: blanks may belong to a passphrase.
fn line_of(bytes: &[u8]) -> Result<Secret, CommandError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| CommandError::user("the passphrase is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}
