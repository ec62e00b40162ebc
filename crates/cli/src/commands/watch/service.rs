//! `keyshoal watch install-service`: the systemd user unit and the policy.

use super::policy;
use crate::arguments::PolicyWord;
use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::{self, vault};
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_openclaw::{files, locate};
use keyshoal_vault::{KeySource, KeyState, Vault};
use std::path::{Path, PathBuf};

/// Arguments of `watch install-service`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal watch install-service
  keyshoal watch install-service --policy repair
  keyshoal watch install-service --print")]
pub struct InstallServiceArgs {
    /// What the service may do; asked when it is not said
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<PolicyWord>,
    /// Print the unit, write nothing
    #[arg(long)]
    pub print: bool,
}

/// The unit's name.
const UNIT: &str = "keyshoal-watch.service";

/// Writes unit and policy, and says how to start it.
pub fn install(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &InstallServiceArgs,
) -> Result<Outcome, CommandError> {
    let program = context
        .world
        .program
        .clone()
        .ok_or_else(|| CommandError::internal("the program's own path is not known"))?;
    let text = unit(&program, &options(context)?, &credentials(ui, context)?)?;
    if args.print {
        ui.raw(&text);
        return Ok(Outcome::Fine);
    }
    let repair = match args.policy {
        Some(word) => word == PolicyWord::Repair,
        None => {
            let question = [
                Text::of(
                    "A service that repairs does what `keyshoal sync` would do without questions: it replaces earlier values of",
                ),
                Text::of(
                    "the source and removes dead copies, never an override. One that reports writes nothing.",
                ),
                Text::of("May it repair?"),
            ];
            match ui.ask(&question, false)? {
                Some(answer) => answer == Answer::Yes,
                None => {
                    question.iter().for_each(|line| ui.say(line));
                    ui.warn("nothing was written: nobody is there to ask; say it with --policy report or --policy repair");
                    return Ok(Outcome::Attention);
                }
            }
        }
    };
    let policy_path = policy::path(context)?;
    let before = files::read(&policy_path, 64 * 1024).map_err(|error| CommandError::io(error.to_string()))?;
    let before = String::from_utf8_lossy(before.as_deref().unwrap_or_default()).into_owned();
    policy::parse(&before, &policy_path)?;
    let unit_path = unit_path(context)?;
    root::write_file(&policy_path, &policy::with_word(&before, repair))?;
    root::write_file(&unit_path, &text)?;
    let word = if repair { "repair" } else { "report" };
    ui.say(&Text::of(format!("policy: {word} ({})", policy_path.display())));
    ui.say(&Text::of(format!("unit:   {}", unit_path.display())));
    ui.say(&Text::of("start it, and let it run without a login:"));
    ui.data(&[
        Text::toned(
            Tone::Strong,
            format!("systemctl --user daemon-reload && systemctl --user enable --now {UNIT}"),
        ),
        Text::toned(Tone::Strong, "loginctl enable-linger"),
    ]);
    Ok(Outcome::Fine)
}

fn unit_path(context: &Context<'_>) -> Result<PathBuf, CommandError> {
    let env = &context.world.environment;
    let config = env.get(root::variables::XDG_CONFIG_HOME).map(PathBuf::from);
    config
        .or_else(|| Some(env.home.as_ref()?.join(".config")))
        .map(|config| config.join("systemd/user").join(UNIT))
        .ok_or_else(|| CommandError::config("no directory for the unit: set HOME or XDG_CONFIG_HOME"))
}

