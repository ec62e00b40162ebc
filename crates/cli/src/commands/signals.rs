//! Being told to end: SIGTERM, SIGINT and their like.

use crate::error::CommandError;
use crate::ui;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Poll;
use tokio::signal::unix::{SignalKind, signal};

/// Is set once the process has been told to end.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<(Mutex<Option<i32>>, Condvar)>);

impl StopFlag {
    /// Tells whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Waits until it is. Returns the number of the signal.
    pub fn wait(&self) -> i32 {
        let mut set = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *set {
                Some(signal) => return signal,
                None => set = self.0.1.wait(set).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn set(&self, signal: i32) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
        self.0.1.notify_all();
    }
}

/// Returns a flag that SIGTERM and SIGINT set. From then on they do nothing else.
pub fn stop_flag() -> Result<StopFlag, CommandError> {
    flag_on(&[SignalKind::terminate(), SignalKind::interrupt()])
}

/// Returns a flag that these signals set. From then on they do nothing else.
pub fn flag_on(kinds: &[SignalKind]) -> Result<StopFlag, CommandError> {
    let failed = |error: std::io::Error| CommandError::io(format!("signals cannot be handled: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let guard = runtime.enter();
    let listen = |kind: &SignalKind| Ok((kind.as_raw_value(), signal(*kind)?));
    let mut signals: Vec<_> = kinds.iter().map(listen).collect::<Result<_, _>>().map_err(failed)?;
    drop(guard);
    ui::leave_signals();
    let flag = StopFlag::default();
    let set = flag.clone();
    std::thread::spawn(move || {
        let number = runtime.block_on(std::future::poll_fn(|context| {
            let mut came = signals
                .iter_mut()
                .filter_map(|(number, signal)| signal.poll_recv(context).is_ready().then_some(*number));
            came.next().map_or(Poll::Pending, Poll::Ready)
        }));
        set.set(number);
    });
    Ok(flag)
}
