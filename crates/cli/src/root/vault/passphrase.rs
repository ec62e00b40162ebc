//! Passphrases: from a descriptor, or from a person who types.

use crate::error::CommandError;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::Secret;
use keyshoal_seal::KeyEncryptionKey;
use keyshoal_seal::keys::Passphrase;
use keyshoal_vault::{KeyRecord, KeyState};
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
        None => match typed(ui, &format!("{which} (hidden): "), GIVE)? {
            none if length(&none) == 0 => Err(CommandError::user(NOT_GIVEN)),
            typed => Ok(typed),
        },
    }
}

/// The option by which a passphrase is given that is known already.
const GIVE: &str = "--passphrase-fd";

/// The passphrases that descriptors give to a command. Each is read once, as a pipe gives it once only, and tried for every key.
pub(super) struct Given {
    descriptors: Vec<u32>,
    read: Option<Vec<Secret>>,
    /// Whoever types is told that the command can do without.
    can_do_without: bool,
}

impl Given {
    /// Remembers the descriptors.
    pub(super) fn by(descriptors: impl IntoIterator<Item = u32>, can_do_without: bool) -> Self {
        Self { descriptors: descriptors.into_iter().collect(), read: None, can_do_without }
    }

    /// Returns the key of a vault that one of them makes, or that a person types. `between`: the vault has an old and a new one.
    pub(super) fn key(
        &mut self,
        ui: &mut Ui,
        how: &Passphrase,
        record: &KeyRecord,
        between: bool,
    ) -> Result<KeyEncryptionKey, CommandError> {
        let which = match (between, record.state) {
            (true, KeyState::Retiring) => "old passphrase of the vault",
            (true, _) => "new passphrase of the vault",
            _ => "passphrase of the vault",
        };
        let typed = self.descriptors.is_empty();
        let secrets = match typed {
            true => {
                let without = if self.can_do_without { ", or Enter to go on without it" } else { "" };
                vec![known(ui, &format!("{}{without}", capital(which)), None)?]
            }
            false => self.read()?.to_vec(),
        };
        for secret in &secrets {
            let key = how.key(secret).map_err(super::fetch::wrong)?.key_encryption_key();
            if key.id() == record.id {
                return Ok(key);
            }
        }
        Err(match between && !typed {
            true => CommandError::user(format!("the {which} was not given"))
                .hint("keyshoal vault rekey --passphrase-fd 3 --new-passphrase-fd 4   takes both, and ends the change of the key"),
            false if between => CommandError::user(format!("that is not the {which}")),
            false => CommandError::user("that is not the vault's passphrase"),
        })
    }

    fn read(&mut self) -> Result<&[Secret], CommandError> {
        if self.read.is_none() {
            let read = self.descriptors.iter().map(|fd| from_descriptor(*fd));
            self.read = Some(read.collect::<Result<_, _>>()?);
        }
        Ok(self.read.as_deref().unwrap_or_default())
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// Reads a passphrase that is chosen now, from a descriptor that `option` names, or typed: twice, so that a slip does not lock everything away.
pub(super) fn chosen(ui: &mut Ui, option: &str, fd: Option<u32>) -> Result<Secret, CommandError> {
    let one = match fd {
        Some(fd) => from_descriptor(fd)?,
        None => {
            let one = typed(ui, "New passphrase for the vault (hidden): ", option)?;
            if typed(ui, "The same once more: ", option)? != one {
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

fn typed(ui: &mut Ui, prompt: &str, option: &str) -> Result<Secret, CommandError> {
    let typed = ui.ask_hidden(&Text::toned(Tone::Strong, prompt))?;
    let typed = typed.ok_or_else(|| {
        let said = match option {
            GIVE => "the vault's key comes from a passphrase, and nobody can be asked for it here",
            _ => "the vault's new key is to come from a passphrase, and nobody can be asked for it here",
        };
        CommandError::user(said).hint(format!("give it on a descriptor: {option} 3 3< FILE"))
    })?;
    line_of(typed.reveal_secret().as_bytes())
}

/// Reads a descriptor to its end. A descriptor that was used already gives nothing, and is refused.
fn from_descriptor(fd: u32) -> Result<Secret, CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::user(format!("descriptor {fd} could not be read: {error}"))
            .hint(format!("open it for keyshoal: … {fd}< FILE"))
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
