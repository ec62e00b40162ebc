//! `keyshoal demo`: everything on a throwaway installation.
//!
//! The steps are command lines, read and run as those of a person are. Nothing here knows how any of them works.

mod scene;

use super::Context;
use crate::arguments::Cli;
use crate::error::CommandError;
use crate::exit::{self, Outcome};
use crate::root::World;
use crate::ui::{Text, Tone, Ui};
use clap::Parser as _;
use keyshoal_openclaw::Environment;
use scene::Scene;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// Arguments of `demo`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal demo
  keyshoal demo --keep        leave it there, to try commands on it

The installation has the newest layout and five agents; a provider emulator on this machine answers for it. OpenClaw is not needed, and
nothing of yours is read or written.")]
pub struct DemoArgs {
    /// Leave the installation there and say where
    #[arg(long)]
    pub keep: bool,
}

/// What is said before a command, and the command.
const STEPS: [(&str, &[&str]); 7] = [
    (
        "Somebody has rotated the Anthropic key. Who holds what, and what do the providers say?",
        &["status", "--check"],
    ),
    ("Why does agent stocks fail?", &["explain", "stocks", "anthropic:default"]),
    ("What would be done about it?", &["diff"]),
    ("Do it. Overrides stay; what nobody can be sure of stays, too.", &["sync", "--yes"]),
    ("The key that research has of its own is meant.", &["keep", "research", "openai:default"]),
    (
        "Agent ops needs Gemini and has no key for it. Give one to all.",
        &["set", "google", "--from-file", scene::NEW_KEY_FILE],
    ),
    ("And now?", &["status"]),
];

/// Builds the installation and runs the steps.
pub fn cmd_demo(ui: &mut Ui, _: &Context<'_>, args: &DemoArgs) -> Result<Outcome, CommandError> {
    if ui.is_json() {
        return Err(CommandError::usage("the demo is for reading; it has no JSON document")
            .hint("try keyshoal demo --keep, and then any command with --json on it"));
    }
    let home = TempDir::with_prefix("keyshoal-demo-").map_err(|error| {
        CommandError::io(format!("no place for the demo: {error}"))
            .hint("set TMPDIR to a directory that you may write")
    })?;
    remove_on_signal(&home);
    let scene = Scene::set(home.path())?;
    let world = World { environment: environment(&home), program: None };
    for (words, command) in STEPS {
        ui.data(&[Text::new(), Text::toned(Tone::Info, format!("# {words}"))]);
        ui.data(&[Text::toned(Tone::Strong, format!("$ keyshoal {}", command.join(" ")))]);
        ui.flush();
        run(ui, &world, &scene, command)?;
    }
    drop(scene);
    if args.keep {
        let place = home.keep();
        ui.say(&Text::of(format!(
            "the installation stays: keyshoal --state-dir {0}/openclaw --keys-dir {0}/keys status",
            place.display()
        )));
        ui.say(&Text::of("(the provider emulator has ended, so providers are not reached any more)"));
        return Ok(Outcome::Fine);
    }
    ui.data(&[
        Text::new(),
        Text::of("That was a throwaway installation; it is gone. On yours: keyshoal status"),
    ]);
    Ok(Outcome::Fine)
}

fn run(ui: &mut Ui, world: &World, scene: &Scene, command: &[&str]) -> Result<(), CommandError> {
    let words = std::iter::once("keyshoal").chain(command.iter().copied());
    let mut cli = Cli::try_parse_from(words)
        .map_err(|error| CommandError::internal(format!("a step of the demo is no command line: {error}")))?;
    scene.point(&mut cli);
    super::run(ui, world, &cli).map(drop)
}

/// An environment without anything of the person's: no keys, no OpenClaw variables.
fn environment(home: &TempDir) -> Environment {
    let vars = BTreeMap::from([("HOME".to_owned(), home.path().display().to_string())]);
    Environment { vars, home: Some(home.path().to_owned()) }
}

/// Removes the directory when the person ends the demo early.
#[expect(clippy::disallowed_methods, reason = "the demo's own throwaway directory")]
fn remove_on_signal(home: &TempDir) {
    let path = home.path().to_owned();
    let waiting = super::signals::stop_flag();
    let Ok(stop) = waiting else { return };
    std::thread::spawn(move || {
        let signal = stop.wait();
        // What cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(path);
        std::process::exit(exit::by_signal(signal).into());
    });
}
