//! Running a command that the person has given, as it is, and OpenClaw's own program.

use super::{World, variables};
use crate::arguments::Globals;
use crate::error::CommandError;
use keyshoal_openclaw::locate::{self, Locations};
use rustix::fs::Mode;
use rustix::process::umask;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Of what a program says, so much is kept.
const LONGEST: u64 = 64 * 1024;
/// So long its output is read after its end.
const LINGER: Duration = Duration::from_secs(2);

/// What a command is told of where the installation is.
#[derive(Clone, Debug, Default)]
pub struct Handed {
    /// Variables that it is given.
    pub set: Vec<(&'static str, PathBuf)>,
    /// Variables of this process that speak of another state directory.
    pub unset: Vec<&'static str>,
}

impl Handed {
    /// Says where an installation is to a command that would find another one, or that a person named the place for.
    pub fn of(world: &World, globals: &Globals, found: &Locations) -> Self {
        let alone = locate::locate(&world.environment, None, None).ok();
        let same_dir = alone.as_ref().is_some_and(|alone| alone.state_dir == found.state_dir);
        let same = same_dir && alone.is_some_and(|alone| alone.config_path == found.config_path);
        if same && globals.state_dir.is_none() && globals.config.is_none() {
            return Self::default();
        }
        let set = vec![
            ("OPENCLAW_STATE_DIR", found.state_dir.clone()),
            ("OPENCLAW_CONFIG_PATH", found.config_path.clone()),
        ];
        let of_another = ["OPENCLAW_AGENT_DIR", "PI_CODING_AGENT_DIR", "OPENCLAW_OAUTH_DIR"];
        let unset = if same_dir { Vec::new() } else { of_another.to_vec() };
        Self { set, unset }
    }
}

/// Runs it with this process's own streams and waits for its end. Returns its exit code; a signal counts as 128 and its number, as in
/// a shell.
#[expect(clippy::disallowed_methods, reason = "the command is the person's own, given after `--`")]
pub fn run_child(words: &[String], place: &Handed) -> Result<i32, CommandError> {
    use std::os::unix::process::ExitStatusExt;
    let [program, arguments @ ..] = words else {
        return Err(CommandError::usage("no command was given after --"));
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(place.set.iter().map(|(name, value)| (name, value)));
    for name in &place.unset {
        command.env_remove(name);
    }
    let status = command.status().map_err(|error| {
        CommandError::user(format!("{program} could not be started: {error}"))
            .hint("name a program that is on the PATH, or its whole path")
    })?;
    Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
}

/// Begins this very process anew so that the C library overwrites what SQLite gives back: its pages hold what OpenClaw's databases hold.
/// Comes back where that is so already, or cannot be.
#[expect(clippy::disallowed_methods, reason = "the program is this one, with its own arguments")]
pub fn wipe_what_sqlite_frees(world: &World) {
    use std::os::unix::process::CommandExt as _;
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let (Some(program), Some(name)) = (&world.program, name) else { return };
    if world.get(variables::MALLOC_PERTURB).is_none() {
        let _ = Command::new(program).arg0(name).args(arguments).env(variables::MALLOC_PERTURB, "165").exec();
    }
}

/// What a program said that was run for us.
pub struct Heard {
    /// Whether it ended well.
    pub fine: bool,
    /// Its standard output, at most the beginning.
    pub out: String,
    /// What it said of errors, at most the beginning.
    pub err: String,
}

/// Runs OpenClaw's own program with further variables, and this on its standard input. What takes longer than `patience` is ended.
#[expect(
    clippy::disallowed_methods,
    reason = "the program whose installation it is: named by the person, or on the PATH"
)]
pub fn run_program(
    program: &Path,
    arguments: &[&str],
    variables: &[(&str, &Path)],
    stdin: &[u8],
    patience: Duration,
) -> Result<Heard, CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::user(format!("{} could not be run: {error}", program.display()))
            .hint("name OpenClaw's program with --openclaw, or leave it out")
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value.as_os_str())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What it makes in a state directory of ours is for its owner alone, as everything else there.
    let before = umask(Mode::RWXG | Mode::RWXO);
    let child = command.spawn();
    umask(before);
    let mut child = child.map_err(failed)?;
    if let Some(mut pipe) = child.stdin.take() {
        // It may have ended without reading: its exit code says more than our broken pipe.
        let _ = pipe.write_all(stdin);
    }
    let (out, err) = (child.stdout.take().map(listen), child.stderr.take().map(listen));
    let deadline = Instant::now() + patience;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(CommandError::io(format!(
                    "{} did not end within {} seconds, and was ended",
                    program.display(),
                    patience.as_secs()
                )));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let (out, err) = (heard(out), heard(err));
    Ok(Heard { fine: status.success(), out, err })
}

/// Returns what was read of a program that has ended. What it started may hold its output open for ever: that is not waited for.
fn heard(reader: Option<JoinHandle<String>>) -> String {
    let Some(reader) = reader else { return String::new() };
    let until = Instant::now() + LINGER;
    while !reader.is_finished() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    if reader.is_finished() { reader.join().unwrap_or_default() } else { String::new() }
}

/// Reads what a program says until it ends, and keeps the beginning.
fn listen(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = from.by_ref().take(LONGEST).read_to_end(&mut text);
        let _ = std::io::copy(&mut from, &mut std::io::sink());
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Makes a private directory that goes away by itself.
pub fn scratch_dir() -> Result<tempfile::TempDir, CommandError> {
    let made = tempfile::Builder::new().prefix("keyshoal-").tempdir();
    made.map_err(|error| CommandError::io(format!("no temporary directory could be made: {error}")))
}
