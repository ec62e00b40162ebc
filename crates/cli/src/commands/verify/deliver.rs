//! `verify --routes --deliver`: posts a test message into each conversation, after a question that names them all.

use crate::error::CommandError;
use crate::ui::{Answer, Text, Tone, Ui};
use crate::view::route::{RouteView, RoutedMessage};
use keyshoal_core::{Delivery, Post};
use keyshoal_engine::verify::RouteProof;
use keyshoal_local::Installation;
use std::collections::{BTreeMap, BTreeSet};

/// Posts once for each conversation and enters what became of it. Tells whether somebody would have had to be asked and nobody was there.
pub(super) fn all(
    ui: &mut Ui,
    installation: &Installation,
    view: &RouteView,
    routes: &mut [RouteProof],
    yes: bool,
) -> Result<bool, CommandError> {
    let meant: Vec<Result<Post, Delivery>> = view.routes.iter().map(post).collect();
    let posts: Vec<Post> = meant.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let (done, unasked) = if posts.is_empty() {
        (Ok(BTreeMap::new()), false)
    } else {
        ask_and_post(ui, installation, &posts, yes)?
    };
    for (route, meant) in routes.iter_mut().zip(meant) {
        route.delivery = Some(match (meant, &done) {
            (Err(not_meant), _) => not_meant,
            (Ok(_), Err(why)) => Delivery::not_tested(*why),
            (Ok(post), Ok(done)) => {
                done.get(&post).cloned().unwrap_or_else(|| Delivery::not_tested("there was no answer for it"))
            }
        });
    }
    Ok(unasked)
}

/// What became of each message, or why none was posted.
type Done = Result<BTreeMap<Post, Delivery>, &'static str>;

fn ask_and_post(
    ui: &mut Ui,
    installation: &Installation,
    posts: &[Post],
    yes: bool,
) -> Result<(Done, bool), CommandError> {
    let mut lines: Vec<Text> = posts.iter().map(line).collect();
    lines.push(Text::of(
        "People there will see a test message of keyshoal, and OpenClaw keeps it in the agent's session. Post it?",
    ));
    if !yes {
        match ui.ask(&lines, false)? {
            Some(Answer::Yes) => {}
            Some(Answer::No) => return Ok((Err("it was declined"), false)),
            None => {
                lines.iter().for_each(|line| ui.say(line));
                return Ok((Err("nobody was there to agree; pass --yes"), true));
            }
        }
    }
    let said = installation.deliver(posts);
    Ok((Ok(posts.iter().cloned().zip(said).collect()), false))
}

fn line(post: &Post) -> Text {
    Text::of("  ")
        .and(Tone::Strong, format!("{} {}", post.channel, post.to))
        .plain(format!(" by account {}, for agent {}", post.account, post.agent))
}

/// Returns what is to be posted for a message, or why nothing is.
fn post(message: &RoutedMessage) -> Result<Post, Delivery> {
    let Some(agent) = message.route.answer.agent() else {
        return Err(Delivery::not_tested("no agent answers there"));
    };
    let to = message.target.clone().map_err(Delivery::not_tested)?;
    let account = message.query.account_id();
    Ok(Post { channel: message.query.channel.clone(), account, to, agent: agent.clone() })
}
