//! Running a command that the person has given, as it is.

use crate::error::CommandError;
use std::process::Command;

/// Runs it with this process's own streams and waits for its end. Returns its exit code; a signal counts as 128 and its number, as in
/// a shell.
#[expect(clippy::disallowed_methods, reason = "the command is the person's own, given after `--`")]
pub fn run_child(words: &[String]) -> Result<i32, CommandError> {
    use std::os::unix::process::ExitStatusExt;
    let [program, arguments @ ..] = words else {
        return Err(CommandError::usage("no command was given after --"));
    };
    let status = Command::new(program).args(arguments).status().map_err(|error| {
        CommandError::user(format!("{program} could not be started: {error}"))
            .hint("name a program that is on the PATH, or its whole path")
    })?;
    Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
}
