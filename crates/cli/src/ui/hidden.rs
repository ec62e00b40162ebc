//! Typing a secret without showing it.
//!
//! Echo, line editing and signal keys are switched off while the person types; Ctrl-C is then an ordinary byte that we answer to
//! ourselves, after the terminal is as it was. A signal from elsewhere restores the terminal as well before it ends us.

use super::signals::{remember, restore};
use crate::error::CommandError;
use keyshoal_core::Secret;
use rustix::process::Signal;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use std::io;
use zeroize::Zeroizing;

/// The longest secret that is read; tokens are shorter, private keys too.
const LONGEST: usize = 64 * 1024;

/// Puts the terminal back when the prompt ends, however it ends.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        restore();
    }
}

/// Reads one line from the terminal on stdin without showing it. The caller has written the prompt. These words are said where the person
/// breaks it off.
pub fn read_hidden(words: &'static str) -> Result<Secret, CommandError> {
    let failed = |error: io::Error| {
        CommandError::io(format!("the terminal could not be switched to hidden input: {error}"))
            .hint("give it on standard input, or in a file, instead")
    };
    let original = tcgetattr(rustix::stdio::stdin()).map_err(|error| failed(error.into()))?;
    let mut hidden = original.clone();
    hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
    hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
    remember(original);
    let _restore = Restore;
    tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &hidden)
        .map_err(|error| failed(error.into()))?;
    let mut typed = Line::default();
    let mut chunk = Zeroizing::new([0_u8; 256]);
    loop {
        let count = match rustix::io::read(rustix::stdio::stdin(), chunk.as_mut_slice()) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(failed(error.into())),
        };
        if count == 0 {
            return typed.finish();
        }
        for byte in &chunk[..count] {
            match typed.take(*byte) {
                Step::More => {}
                Step::Done => return typed.finish(),
                Step::Stop => return Err(CommandError::stopped(Signal::INT.as_raw(), words)),
            }
        }
    }
}

#[derive(Default)]
struct Line(Zeroizing<Vec<u8>>);

enum Step {
    More,
    Done,
    Stop,
}

impl Line {
    fn take(&mut self, byte: u8) -> Step {
        match byte {
            b'\r' | b'\n' | 0x04 => return Step::Done,
            0x03 => return Step::Stop,
            0x08 | 0x7f => {
                self.0.pop();
            }
            0x15 => self.0.clear(),
            _ if self.0.len() >= LONGEST => return Step::Done,
            byte => {
                // Grown by hand, so that no unwiped copy stays behind.
                if self.0.len() == self.0.capacity() {
                    let mut larger = Zeroizing::new(Vec::with_capacity((self.0.capacity() * 2).max(1024)));
                    larger.extend_from_slice(&self.0);
                    self.0 = larger;
                }
                self.0.push(byte);
            }
        }
        Step::More
    }

    fn finish(self) -> Result<Secret, CommandError> {
        let text = std::str::from_utf8(&self.0)
            .map_err(|_| CommandError::user("what was typed is not UTF-8 text; nothing was changed"))?;
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> Option<String> {
        let mut line = Line::default();
        for byte in bytes {
            match line.take(*byte) {
                Step::More => {}
                Step::Done => break,
                Step::Stop => return None,
            }
        }
        line.finish().ok().map(|secret| secret.reveal_secret().to_owned())
    }

    #[test]
    fn editing_keys_work_while_nothing_is_shown() {
        assert_eq!(typed(b"sk-axx\x7f\x08b\r").as_deref(), Some("sk-ab"));
        assert_eq!(typed(b"wrong\x15right\n").as_deref(), Some("right"));
        assert_eq!(typed(b"abc\x03"), None);
    }
}
