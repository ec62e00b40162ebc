//! scratch
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "scratch")]
use anyhow::Result;
use keyshoal_emulator::{Config, Emulator};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{AGENTS, KEPT_KEY, OLD_KEY, Seed};
use std::process::Stdio;
use std::io::Write;

fn main() -> Result<()> {
    let version = std::env::args().nth(1).unwrap();
    let provider = Emulator::start(Config::default())?;
    provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    let mut instance = Instance::new(&version, Seed::ApiKey, provider.port())?;
    instance.start_gateway()?;
    ask_all(&instance, &provider, "before")?;
    let k = |args: &[&str], input: &str| -> Result<()> {
        let began = std::time::Instant::now();
        let mut child = instance.command("/tmp/t/cli/debug/keyshoal".as_ref()).args(args).env("COLUMNS", "130").stdin(Stdio::piped()).spawn()?;
        child.stdin.take().unwrap().write_all(input.as_bytes())?;
        let status = child.wait()?;
        println!("--- keyshoal {} -> {:?} after {:.1?}\n", args.join(" "), status.code(), began.elapsed());
        Ok(())
    };
    k(&["status"], "")?;
    k(&["status", "--check"], "")?;
    k(&["explain", "main"], "")?;
    k(&["watch", "install-service", "--policy", "repair"], "")?;
    let mut watch = instance.command("/tmp/t/cli/debug/keyshoal".as_ref()).args(["watch"]).stdin(Stdio::null()).spawn()?;
    std::thread::sleep(std::time::Duration::from_secs(3));
    let new = "sk-testkit-new-0000000000000002";
    provider.only_accept(&[new, KEPT_KEY]);
    instance.rotate_by_cli("main", new)?;
    println!("rotated");
    std::thread::sleep(std::time::Duration::from_secs(8));
    ask_all(&instance, &provider, "watched")?;
    k(&["status"], "")?;
    std::process::Command::new("kill").arg(watch.id().to_string()).status()?;
    println!("watch ended: {:?}", watch.wait()?);
    let newer = "sk-testkit-newer-000000000000003";
    provider.only_accept(&[newer, KEPT_KEY]);
    let name = provider.log().first().map(|_| "mockai").unwrap_or("mockai");
    k(&["set", name, "--ask-agents"], newer)?;
    ask_all(&instance, &provider, "set")?;
    k(&["status"], "")?;
    k(&["restart", "--yes"], "")?;
    ask_all(&instance, &provider, "restarted")?;
    k(&["history"], "")?;
    instance.stop_gateway();
    Ok(())
}

fn ask_all(instance: &Instance, provider: &Emulator, tag: &str) -> Result<()> {
    for agent in AGENTS {
        let reply = instance.ask(agent, tag)?;
        let rows: Vec<String> = provider.log().into_iter()
            .filter(|row| row.tag.as_deref() == Some(tag) && row.agent_tag.as_deref() == Some(*agent))
            .map(|row| format!("{} => {}", row.key.unwrap_or_default(), row.status)).collect();
        println!("{tag} {agent}: {} provider saw {rows:?}", reply.http);
    }
    Ok(())
}