/// An option, and its path where it has one.
pub type UnitOption = (&'static str, Option<PathBuf>);

/// Returns the options that name for a service what the command line and the environment name here: a service has neither our
/// variables nor our directory.
fn options(context: &Context<'_>) -> Result<Vec<UnitOption>, CommandError> {
    let env = &context.world.environment;
    let globals = context.globals;
    let named = |name: &str| env.get(name).map(PathBuf::from);
    let keys_dir = root::keys_dir(context.world, globals).or_else(|| {
        named(root::variables::XDG_CONFIG_HOME).and_then(|_| keyshoal_local::open::default_keys_dir(env))
    });
    let found = [
        ("--state-dir", globals.state_dir.clone().or_else(|| named("OPENCLAW_STATE_DIR"))),
        ("--config", globals.config.clone().or_else(|| named("OPENCLAW_CONFIG_PATH"))),
        ("--keys-dir", keys_dir),
        ("--vault", globals.vault.clone().or_else(|| named(root::variables::KEYSHOAL_VAULT))),
        ("--gateway-token-file", globals.gateway_token_file.clone()),
    ];
    let mut options: Vec<UnitOption> = Vec::new();
    for (option, path) in found {
        let Some(path) = path else { continue };
        let path = locate::resolve(&path, env.home.as_deref())
            .map_err(|error| CommandError::config(error.to_string()))?;
        options.push((option, Some(path)));
    }
    if globals.allow_device {
        options.push(("--allow-device", None));
    }
    Ok(options)
}

/// Returns the systemd credentials that the vault's keys come from, and says what a service cannot have.
fn credentials(ui: &mut Ui, context: &Context<'_>) -> Result<Vec<String>, CommandError> {
    if !vault::has_vault(context.world, context.globals)? {
        return Ok(Vec::new());
    }
    let path = vault::vault_path(context.world, context.globals)?;
    let keys = match Vault::keys(&path) {
        Ok(keys) => keys,
        Err(error) => {
            ui.warn(&format!("whether a service can open the vault is not known: {error}"));
            return Ok(Vec::new());
        }
    };
    let mut names = Vec::new();
    for key in keys.into_iter().filter(|key| key.state != KeyState::Retired) {
        match key.source {
            // The vault is not opened here: its words go into the unit only where they are no more than a name.
            KeySource::Credential { name } if is_plain(&name) => {
                ui.say(&Text::of(format!(
                    "the vault's key is the systemd credential keyshoal-{name}: the unit asks for it by that name, which systemd finds in its credential stores (/etc/credstore). \
                     Where it is another file: systemctl --user edit {UNIT}, and there LoadCredential=keyshoal-{name}:/PATH (LoadCredentialEncrypted= where it is encrypted)"
                )));
                names.push(format!("keyshoal-{name}"));
            }
            KeySource::Passphrase { .. } => ui.warn(&format!(
                "the vault {} opens with a passphrase, and a service has nobody to ask: where that vault decides, a service that repairs does not start, and one that reports \
                 judges by the stores alone. keyshoal vault rekey --key-file FILE   gives the vault a key that a service can read",
                path.display()
            )),
            _ => {}
        }
    }
    Ok(names)
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns the unit's text.
pub fn unit(program: &Path, options: &[UnitOption], credentials: &[String]) -> Result<String, CommandError> {
    let mut command = quoted(program)?;
    for (option, path) in options {
        command = format!("{command} {option}");
        if let Some(path) = path {
            command = format!("{command} {}", quoted(path)?);
        }
    }
    let credentials: String = credentials.iter().map(|name| format!("LoadCredential={name}\n")).collect();
    Ok(format!(
        "[Unit]
Description=Keyshoal keeps the credentials of every OpenClaw agent right
Documentation=man:keyshoal-watch(1)

[Service]
Type=notify
ExecStart={command} watch
{credentials}Restart=on-failure
RestartSec=30
LimitCORE=0
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"
    ))
}

/// Quotes a path for ExecStart=: systemd's escapes, specifiers and variables.
fn quoted(path: &Path) -> Result<String, CommandError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control)).ok_or_else(|| {
        CommandError::user(format!("{} cannot be written into a unit", path.display()))
            .hint("a path with control characters or other than UTF-8 needs a link with a plain name")
    })?;
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    Ok(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_quoted() {
        let options = [("--state-dir", Some(PathBuf::from("/srv/50%/$x"))), ("--allow-device", None)];
        let unit = unit(Path::new("/opt/a b/keyshoal"), &options, &[]).unwrap();
        assert!(
            unit.contains(
                "ExecStart=\"/opt/a b/keyshoal\" --state-dir \"/srv/50%%/$$x\" --allow-device watch\n"
            ),
            "{unit}"
        );
    }

    #[test]
    fn a_path_that_would_begin_another_line_is_refused() {
        assert!(unit(Path::new("/opt/keyshoal\nExecStartPre=/bin/evil"), &[], &[]).is_err());
    }
}
