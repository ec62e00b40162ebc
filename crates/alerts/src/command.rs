//! The person's own command.

use crate::Failure;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that a command may take.
pub const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// Runs a command by `sh -c` with this on its standard input, and ends it, with everything that it has started, when it takes too long.
#[expect(clippy::disallowed_methods, reason = "the one command that is run is the person's own")]
pub fn run(
    command: &str,
    input: &str,
    variables: &[(String, String)],
    limit: Duration,
) -> Result<String, Failure> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::for_now(format!("the command could not be started: {error}")))?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // A command that does not read would hold up whoever writes to it.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        wait(&mut child, limit)
    })
}

fn wait(child: &mut Child, limit: Duration) -> Result<String, Failure> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok("it ended well".to_owned()),
            Ok(Some(status)) => return Err(Failure::for_now(format!("the command failed ({status})"))),
            Ok(None) if Instant::now() < end => std::thread::sleep(PAUSE),
            Ok(None) => {
                let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                let _ = child.wait();
                let seconds = limit.as_secs();
                return Err(Failure::for_good(format!(
                    "the command had not ended within {seconds} s and was ended"
                )));
            }
            Err(error) => return Err(Failure::for_now(format!("the command was lost: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Vec<(String, String)> {
        vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())]
    }

    #[test]
    fn it_gets_the_document_and_nothing_of_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let (body, env) = (dir.path().join("body"), dir.path().join("env"));
        let command = format!("cat > {}; env > {}", body.display(), env.display());
        assert!(run(&command, "{\"a\":1}", &path(), LIMIT).is_ok());
        let read = |path: &std::path::Path| {
            let mut text = String::new();
            let mut file = open(path);
            std::io::Read::read_to_string(&mut file, &mut text).unwrap();
            text
        };
        assert_eq!(read(&body), "{\"a\":1}");
        let names: Vec<String> =
            read(&env).lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
        assert!(
            names.iter().all(|name| ["PATH", "PWD", "SHLVL", "_", "OLDPWD"].contains(&name.as_str())),
            "{names:?}"
        );
    }

    #[expect(clippy::disallowed_methods, reason = "a test looks at what its command wrote")]
    fn open(path: &std::path::Path) -> std::fs::File {
        std::fs::File::open(path).unwrap()
    }

    #[test]
    fn one_that_fails_or_hangs_or_does_not_read_is_a_failure_and_not_for_ever() {
        assert!(run("exit 3", "", &path(), LIMIT).unwrap_err().reason.contains("failed"));
        let began = Instant::now();
        let large = "x".repeat(1 << 20);
        let failure = run("sleep 30 & sleep 30", &large, &path(), Duration::from_millis(100)).unwrap_err();
        assert!(!failure.again && began.elapsed() < Duration::from_secs(10), "{failure:?}");
    }
}
