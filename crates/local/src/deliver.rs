//! Posting test messages into channels through this installation's own gateway.

use crate::{Installation, clock};
use keyshoal_core::{Delivery, Post};
use keyshoal_openclaw::gateway::{Client, GatewayError, Posted};
use std::time::Duration;

/// Channels wait for their servers, and try again.
const LIMIT: Duration = Duration::from_secs(60);

impl Installation {
    /// Posts one test message for each of these and says what became of it, in order. Never fails as a whole.
    pub fn deliver(&self, posts: &[Post]) -> Vec<Delivery> {
        let mut client = None;
        posts.iter().map(|post| self.deliver_one(&mut client, post)).collect()
    }

    /// Posts one, over the connection that is there or a new one.
    fn deliver_one(&self, client: &mut Option<Client>, post: &Post) -> Delivery {
        let Some(seen) = self.seen() else { return Delivery::not_tested("nothing was looked at") };
        if client.is_none() {
            match self.connect(&seen.observed, &seen.config) {
                Ok(connected) => *client = Some(connected.client),
                Err(error) => return Delivery::not_tested(format!("{error} ({})", error.hint())),
            }
        }
        let Some(connected) = client else { return Delivery::not_tested("there is no connection") };
        let run = format!("keyshoal-{}-{}", clock::now().as_nanosecond(), post.agent);
        match connected.post(post, &text(post), &run, LIMIT) {
            Ok(Posted::Taken { .. }) => Delivery::Delivered,
            Ok(Posted::Refused(why)) => Delivery::Refused { why },
            Err(error @ (GatewayError::NoAdmin { .. } | GatewayError::NoCredential { .. })) => {
                Delivery::not_tested(format!("{error} ({})", error.hint()))
            }
            Err(error) => {
                // Whatever comes next on it may belong to this message.
                *client = None;
                Delivery::not_tested(format!("whether it was posted is not known: {error}"))
            }
        }
    }
}

/// What people read in the conversation.
fn text(post: &Post) -> String {
    format!(
        "This is a test by keyshoal (verify --deliver): can agent {} post here? Nothing has to be done about it.",
        post.agent
    )
}
