//! How a release makes its own stores, as its own commands: nobody else may make its databases.
//!
//! Measured on 2026.6.11, 2026.8.2 and 2026.9.6. Reading commands (`models auth list`) make the state database and no other. No
//! argument ever holds a secret: where one is needed it goes to standard input.

use crate::layout::Release;
use keyshoal_core::{AgentId, Layout, ProfileId, ProviderId};

/// One command of the program, and what it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The arguments, without the program.
    pub argv: Vec<String>,
    /// What goes to standard input.
    pub stdin: Stdin,
    /// Which config it has to run with.
    pub config: RunWith,
    /// What is there afterwards. All of it may be there before: then nothing of it changes.
    pub makes: Makes,
}

/// What goes to a command's standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    Nothing,
    /// The API key of this profile, and the end of the line.
    ApiKey(ProfileId),
}

/// Which config a command runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunWith {
    /// The one of the installation: it has to name the agent. The command leaves it as it is.
    Installation,
    /// A path at which nothing is (`OPENCLAW_CONFIG_PATH`), in a private directory that is removed afterwards: without a roster the
    /// program has an agent `main`, which is whom the shared store belongs to, and it writes what it changes there.
    Nothing,
}

/// What a command makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Makes {
    /// The store that all agents inherit from: main's database, or the shared row and who owns it. The second holds the profile then.
    BaseStore,
    /// An agent's own database, with nothing in it.
    AgentDatabase(AgentId),
}

/// Says why no commands are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InitError {
    /// Nobody has tried.
    #[error(
        "how this release makes its stores is not known: start its gateway once and give every agent one task, then try again"
    )]
    NotKnown,
    /// The shared row comes with its first profile.
    #[error(
        "this release makes the store that its agents share with the first API key that all of them have: add one"
    )]
    NoSharedKey,
}

/// Returns the commands that make the stores, in order: the base first, then a database for each of `own`, the agents that need one.
///
/// `first` is an API key that all agents share. Releases with JSON files need nothing: their files are made by whoever writes first.
pub fn steps(
    release: Release,
    first: Option<(&ProviderId, &ProfileId)>,
    own: &[AgentId],
) -> Result<Vec<Step>, InitError> {
    let mut steps = match release.layout() {
        Layout::JsonFile | Layout::JsonWithState => return Ok(Vec::new()),
        Layout::AgentSqlite => {
            vec![Step { config: RunWith::Nothing, makes: Makes::BaseStore, ..touch("main") }]
        }
        Layout::SharedRow => {
            let (provider, profile) = first.ok_or(InitError::NoSharedKey)?;
            let argv = [
                "models",
                "auth",
                "paste-api-key",
                "--provider",
                provider.as_str(),
                "--profile-id",
                profile.as_str(),
            ];
            vec![Step {
                argv: argv.map(str::to_owned).to_vec(),
                stdin: Stdin::ApiKey(profile.clone()),
                config: RunWith::Nothing,
                makes: Makes::BaseStore,
            }]
        }
        Layout::SharedTable | Layout::Unknown => return Err(InitError::NotKnown),
    };
    let main_is_base = release.layout() == Layout::AgentSqlite;
    steps.extend(
        own.iter().filter(|id| !(main_is_base && id.as_str() == "main")).map(|id| touch(id.as_str())),
    );
    Ok(steps)
}

/// Taking an order away that is not there opens the agent's database for writing, which makes it, and changes nothing.
fn touch(agent: &str) -> Step {
    let argv = ["models", "auth", "order", "clear", "--provider", "keyshoal-none", "--agent", agent];
    Step {
        argv: argv.map(str::to_owned).to_vec(),
        stdin: Stdin::Nothing,
        config: RunWith::Installation,
        makes: Makes::AgentDatabase(AgentId::new(agent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_that_needs_a_database_gets_one_and_no_argument_holds_a_key() {
        let (provider, profile) = (ProviderId::new("acme"), ProfileId::new("acme:default"));
        let own = [AgentId::new("main"), AgentId::new("stocks")];
        for (version, makes) in
            [("2026.3.28", 0), ("2026.6.1", 0), ("2026.6.11", 2), ("2026.8.2", 3), ("2026.9.6", 3)]
        {
            let release = Release::parse(version).unwrap();
            let steps = steps(release, Some((&provider, &profile)), &own).unwrap();
            assert_eq!(steps.len(), makes, "{version}");
        }
        let release = Release::parse("2026.9.6").unwrap();
        assert_eq!(steps(release, None, &own), Err(InitError::NoSharedKey));
        assert_eq!(steps(Release::parse("2026.8.1-beta.3").unwrap(), None, &own), Err(InitError::NotKnown));
    }
}
