//! Columns that line up, broken into blocks when the terminal is too narrow for all of them.

use super::{Text, Tone};

/// One row of a [`Grid`].
pub type Row = Vec<Text>;

/// Rows under a heading. The first column is repeated in every block.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    head: Row,
    rows: Vec<Row>,
}

const GAP: usize = 2;

impl Grid {
    /// Makes one with a heading.
    pub fn new(head: Vec<String>) -> Self {
        Self { head: head.iter().map(|name| Text::toned(Tone::Strong, name)).collect(), rows: Vec::new() }
    }

    /// Makes one without a heading.
    pub fn bare() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Tells whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the lines, at most `width` columns wide where the columns allow it.
    pub fn lines(&self, width: usize, indent: usize) -> Vec<Text> {
        let all: Vec<&Row> =
            (!self.head.is_empty()).then_some(&self.head).into_iter().chain(&self.rows).collect();
        let columns = all.iter().map(|row| row.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| all.iter().filter_map(|row| row.get(at)).map(Text::width).max().unwrap_or(0))
            .collect();
        let mut lines = Vec::new();
        for (number, block) in blocks(&widths, width.saturating_sub(indent)).iter().enumerate() {
            if number > 0 {
                lines.push(Text::new());
            }
            for row in &all {
                let mut line = Text::of(" ".repeat(indent));
                for (place, at) in block.iter().enumerate() {
                    let cell = row.get(*at).cloned().unwrap_or_default();
                    let last = place + 1 == block.len();
                    line = line.join(&if last { cell } else { cell.padded(widths[*at] + GAP) });
                }
                lines.push(line);
            }
        }
        lines
    }
}

/// Divides the columns into blocks that fit; the first column leads each.
fn blocks(widths: &[usize], width: usize) -> Vec<Vec<usize>> {
    let Some(first) = widths.first() else { return Vec::new() };
    let mut made = vec![vec![0]];
    let mut used = *first;
    for (at, wide) in widths.iter().enumerate().skip(1) {
        let fresh = made.last().is_none_or(|block| block.len() == 1);
        if used + GAP + wide > width && !fresh {
            made.push(vec![0]);
            used = *first;
        }
        used += GAP + wide;
        if let Some(block) = made.last_mut() {
            block.push(at);
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_blocks() {
        let mut grid = Grid::new(vec!["agent".into(), "one".into(), "two".into()]);
        grid.row(vec![Text::of("main"), Text::of("1234567890"), Text::of("x")]);
        assert_eq!(
            super::super::text::to_plain(&grid.lines(18, 0)),
            "agent  one\nmain   1234567890\n\nagent  two\nmain   x\n"
        );
    }
}
