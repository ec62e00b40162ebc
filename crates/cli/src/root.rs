//! The composition root: the only place that reads the process's environment and puts the parts together.

mod child;
pub mod holdings;
mod installation;
pub mod program;
mod target;
pub mod variables;
pub mod vault;
mod write;

pub use child::{Handed, Heard, run_child, run_program, scratch_dir, wipe_what_sqlite_frees};
pub use installation::{
    OpenFor, act_as_owner, act_as_owner_to_be, keys_dir, keys_dir_or_default, locations, open, read_secret,
    secret_of,
};
pub use target::{Entry, Target, UnfinishedImport, open_to_others, unfinished_import};
pub use write::{
    Drafts, make_new_dir, open_file, take_back, write_file, write_new, write_new_with, write_stdout,
};

use crate::arguments::{Colour, Globals};
use crate::ui::{Asker, Stream, Ui, UiOptions};
use keyshoal_openclaw::Environment;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// What the process was given.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Variables and home directory.
    pub environment: Environment,
    /// The program's own path, for the service unit.
    pub program: Option<PathBuf>,
}

impl World {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "this is the composition root")]
    pub fn of_process() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let environment = Environment { vars, home: std::env::home_dir() };
        Self { environment, program: std::env::current_exe().ok() }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }
}

/// Makes the [`Ui`] of the process's own terminal.
pub fn ui(world: &World, globals: &Globals) -> Ui {
    let (out, err) = (std::io::stdout(), std::io::stderr());
    let talking = err.is_terminal();
    let colour = |terminal: bool| match globals.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => colour_wanted(world, terminal),
    };
    let asker = if std::io::stdin().is_terminal() && talking && !globals.json {
        Asker::Terminal
    } else {
        Asker::Nobody
    };
    Ui::new(UiOptions {
        width: width(world),
        progress: talking,
        out: stream(out, colour),
        err: stream(err, colour),
        quiet: globals.quiet,
        json: globals.json,
        asker,
    })
}

fn stream(writer: impl IsTerminal + Write + Send + Sync + 'static, colour: impl Fn(bool) -> bool) -> Stream {
    let wanted = colour(writer.is_terminal());
    Stream::new(Box::new(writer), wanted)
}

/// Follows <https://no-color.org> and <https://bixense.com/clicolors>.
fn colour_wanted(world: &World, terminal: bool) -> bool {
    if world.get(variables::NO_COLOR).is_some() {
        return false;
    }
    if world.get(variables::CLICOLOR_FORCE).is_some_and(|value| value != "0") {
        return true;
    }
    terminal && world.get(variables::TERM) != Some("dumb")
}

fn width(world: &World) -> usize {
    let told = world.get(variables::COLUMNS).and_then(|text| text.parse().ok());
    let seen =
        || rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok().map(|size| usize::from(size.ws_col));
    told.or_else(seen).filter(|columns| *columns >= 20).unwrap_or(120)
}
