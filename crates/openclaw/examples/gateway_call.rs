//! Calls a running gateway: `gateway_call PORT TOKEN-FILE [--device FILE] WORD [ARGUMENT…]`.
//!
//! `gateway_call discover STATE-DIR` looks for one. Words: `hello`, `reload`, `refresh AGENT`, `status [AGENT]`, `probe PROVIDER AGENT [PROFILE]`, `ask AGENT TEXT`, `restart`, `call METHOD [JSON]`.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]
#![expect(clippy::disallowed_methods, reason = "an example is its own composition root")]

use anyhow::{Context, Result, bail};
use keyshoal_core::{AgentId, ProfileId, ProviderId, Secret, Timestamp};
use keyshoal_openclaw::gateway::{Client, ConnectOptions, Credentials, discover, trusted_users, wait_ready};
use keyshoal_openclaw::{Environment, config, locate};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn look(state_dir: &str) -> Result<()> {
    let home = std::env::var_os("HOME").map(Into::into);
    let env = Environment { vars: std::env::vars().collect(), home };
    let locations = locate::locate(&env, Some(Path::new(state_dir)), None)?;
    let config = config::load(&locations, &env)?;
    let began = Instant::now();
    let view = discover(&locations, &config, &env);
    println!("{view:#?}\nin {:?}", began.elapsed());
    Ok(())
}

fn main() -> Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, state_dir] = words.as_slice()
        && word == "discover"
    {
        return look(state_dir);
    }
    let device = match words.iter().position(|word| word == "--device") {
        Some(at) => {
            let path = words.get(at + 1).context("--device FILE")?.clone();
            words.drain(at..=at + 1);
            Some(PathBuf::from(path))
        }
        None => None,
    };
    let [port, token_file, word, rest @ ..] = words.as_slice() else { bail!("PORT TOKEN-FILE WORD") };
    let port: u16 = port.parse()?;
    let mut credentials = Credentials::default();
    let token = std::fs::read_to_string(token_file).unwrap_or_default();
    if !token.trim().is_empty() {
        credentials.add(Some(Secret::new(token.trim())), None, token_file);
    }
    let began = Instant::now();
    let timeout = Duration::from_secs(10);
    let users = trusted_users(Path::new(token_file));
    let now = Timestamp::now();
    let mut client = Client::connect(&ConnectOptions { port, credentials, users, device, timeout, now })
        .map_err(|error| anyhow::anyhow!("{error} (way out: {})", error.hint()))?;
    let connected = began.elapsed();
    let argument = |at: usize| rest.get(at).map(String::as_str).with_context(|| format!("argument {at}"));
    let began = Instant::now();
    let answer = match word.as_str() {
        "hello" => format!(
            "{:?} protocol {} device {} authRefresh {} probe {} restart {}",
            client.word(),
            client.protocol(),
            client.with_device(),
            client.has("models.authRefresh"),
            client.has("models.probe"),
            client.has("gateway.restart.request"),
        ),
        "reload" => format!("{:?}", client.secrets_reload()),
        "refresh" => format!("{:?}", client.auth_refresh(&AgentId::from(argument(0)?))),
        "status" => {
            let agent = rest.first().map(|agent| AgentId::from(agent.as_str()));
            format!("{:#?}", client.auth_status(agent.as_ref(), false))
        }
        "probe" => {
            let profile = rest.get(2).map(|profile| ProfileId::from(profile.as_str()));
            let (provider, agent) = (ProviderId::from(argument(0)?), AgentId::from(argument(1)?));
            format!("{:?}", client.probe(&provider, &agent, profile.as_ref()))
        }
        "ask" => {
            let run = Timestamp::now().as_millisecond().to_string();
            let (agent, text) = (AgentId::from(argument(0)?), argument(1)?);
            format!("{:?}", client.ask(&agent, text, &run, Duration::from_secs(60)))
        }
        "restart" => {
            let asked = client.request_restart("keyshoal example");
            if asked.is_err() {
                bail!("{asked:?}");
            }
            let gone = client.wait_closed(Duration::from_secs(30)).map(|_| began.elapsed());
            let ready = wait_ready(port, Duration::from_secs(120)).map(|()| began.elapsed());
            format!("{asked:?}; gone {gone:?}; ready {ready:?}")
        }
        "call" => {
            let params = rest.get(1).map_or(Ok(serde_json::json!({})), |text| serde_json::from_str(text))?;
            format!("{:?}", client.call(argument(0)?, &params).map(|answer| answer.to_string()))
        }
        other => bail!("no such word: {other}"),
    };
    println!("connected in {connected:?}, answered in {:?}\n{answer}", began.elapsed());
    Ok(())
}
