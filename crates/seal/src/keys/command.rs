//! Keys from a program of the person's own: any key service, any hardware token.

use super::{KeyError, KeyFile, text};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zeroize::{Zeroize, Zeroizing};

/// How much of what the program complains of is shown.
const COMPLAINT: usize = 300;
/// A word this long could be the key itself.
const LIKE_A_KEY: usize = 24;
/// Reading what a program left behind in its pipe takes no longer.
const LAST_WORDS: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const TOO_MUCH: &str = "it printed far too much";

/// Runs a program, given as its name and arguments without a shell, and takes the key that it prints: 32 bytes in base64 or in
/// hexadecimal digits, or the text of a key file. What takes longer than `patience` is ended.
///
/// It stays in our process group: a program that asks on the terminal could not read there from another one, and Ctrl-C would not reach it.
pub fn from_command(argv: &[String], patience: Duration) -> Result<KeyFile, KeyError> {
    let (program, arguments) = argv
        .split_first()
        .ok_or(KeyError::Command { program: String::new(), why: "no program was named".to_owned() })?;
    let wrong = |why: String| KeyError::Command { program: program.clone(), why };
    #[expect(clippy::disallowed_methods, reason = "a program that the person named as the source of the key")]
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| wrong(format!("it does not start: {error}")))?;
    let too_much = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&too_much);
    let said = child.stdout.take().map(|out| {
        std::thread::spawn(move || take(out, text::LIMIT, &|| told.store(true, Ordering::Relaxed)))
    });
    let complained =
        child.stderr.take().map(|out| std::thread::spawn(move || take(out, text::LIMIT, &|| ())));
    let deadline = Instant::now() + patience;
    let ended = wait(&mut child, deadline, &too_much).map_err(&wrong)?;
    let Some(status) = ended else {
        if too_much.load(Ordering::Relaxed) {
            return Err(wrong(format!("{TOO_MUCH}, and was ended")));
        }
        // Children of its own may keep the pipes open: nobody waits for the readers.
        return Err(wrong(format!("it gave nothing within {} seconds, and was ended", patience.as_secs())));
    };
    // What it wrote before its end is there at once.
    let said = join(said, deadline.max(Instant::now() + LAST_WORDS))
        .ok_or_else(|| wrong("it ended, and something that it started keeps its output open".to_owned()))?;
    if !status.success() {
        let complained = join(complained, Instant::now() + LAST_WORDS).unwrap_or_default();
        return Err(wrong(format!("{status}{}", complaint(&complained))));
    }
    let key = read(&said).map_err(|why| wrong(why.to_owned()))?;
    Ok(KeyFile::from_bytes(*key))
}

/// Reads to the end, keeps no more than the limit and one byte, and says at once where there is more.
fn take(out: impl Read, limit: usize, too_much: &dyn Fn()) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(limit + 1));
    let mut out = out;
    let _ = out.by_ref().take(limit as u64 + 1).read_to_end(&mut kept);
    if kept.len() > limit {
        too_much();
    }
    // What is too long is refused: the program must not be left writing into a full pipe until it is ended.
    let _ = std::io::copy(&mut out, &mut std::io::sink());
    kept
}

/// Waits until it ends, its time is over, or it has printed too much to be a key: it may never end by itself then.
fn wait(
    child: &mut Child,
    end: Instant,
    too_much: &AtomicBool,
) -> Result<Option<std::process::ExitStatus>, String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if Instant::now() < end && !too_much.load(Ordering::Relaxed) => {
                std::thread::sleep(LOOK_AGAIN)
            }
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(None);
            }
            Err(error) => return Err(format!("it cannot be waited for: {error}")),
        }
    }
}

type Reader = std::thread::JoinHandle<Zeroizing<Vec<u8>>>;

fn join(reader: Option<Reader>, deadline: Instant) -> Option<Zeroizing<Vec<u8>>> {
    let reader = reader?;
    while !reader.is_finished() {
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    reader.join().ok()
}

/// Reads the key.
fn read(said: &[u8]) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    if said.len() > text::LIMIT {
        return Err(TOO_MUCH);
    }
    text::read_any(said).ok_or("it must print 32 bytes in base64 or hexadecimal digits, and nothing else")
}

