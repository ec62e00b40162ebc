//! Brings messages to all addressees: a thread and a queue for each, tries with growing waits, and at the end a dead letter.

use crate::held::Held;
use crate::{DeadLetter, DeadLetters, Failure, Message, Sender, Target, Waiting, clock};
use jiff::tz::TimeZone;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// So many messages wait for one addressee at most.
const QUEUE: usize = 64;
/// Whoever waits for the end of quiet hours looks at the clock so often.
const LOOK: Duration = Duration::from_secs(20);

/// How often a message is tried.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// All tries, the first included.
    pub tries: u32,
    /// The first wait; each further one is twice as long, give or take a half.
    pub first: Duration,
    /// The longest wait, also where an addressee asks for a longer one.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: 6, first: Duration::from_secs(2), longest: Duration::from_secs(300) }
    }
}

/// What became of one message for one addressee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whom it was for.
    pub alert: String,
    /// How that one is told.
    pub kind: &'static str,
    /// Why it did not arrive; `None`: it did.
    pub failed: Option<String>,
}

/// Hears of what became of messages.
pub type Heard = Arc<dyn Fn(&Delivery) + Send + Sync>;

/// How a desk works.
#[derive(Clone)]
pub struct DeskOptions {
    /// How often a message is tried.
    pub retry: Retry,
    /// Where quiet hours are.
    pub zone: TimeZone,
    /// What commands may see of the environment.
    pub variables: Vec<(String, String)>,
    /// Where messages go that reach nobody.
    pub dead_letters: DeadLetters,
    /// Where messages wait that are held back; without it they are dead letters when the desk closes.
    pub waiting: Option<Waiting>,
    /// Hears of what became of messages.
    pub heard: Heard,
}

/// Brings messages to addressees.
pub struct Desk {
    workers: Vec<(Worker, SyncSender<Message>, JoinHandle<()>)>,
    closing: Arc<Closing>,
}

impl Desk {
    /// Opens it. Whoever cannot be told at all gets dead letters only.
    pub fn open(targets: Vec<Target>, options: &DeskOptions) -> Self {
        let closing = Arc::new(Closing::default());
        let mut workers = Vec::new();
        for target in targets {
            let (sender, receiver) = sync_channel(QUEUE);
            let worker = Worker { target, options: options.clone(), closing: Arc::clone(&closing) };
            let at_work = worker.clone();
            let thread = std::thread::spawn(move || at_work.work(&receiver));
            workers.push((worker, sender, thread));
        }
        Self { workers, closing }
    }

    /// Has every addressee told. Returns at once.
    pub fn tell(&self, message: &Message) {
        for (worker, sender, _) in &self.workers {
            match sender.try_send(message.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                    worker.give_up(message, "too many messages wait for it".to_owned(), 0);
                }
            }
        }
    }

    /// Closes it: what can still be sent within this time is, the rest becomes dead letters.
    pub fn close(self, within: Duration) {
        self.closing.set(Instant::now() + within);
        // Every queue ends before anyone is waited for.
        let threads: Vec<JoinHandle<()>> = self.workers.into_iter().map(|(_, _, thread)| thread).collect();
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// Until when there is time, once the desk closes.
#[derive(Default)]
struct Closing(Mutex<Option<Instant>>, Condvar);

impl Closing {
    fn set(&self, end: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        self.1.notify_all();
    }

    fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|end| end <= Instant::now())
    }

    /// Waits; less when the desk closes meanwhile.
    fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut closing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let until = closing.map_or(end, |closes| closes.min(end));
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return;
            };
            closing = self.1.wait_timeout(closing, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[derive(Clone)]
struct Worker {
    target: Target,
    options: DeskOptions,
    closing: Arc<Closing>,
}

impl Worker {
    fn work(&self, receiver: &Receiver<Message>) {
        let sender = Sender::new(&self.target.kind, &self.options.variables);
        let sender = sender.map_err(|error| error.to_string());
        let waiting = self.options.waiting.as_ref();
        let before = waiting.map(|waiting| waiting.read(&self.target.name)).unwrap_or_default();
        let mut held = Held::new(&self.target, self.options.zone.clone(), before);
        let mut patience = Duration::ZERO;
        let mut kept = waiting.is_some();
        let mut written = names(&held);
        loop {
            let now = clock::now();
            let message = match receiver.recv_timeout(patience) {
                Ok(message) => held.take(message, now),
                Err(RecvTimeoutError::Timeout) => held.due(now),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            patience = LOOK;
            // What waits is written before anything is sent: whatever happens now, nothing comes twice. Where it cannot be written the
            // message goes out all the same: better twice than never.
            let names = names(&held);
            if !kept || names != written {
                kept = self.keep(&held);
                written = names;
            }
            if let Some(message) = message {
                self.bring(sender.as_ref(), message);
            }
        }
        if !kept && let Some(message) = held.release() {
            self.give_up(message, "the watch ended before it could be sent".to_owned(), 0);
        }
    }

    /// Writes what waits where the next watch finds it. Tells whether it is there.
    fn keep(&self, held: &Held) -> bool {
        self.options
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.write(&self.target.name, &held.all()).is_ok())
    }

    fn bring(&self, sender: Result<&Sender, &String>, message: Message) {
        let sender = match sender {
            Ok(sender) => sender,
            Err(reason) => return self.give_up(message, reason.clone(), 0),
        };
        let retry = self.options.retry;
        let mut wait = retry.first;
        for tries in 1.. {
            if self.closing.is_over() {
                return self.give_up(
                    message,
                    "the watch ended before it could be sent".to_owned(),
                    tries - 1,
                );
            }
            match sender.send(&message, clock::now()) {
                Ok(_) => return self.heard(None),
                Err(Failure { reason, again, .. }) if !again || tries >= retry.tries => {
                    return self.give_up(message, reason, tries);
                }
                Err(Failure { after, .. }) => {
                    self.closing.sleep(after.unwrap_or_else(|| jittered(wait)).min(retry.longest));
                    wait = wait.saturating_mul(2);
                }
            }
        }
    }

    fn give_up(&self, message: Message, reason: String, tries: u32) {
        let letter = DeadLetter::new(&self.target, message, reason.clone(), tries, clock::now());
        let reason = match self.options.dead_letters.put(&letter) {
            Ok(_) => reason,
            Err(error) => format!("{reason}; and the dead letter could not be written: {error}"),
        };
        self.heard(Some(reason));
    }

    fn heard(&self, failed: Option<String>) {
        let (alert, kind) = (self.target.name.clone(), self.target.kind.as_str());
        (self.options.heard)(&Delivery { alert, kind, failed });
    }
}

/// Returns the names of all that waits.
fn names(held: &Held) -> Vec<String> {
    held.all().into_iter().map(|message| message.id().to_owned()).collect()
}

/// Returns between a half and one and a half of a time, so that many who failed together do not come again together.
fn jittered(time: Duration) -> Duration {
    let mut byte = [128];
    // Without chance it is the time itself.
    let _ = getrandom::fill(&mut byte);
    time / 2 + time.mul_f64(f64::from(byte[0]) / 255.0)
}
