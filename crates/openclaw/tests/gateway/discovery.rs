//! Finding gateways by their lock files and ports.

use keyshoal_core::GatewayView;
use keyshoal_openclaw::gateway::{GatewayWord, Whose, discover, process, whose};
use keyshoal_openclaw::{Environment, config, locate};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A state directory with a config, and a directory for temporary files of its own.
struct Place {
    dir: tempfile::TempDir,
    port: u16,
}

impl Place {
    fn new(port: u16) -> Self {
        Self::with(port, json!({}))
    }

    /// A place whose config says this of the gateway as well.
    fn with(port: u16, mut gateway: Value) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), port };
        gateway["port"] = port.into();
        write(&place.config(), &json!({ "gateway": gateway }));
        std::fs::create_dir(place.tmp()).unwrap();
        place
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn config(&self) -> PathBuf {
        self.state().join("openclaw.json")
    }

    fn tmp(&self) -> PathBuf {
        self.dir.path().join("tmp")
    }

    fn look(&self) -> GatewayView {
        let tmp = self.tmp().to_str().unwrap().to_owned();
        let env =
            Environment { vars: [("TMPDIR".to_owned(), tmp)].into(), home: Some(self.dir.path().to_owned()) };
        let locations = locate::locate(&env, Some(&self.state()), None).unwrap();
        let config = config::load(&locations, &env).unwrap();
        discover(&locations, &config, &env)
    }

    fn lock(&self, ours: bool, pid: u32, start: i64) -> Value {
        let config = if ours { self.config() } else { PathBuf::from("/somewhere/else/openclaw.json") };
        json!({ "pid": pid, "createdAt": "2026-01-01T00:00:00Z", "configPath": config, "startTime": start })
    }
}

fn write(path: &Path, value: &Value) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::File::create_new(path).unwrap().write_all(value.to_string().as_bytes()).unwrap();
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// This process, as if it were a gateway.
fn me() -> (u32, i64) {
    let pid = std::process::id();
    (pid, process::start_ticks(pid).unwrap())
}

/// Answers every request with this body.
fn web_server(body: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    port
}

const LIVE: &str = r#"{"ok":true,"status":"live"}"#;

#[test]
fn nothing_listens_and_no_lock_lies_there() {
    let place = Place::new(free_port());
    assert_eq!(place.look(), GatewayView { running: Some(false), ..GatewayView::default() });
}

#[test]
fn early_releases_lock_in_the_directory_for_temporary_files() {
    let place = Place::new(free_port());
    let (pid, start) = me();
    write(&place.tmp().join("openclaw-0/gateway.0123abcd.lock"), &place.lock(true, pid, start));
    let found = place.look();
    assert_eq!((found.running, found.pid, found.port), (Some(true), Some(pid), Some(place.port)));
    assert!(found.started.is_some());
    assert_eq!(found.other_state_dir, None);
}

#[test]
fn a_process_that_took_over_the_number_is_no_gateway() {
    let place = Place::new(free_port());
    let (pid, start) = me();
    write(&place.tmp().join("openclaw-0/gateway.0123abcd.lock"), &place.lock(true, pid, start - 1));
    assert_eq!(place.look().running, Some(false));
}

#[test]
fn later_releases_lock_in_the_state_directory_and_name_their_port() {
    let place = Place::new(free_port());
    let (pid, start) = me();
    let mut lock = place.lock(true, pid, start);
    lock["port"] = json!(4242);
    lock["stateDir"] = json!(place.state());
    write(&place.state().join("tmp/openclaw-0/gateway.state.lock"), &lock);
    let found = place.look();
    assert_eq!((found.running, found.port), (Some(true), Some(4242)));
}

#[test]
fn doctor_at_work_is_no_gateway() {
    let place = Place::new(free_port());
    let (pid, start) = me();
    let mut lock = place.lock(true, pid, start);
    lock["role"] = json!("sqlite-maintenance");
    write(&place.state().join("tmp/openclaw-0/gateway.state.lock"), &lock);
    assert_eq!(place.look().running, Some(false));
}

