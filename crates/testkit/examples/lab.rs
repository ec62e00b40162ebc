//! Shows the fault on one release: `cargo run -p keyshoal-testkit --example lab -- 2026.9.6`.
//!
//! A gateway with five agents answers; the provider changes its key; the release's own command tells one agent; every agent is asked
//! again. Printed is what each request really carried. `--seed-token` starts with profiles of type `token`; `--inherit` empties the local
//! stores first.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it is made to be read")]

use anyhow::Result;
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_KEY, OLD_KEY, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use std::time::Instant;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let version = arguments.iter().find(|it| !it.starts_with('-')).map_or("2026.9.6", String::as_str);
    let seed = if arguments.iter().any(|it| it == "--seed-token") { Seed::Token } else { Seed::ApiKey };
    let provider = Emulator::start(Config::default())?;
    provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    let began = Instant::now();
    let mut instance = Instance::new(version, seed, provider.port())?;
    println!("seeded after {:.1?}", began.elapsed());
    instance.start_gateway()?;
    println!("gateway ready after {:.1?}: {:?}", began.elapsed(), instance.gateway_life());
    ask_all(&instance, &provider, "before", began)?;
    let new = "sk-testkit-new-0000000000000002";
    provider.only_accept(&[new, KEPT_KEY]);
    instance.rotate_by_cli("main", new)?;
    println!("rotated by its own command after {:.1?}: {:?}", began.elapsed(), instance.gateway_life());
    ask_all(&instance, &provider, "after", began)?;
    println!("{:?}", instance.gateway_life());
    show(&instance)?;
    instance.stop_gateway();
    println!("stopped after {:.1?}", began.elapsed());
    if arguments.iter().any(|it| it == "--log") {
        println!("{}", std::fs::read_to_string(instance.gateway_log())?);
    }
    if arguments.iter().any(|it| it == "--config") {
        println!("{}", std::fs::read_to_string(instance.config_path())?);
    }
    Ok(())
}

fn ask_all(instance: &Instance, provider: &Emulator, tag: &str, began: Instant) -> Result<()> {
    for agent in AGENTS {
        let reply = instance.ask(agent, tag)?;
        let rows: Vec<String> = provider
            .log()
            .into_iter()
            .filter(|row| row.tag.as_deref() == Some(tag) && row.agent_tag.as_deref() == Some(*agent))
            .map(|row| format!("{} => {}", row.key.unwrap_or_default(), row.status))
            .collect();
        let text: String = reply.text.chars().take(80).collect();
        println!("{:>6.1?} {tag} {agent}: {} {text:?} provider saw {rows:?}", began.elapsed(), reply.http);
    }
    Ok(())
}

fn show(instance: &Instance) -> Result<()> {
    println!(
        "inherited: {:?}",
        stores::read(instance, Place::Inherited, Part::Profiles)?.map(|it| it.to_string())
    );
    for agent in AGENTS {
        let profiles = stores::read(instance, Place::Agent(agent), Part::Profiles)?.map(|it| it.to_string());
        println!("{agent}: {profiles:?}");
    }
    Ok(())
}
