//! A container cut into pieces: each item with the comments that belong to it.
//!
//! What stands on an item's own line behind it belongs to it, also behind its comma; what stands before the next item belongs to that
//! one; what stands before the closing bracket belongs to nobody.

use std::ops::Range;

/// The pieces of a container.
pub(super) struct Pieces {
    items: Vec<Piece>,
    tail: Range<usize>,
    /// Whether a comma stands behind the last item.
    pub trailing_comma: bool,
}

struct Piece {
    lead: Range<usize>,
    /// What stands before the comma, and what behind it.
    trail: [Range<usize>; 2],
}

impl Pieces {
    /// Cuts the text between two brackets at its items.
    pub fn of(text: &str, open: usize, items: &[Range<usize>], close: usize) -> Self {
        let mut pieces = Vec::with_capacity(items.len());
        let (mut from, mut trailing_comma) = (open, false);
        for (at, item) in items.iter().enumerate() {
            let last = at + 1 == items.len();
            let next = items.get(at + 1).map_or(close, |next| next.start);
            let gap = Gap::of(&text[item.end..next]);
            trailing_comma = gap.comma.is_some();
            let (before, behind) = match gap.comma {
                Some(comma) => (item.end..item.end + comma, item.end + comma + 1),
                None => (item.end..item.end, item.end),
            };
            let end = match Gap::of(&text[behind..next]).newline {
                Some(newline) => behind + newline,
                // What shares the line with the closing bracket stays there.
                None => behind,
            };
            pieces.push(Piece { lead: from..item.start, trail: [before, behind..end] });
            from = end;
            trailing_comma &= last;
        }
        Self { items: pieces, tail: from..close, trailing_comma }
    }

    /// Returns what stands before an item.
    pub fn lead<'t>(&self, text: &'t str, at: usize) -> &'t str {
        &text[self.items[at].lead.clone()]
    }

    /// Returns what stands before the first item, where that is blank.
    pub fn first_blank<'t>(&self, text: &'t str) -> &'t str {
        self.items
            .first()
            .map(|first| &text[first.lead.clone()])
            .filter(|lead| lead.trim().is_empty())
            .unwrap_or("")
    }

    /// Returns what stands behind an item, without its comma.
    pub fn trail(&self, text: &str, at: usize) -> String {
        self.items[at].trail.iter().map(|range| &text[range.clone()]).collect()
    }

    /// Returns what stands before the closing bracket.
    pub fn tail<'t>(&self, text: &'t str) -> &'t str {
        &text[self.tail.clone()]
    }
}

/// What stands between two items: blanks, comments, at most one comma.
struct Gap {
    comma: Option<usize>,
    /// The first end of a line outside of comments, before its `\r`.
    newline: Option<usize>,
}

impl Gap {
    fn of(gap: &str) -> Self {
        let bytes = gap.as_bytes();
        let (mut comma, mut newline, mut at) = (None, None, 0);
        while at < bytes.len() {
            match bytes[at] {
                b',' if comma.is_none() => comma = Some(at),
                b'\n' if newline.is_none() => {
                    newline = Some(at - usize::from(at > 0 && bytes[at - 1] == b'\r'));
                }
                b'/' if bytes.get(at + 1) == Some(&b'/') => {
                    while at + 1 < bytes.len() && bytes[at + 1] != b'\n' {
                        at += 1;
                    }
                }
                b'/' if bytes.get(at + 1) == Some(&b'*') => {
                    at = gap[at + 2..].find("*/").map_or(bytes.len(), |length| at + 2 + length + 1);
                }
                _ => {}
            }
            at += 1;
        }
        Self { comma, newline }
    }
}

/// Tells whether blanks and comments end within a comment that the end of the line ends.
pub(super) fn ends_in_line_comment(trivia: &str) -> bool {
    let mut rest = trivia;
    while let Some(at) = rest.find('/') {
        rest = if rest[at..].starts_with("//") {
            match rest[at..].find('\n') {
                Some(end) => &rest[at + end..],
                None => return true,
            }
        } else {
            match rest.get(at + 2..).and_then(|rest| rest.find("*/")) {
                Some(end) => &rest[at + end + 4..],
                None => return false,
            }
        };
    }
    false
}
