//! The server and its handle.

use crate::Behaviour;
use crate::record::Recorded;
use crate::respond::handle;
use crate::state::{Config, State};
use axum::Router;
use axum::extract::Request;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a stop waits for answers that are on their way.
const GRACE: Duration = Duration::from_millis(500);

/// A running provider on a thread of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Emulator {
    state: Arc<State>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts listening and returns at once; the port is bound by then.
    ///
    /// # Errors
    /// When the port is taken or the log file cannot be opened.
    pub fn start(config: Config) -> io::Result<Self> {
        let state = Arc::new(State::new(&config)?);
        let listener = std::net::TcpListener::bind(("127.0.0.1", config.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            let served = runtime.block_on(serve(listener, shared, stopped));
            // Nobody is left to be told; clients see the closed port.
            drop(served);
            runtime.shutdown_background();
        })?;
        Ok(Self { state, address, stop, thread: Some(thread) })
    }

    /// Returns `http://127.0.0.1:PORT`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Accepts a key from now on.
    pub fn accept(&self, key: &str) {
        self.reject(key, Behaviour::Ok);
    }

    /// Answers a key in this way from now on.
    pub fn reject(&self, key: &str, behaviour: Behaviour) {
        self.state.lock().keys.insert(key.to_owned(), behaviour);
    }

    /// Accepts these keys and refuses every other as invalid; forgets what was said of keys before.
    pub fn only_accept<S: AsRef<str>>(&self, keys: &[S]) {
        self.state.lock().only_accept(keys);
    }

    /// Answers everybody in this way, whatever the key (an outage, a portal); `None` ends it.
    pub fn everyone(&self, behaviour: Option<Behaviour>) {
        self.state.lock().everyone = behaviour;
    }

    /// Waits so long before every answer.
    pub fn set_latency(&self, latency: Duration) {
        self.state.lock().latency = latency;
    }

    /// Keeps every answer back from now on, or lets them go.
    pub fn hold(&self, held: bool) {
        self.state.held.send_replace(held);
    }

    /// Makes a refresh token good for one use at `/oauth/token`.
    pub fn issue_refresh_token(&self, refresh: &str) {
        self.state.lock().tokens.issue(refresh);
    }

    /// Returns every request so far, oldest first.
    pub fn log(&self) -> Vec<Recorded> {
        self.state.lock().log.rows()
    }

    /// Forgets the requests so far; a log file keeps them.
    pub fn clear_log(&self) {
        self.state.lock().log.clear();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // An error here means that the server has already ended.
        let _ended = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Runs an emulator in the foreground until the process is told to end (interrupt or terminate); `ready` gets its base URL.
///
/// # Errors
/// When the port is taken or the log file cannot be opened.
pub fn serve_forever(config: Config, ready: impl FnOnce(&str)) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let emulator = Emulator::start(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        ready(&emulator.base_url());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

async fn serve(
    listener: std::net::TcpListener,
    state: Arc<State>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let stop_of_requests = stopped.clone();
    let app = Router::new().fallback(move |request: Request| {
        let (state, stopped) = (Arc::clone(&state), stop_of_requests.clone());
        async move { handle(&state, stopped, request).await }
    });
    let wait = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the handle is gone, which is a stop as well.
        let _gone = stopped.wait_for(|stop| *stop).await;
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(wait(stopped.clone()));
    tokio::select! {
        served = server => served,
        () = async { wait(stopped).await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}
