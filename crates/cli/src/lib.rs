//! The command line: arguments, composition root, rendering, exit codes.
//!
//! Commands take values and a [`ui::Ui`]; only [`root`] reads the environment. What a person reads is made by pure functions in
//! [`render`], what a program reads by those in [`document`].

pub mod arguments;
pub mod commands;
pub mod document;
pub mod error;
pub mod exit;
pub mod render;
pub mod root;
pub mod ui;
pub mod view;

use clap::Parser as _;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    keyshoal_local::harden::no_core_dumps();
    let mut cli = match arguments::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, wants_document(std::env::args_os())),
    };
    let mut world = root::World::of_process();
    if cli.command.as_ref().is_some_and(arguments::Command::waits) {
        root::wipe_what_sqlite_frees(&world);
    }
    // Before anything that starts a thread.
    let owner = match cli.command.as_ref() {
        Some(command) if command.makes_installation() => {
            root::act_as_owner_to_be(&mut world, &mut cli.globals)
        }
        Some(command) if !command.needs_installation() => Ok(None),
        _ => root::act_as_owner(&mut world, &mut cli.globals),
    };
    let mut ui = root::ui(&world, &cli.globals);
    let result = owner.and_then(|note| {
        if let Some(note) = note {
            ui.say(&ui::Text::of(note));
        }
        commands::run(&mut ui, &world, &cli)
    });
    if let Err(error) = &result {
        ui.error(error);
    }
    let code = exit::of(&result);
    match ui.finish() {
        Err(_) if code == 0 => ExitCode::from(1),
        _ => ExitCode::from(code),
    }
}

/// Tells whether a document is wanted although the arguments cannot be understood. What follows `--` is another program's.
fn wants_document(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments.find(|one| one == "--json" || one == "--").is_some_and(|one| one == "--json")
}

/// Prints help, version or what is wrong with the arguments.
fn usage(error: &clap::Error, document: bool) -> ExitCode {
    let text = error.render().to_string();
    if document && error.use_stderr() {
        let problem = text.split("\n\nUsage:").next().unwrap_or_default();
        let problem = problem.strip_prefix("error: ").unwrap_or(problem).trim();
        let told = document::to_text(&document::ErrorDocument::of(&error::CommandError::usage(problem)));
        let _ = std::io::Write::write_all(&mut std::io::stdout(), told.unwrap_or_default().as_bytes());
    }
    let shown = ui::visible_lines(&text);
    // A reader that went away is no reason to fail.
    let _ = if shown == text {
        error.print()
    } else {
        // An argument is repeated that would steer the terminal: then without it, and without colours.
        std::io::Write::write_all(&mut std::io::stderr(), shown.as_bytes())
    };
    if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS }
}
