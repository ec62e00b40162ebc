//! The marker by which a prompt says which agent and which step of a test sent it: `[[agent:tag]]`.

/// Returns agent and tag of the last marker in the text. In a chat that is the newest message's.
pub(crate) fn last(text: &str) -> Option<(String, String)> {
    let mut end = text.len();
    while let Some(start) = text[..end].rfind("[[") {
        let inside = &text[start + 2..];
        if let Some(close) = inside.find("]]")
            && let Some((agent, tag)) = inside[..close].split_once(':')
            && is_word(agent, "-_")
            && is_word(tag, "-_.")
        {
            return Some((agent.to_owned(), tag.to_owned()));
        }
        end = start;
    }
    None
}

fn is_word(text: &str, extra: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn the_newest_well_formed_marker_wins() {
        let pair = |a: &str, t: &str| Some((a.to_owned(), t.to_owned()));
        assert_eq!(
            last("[[main:t1]] hi … [[stocks:t2.1]] say pong [[not a marker]]"),
            pair("stocks", "t2.1")
        );
        assert_eq!(last("[[[a:b]]]"), pair("a", "b"));
        assert_eq!(last("[[a:b"), None);
        assert_eq!(last("nothing"), None);
    }
}
