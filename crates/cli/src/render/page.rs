//! A report for a file: the same parts as Markdown or as one HTML page without scripts.

use crate::error::CommandError;
use crate::ui::visible;
use std::path::Path;

/// A report in parts.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// One line beneath.
    pub summary: String,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// One part of a report.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// Lines before the table.
    pub lines: Vec<String>,
    /// The names of the columns; none for a part without a table.
    pub columns: Vec<&'static str>,
    /// The table's rows.
    pub rows: Vec<Vec<String>>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For an issue or a chat.
    Markdown,
    /// For a browser.
    Html,
}

impl Form {
    /// Tells the form from a file's name.
    pub fn of(path: &Path) -> Result<Self, CommandError> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("md" | "markdown") => Ok(Self::Markdown),
            Some("html" | "htm") => Ok(Self::Html),
            _ => Err(CommandError::usage(format!(
                "{}: a report is a file that ends in .html or .md",
                path.display()
            ))),
        }
    }
}

impl Page {
    /// Writes it out.
    pub fn text(&self, form: Form) -> String {
        match form {
            Form::Markdown => self.markdown(),
            Form::Html => self.html(),
        }
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{}\n", plain(&self.title), plain(&self.summary));
        for section in &self.sections {
            text.push_str(&format!("\n## {}\n\n", plain(&section.heading)));
            for line in &section.lines {
                text.push_str(&format!("- {}\n", plain(line)));
            }
            if !section.columns.is_empty() {
                text.push_str(&format!(
                    "\n| {} |\n|{}\n",
                    section.columns.join(" | "),
                    "---|".repeat(section.columns.len())
                ));
                for row in &section.rows {
                    let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
                    text.push_str(&format!("| {} |\n", cells.join(" | ")));
                }
            }
        }
        text
    }

    fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{}</p>\n",
            escaped(&self.summary)
        );
        for section in &self.sections {
            text.push_str(&format!("<h2>{}</h2>\n", escaped(&section.heading)));
            if !section.lines.is_empty() {
                let lines: String =
                    section.lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line))).collect();
                text.push_str(&format!("<ul>\n{lines}</ul>\n"));
            }
            if !section.columns.is_empty() {
                let head: String =
                    section.columns.iter().map(|name| format!("<th>{}</th>", escaped(name))).collect();
                text.push_str(&format!("<table>\n<tr>{head}</tr>\n"));
                for row in &section.rows {
                    let cells: String =
                        row.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
                    text.push_str(&format!("<tr>{cells}</tr>\n"));
                }
                text.push_str("</table>\n");
            }
        }
        text.push_str("</html>\n");
        text
    }
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}";

/// Makes a text stand in a line or cell of Markdown as what it is.
fn plain(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&one_line)
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('`', "\\`")
        .replace('[', "\\[")
        .replace('@', "@\u{200b}")
}

fn escaped(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_is_called_breaks_no_page() {
        let nasty = "<script>alert('x')</script> | [a](b) \n`c` @all";
        let page = Page {
            title: nasty.to_owned(),
            summary: nasty.to_owned(),
            sections: vec![Section {
                heading: nasty.to_owned(),
                lines: vec![nasty.to_owned()],
                columns: vec!["one"],
                rows: vec![vec![nasty.to_owned()]],
            }],
        };
        let html = page.text(Form::Html);
        assert!(!html.contains("<script") && html.matches("&lt;script&gt;").count() == 6, "{html}");
        let markdown = page.text(Form::Markdown);
        assert!(
            !markdown.contains("<script") && !markdown.contains("@all") && !markdown.contains(" [a]"),
            "{markdown}"
        );
        assert!(markdown.lines().filter(|line| line.starts_with('|')).count() == 3, "{markdown}");
    }

    #[test]
    fn the_form_is_told_by_the_ending() {
        assert_eq!(Form::of(Path::new("a/b.html")).unwrap(), Form::Html);
        assert_eq!(Form::of(Path::new("b.md")).unwrap(), Form::Markdown);
        assert!(Form::of(Path::new("b.pdf")).is_err() && Form::of(Path::new("html")).is_err());
    }
}