/// Returns what the program complained of, unless a word of it could be the key.
fn complaint(bytes: &[u8]) -> String {
    let mut text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
    let like_a_key = text
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || "+/=_-".contains(letter)))
        .any(|word| word.len() >= LIKE_A_KEY);
    if like_a_key {
        text.zeroize();
        return "; what it said is not shown, because it could hold the key".to_owned();
    }
    let shown: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match shown.trim() {
        "" => String::new(),
        shown => format!("; it said: {}", shown.chars().take(COMPLAINT).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use proptest::prelude::*;

    fn sh(script: &str) -> Result<KeyFile, KeyError> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        from_command(&argv, Duration::from_secs(20))
    }

    proptest! {
        #[test]
        fn every_form_of_the_same_bytes_is_the_same_key(bytes: [u8; 32]) {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            for said in [
                format!("{hex}\n"),
                hex.to_uppercase(),
                format!("  {}\r\n", STANDARD.encode(bytes)),
                STANDARD_NO_PAD.encode(bytes),
                text::write("vault", &bytes).to_string(),
            ] {
                prop_assert_eq!(*read(said.as_bytes()).unwrap(), bytes);
            }
            // Cut off, it is never another key.
            prop_assert!(read(&hex.as_bytes()[1..]).is_err());
            prop_assert!(read(&STANDARD_NO_PAD.encode(bytes).as_bytes()[1..]).is_err());
        }
    }

    #[test]
    fn a_program_hands_the_key_over() {
        let key = sh("printf 0101010101010101010101010101010101010101010101010101010101010101").unwrap();
        assert_eq!(key.bytes(), &[1; 32]);
    }

    #[test]
    fn arguments_reach_the_program_as_they_are() {
        let words = ["/bin/sh", "-c", r#"test "$1" = 'a b; $(c) *' && printf %064d 1"#, "sh", "a b; $(c) *"];
        from_command(&words.map(str::to_owned), Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn what_goes_wrong_is_said_without_the_key() {
        let said = |script: &str| sh(script).unwrap_err().to_string();
        assert!(said("echo no token is plugged in >&2; exit 3").contains("no token is plugged in"));
        let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let leaking = said(&format!("echo {key} >&2; echo {key}; exit 3"));
        assert!(!leaking.contains("AQEB") && leaking.contains("not shown"), "{leaking}");
        assert!(said(&format!("echo {key}AA")).contains("32 bytes"));
        assert!(said("head -c 100000 /dev/zero").contains("too much"));
        assert!(said("exit 0").contains("32 bytes"));
        assert!(from_command(&[], Duration::ZERO).is_err());
        let missing = from_command(&["/nowhere/at/all".to_owned()], Duration::from_secs(1)).unwrap_err();
        assert!(missing.to_string().contains("does not start"), "{missing}");
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program tells which process it is by a file of its own"
    )]
    fn a_program_that_hangs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("echo $$ > '{}'; sleep 20 & exec sleep 6000", pid.display());
        let argv = ["/bin/sh", "-c", script.as_str()].map(str::to_owned);
        let error = from_command(&argv, Duration::from_secs(2)).unwrap_err();
        assert!(error.to_string().contains("was ended"), "{error}");
        let pid = std::fs::read_to_string(pid).unwrap();
        assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "it is still there");
    }

    #[test]
    fn a_program_that_prints_without_end_is_ended_at_once() {
        let begun = Instant::now();
        let argv = ["/bin/sh", "-c", "exec cat /dev/zero"].map(str::to_owned);
        let error = from_command(&argv, Duration::from_secs(60)).unwrap_err();
        assert!(error.to_string().contains("far too much"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(30), "it was waited for");
    }

    #[test]
    fn a_program_whose_own_child_keeps_the_output_open_is_not_waited_for() {
        let argv = ["/bin/sh", "-c", "sleep 20 & printf %064d 1"].map(str::to_owned);
        let error = from_command(&argv, Duration::from_millis(400)).unwrap_err();
        assert!(error.to_string().contains("keeps its output open"), "{error}");
    }
}
