//! Tells people of alarms, wherever they are: by a signed webhook, Slack, Telegram, ntfy, or a command of their own.
//!
//! A [`Desk`] takes [`Message`]s and brings each to every [`Target`], in a thread of each target's own, so that one that hangs holds
//! up neither the watch nor the others. What this room promises:
//!
//! - A message that could not be brought is a dead letter in a directory: nothing is lost silently. What waits for the end of quiet
//!   hours is in a file, and comes once.
//! - No address, token or key of a target gets into a message, an error or a `Debug` output; no path in a message names a home.
//! - Only `http` and `https` are spoken, redirects are not followed, answers are read up to a bound, and everything has an end.

mod client;
mod clock;
mod command;
mod dead_letters;
mod desk;
mod held;
mod message;
mod quiet;
mod scrub;
mod send;
mod sign;
mod target;
mod waiting;

pub use dead_letters::{DeadLetter, DeadLetters};
pub use desk::{Delivery, Desk, DeskOptions, Retry};
pub use message::{About, Message};
pub use quiet::{Quiet, QuietError};
pub use scrub::Scrub;
pub use send::{Failure, Sender, SenderError};
pub use sign::{HEADER, signature};
pub use target::{Address, AddressError, Kind, Target};
pub use waiting::Waiting;
