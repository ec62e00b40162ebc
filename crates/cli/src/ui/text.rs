//! A line of text with tones. Every tone is also told by a symbol or a word, so that nothing is lost without colour.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// Says how a part of a line is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// As it should be.
    Good,
    /// Worth knowing.
    Info,
    /// Unclear.
    Doubt,
    /// Wrong.
    Bad,
    /// Less important.
    Dim,
    /// More important.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Good => colour(AnsiColor::Green),
            Self::Info => colour(AnsiColor::Cyan),
            Self::Doubt => colour(AnsiColor::Yellow),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// A line, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    parts: Vec<(Tone, String)>,
}

impl Text {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one without tones.
    pub fn of(text: impl AsRef<str>) -> Self {
        Self::new().plain(text)
    }

    /// Makes one of a tone.
    pub fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self::new().and(tone, text)
    }

    /// Appends text without a tone.
    #[must_use]
    pub fn plain(self, text: impl AsRef<str>) -> Self {
        self.and(Tone::Plain, text)
    }

    /// Appends text with a tone. Control characters are shown, never sent: names come from files that others write.
    #[must_use]
    pub fn and(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.parts.push((tone, visible(text.as_ref())));
        self
    }

    /// Appends another line.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        self.parts.extend(other.parts.iter().cloned());
        self
    }

    /// Returns the columns that it takes.
    pub fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| text.width()).sum()
    }

    /// Tells whether it has no text.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|(_, text)| text.is_empty())
    }

    /// Appends spaces up to a width.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        let missing = width.saturating_sub(self.width());
        if missing == 0 { self } else { self.plain(" ".repeat(missing)) }
    }

    /// Breaks it at blanks into lines of at most `width` columns; those after the first begin with `indent` blanks.
    pub fn wrapped(&self, width: usize, indent: usize) -> Vec<Self> {
        if self.width() <= width {
            return vec![self.clone()];
        }
        let mut lines = vec![Self::new()];
        let mut used = 0;
        let mut fresh = true;
        for (tone, word) in
            self.parts.iter().flat_map(|(tone, text)| text.split_inclusive(' ').map(|word| (*tone, word)))
        {
            let wide = word.trim_end_matches(' ').width();
            if used + wide > width && !fresh {
                lines.push(Self::of(" ".repeat(indent)));
                (used, fresh) = (indent, true);
            }
            if let Some(line) = lines.last_mut() {
                line.parts.push((tone, word.to_owned()));
            }
            used += word.width();
            fresh = fresh && word.trim().is_empty();
        }
        lines
    }

    /// Returns it without tones.
    pub fn to_plain(&self) -> String {
        self.parts.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Returns it with terminal colours; the stream takes them out again where they are not wanted.
    pub fn to_ansi(&self) -> String {
        let mut made = String::new();
        for (tone, text) in &self.parts {
            let style = tone.style();
            made.push_str(&format!("{style}{text}{style:#}"));
        }
        made
    }
}

/// Tells whether a terminal would take a character as more than a character: control characters, also the bidirectional ones.
pub fn steers(one: char) -> bool {
    let turns = matches!(one, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || one.is_control()
}

/// Replaces what would steer a terminal by a visible character.
pub fn visible(text: &str) -> String {
    text.chars().map(|one| if steers(one) { '\u{fffd}' } else { one }).collect()
}

/// The same for text of several lines.
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Joins lines without tones, as tests and files want them.
pub fn to_plain(lines: &[Text]) -> String {
    let mut made: String = lines.iter().map(|line| format!("{}\n", line.to_plain().trim_end())).collect();
    if made.is_empty() {
        made.push('\n');
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_files_cannot_steer_the_terminal() {
        let text = Text::new().and(Tone::Bad, "a\u{1b}[2J\u{7}\u{202e}b");
        assert_eq!(text.to_plain(), "a\u{fffd}[2J\u{fffd}\u{fffd}b");
        assert!(!text.to_ansi().contains("\u{1b}[2J"));
    }

    #[test]
    fn long_lines_break_at_blanks() {
        let text = Text::toned(Tone::Bad, "  ✗ stale").plain("  one two three four");
        let lines: Vec<String> =
            text.wrapped(16, 4).iter().map(|line| line.to_plain().trim_end().to_owned()).collect();
        assert_eq!(lines, ["  ✗ stale  one", "    two three", "    four"]);
        assert_eq!(Text::of("unbreakable").wrapped(4, 2).len(), 1);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(Text::of("日本").width(), 4);
        assert_eq!(Text::of("日本").padded(6).to_plain(), "日本  ");
    }
}