#[test]
fn a_lock_that_outlived_its_process_leaves_the_question_open() {
    // A gateway in a container has a process number of its own.
    let place = Place::new(free_port());
    write(&place.state().join("tmp/openclaw-0/gateway.state.lock"), &place.lock(true, u32::MAX - 1, 1));
    assert_eq!(place.look().running, None);
}

#[test]
fn a_gateway_of_another_state_directory_is_named() {
    let place = Place::new(web_server(LIVE));
    let (pid, start) = me();
    write(&place.tmp().join("openclaw-0/gateway.0123abcd.lock"), &place.lock(false, pid, start));
    let found = place.look();
    assert_eq!((found.running, found.pid, found.port), (None, None, Some(place.port)));
    assert_eq!(found.other_state_dir.as_deref(), Some("/somewhere/else"));
    assert!(found.unknown_because.unwrap().contains("/somewhere/else"));
}

#[test]
fn something_else_on_the_port_says_nothing_about_our_gateway() {
    let place = Place::new(web_server("hello"));
    let found = place.look();
    assert_eq!(found.running, None, "it may have been given another port");
    assert!(found.unknown_because.unwrap().contains("not an OpenClaw gateway"));
}

#[test]
fn a_gateway_on_another_address_is_not_down() {
    let listener = TcpListener::bind(("127.0.0.2", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let place = Place::with(port, json!({ "bind": "custom", "customBindHost": "127.0.0.2" }));
    let found = place.look();
    assert_eq!(found.running, None);
    assert!(found.unknown_because.unwrap().contains("gateway.bind"));
}

#[test]
fn a_gateway_elsewhere_is_not_down() {
    let elsewhere = json!({ "mode": "remote", "remote": { "url": "wss://far.example" } });
    let place = Place::with(free_port(), elsewhere);
    let found = place.look();
    assert_eq!(found.running, None);
    assert!(found.unknown_because.unwrap().contains("wss://far.example"));
}

#[test]
fn a_port_with_tls_hears_no_plain_text() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let place = Place::with(listener.local_addr().unwrap().port(), json!({ "tls": { "enabled": true } }));
    let heard = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let found = place.look();
    assert_eq!(found.running, None);
    assert!(found.unknown_because.unwrap().contains("TLS"));
    assert_eq!(heard.join().unwrap(), b"");
}

#[test]
fn a_gateway_is_ours_by_its_own_word() {
    let place = Place::new(free_port());
    let word = |dir: &Path| GatewayWord { state_dir: Some(dir.to_owned()), ..GatewayWord::default() };
    assert_eq!(whose(&place.state(), &GatewayWord::default()), Whose::Ours);
    assert_eq!(whose(&place.state(), &word(&place.state())), Whose::Ours);
    assert_eq!(whose(&place.state(), &word(&place.tmp())), Whose::Others);
    let inside = Path::new("/nowhere/in/a/container");
    assert_eq!(whose(&place.state(), &word(inside)), Whose::CannotTell);
    let mut lock = place.lock(true, u32::MAX - 1, 1);
    lock["stateDir"] = json!(inside);
    write(&place.state().join("tmp/openclaw-0/gateway.state.lock"), &lock);
    assert_eq!(whose(&place.state(), &word(inside)), Whose::Ours);
}

#[test]
fn garbage_for_a_lock_is_none() {
    let place = Place::new(free_port());
    for (name, text) in [("a", "{"), ("b", "[]"), ("c", r#"{"pid":-1}"#), ("d", r#"{"pid":"x"}"#), ("e", "")]
    {
        let path = place.tmp().join(format!("openclaw-0/gateway.{name}.lock"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
    }
    assert_eq!(place.look().running, Some(false));
}
