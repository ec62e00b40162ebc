//! Runs the emulator in the foreground: `cargo run -p keyshoal-emulator --example emulator -- [PORT] [LOG.jsonl]`.
#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use keyshoal_emulator::{Config, serve_forever};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let port = args.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let log_file = args.next().map(Into::into);
    let config = Config { port, log_file, ..Config::default() };
    serve_forever(config, |url| {
        println!("emulator at {url}; POST {url}/__ctl steers it, GET {url}/__log shows who asked")
    })
}
