//! Takes out of what a program said what differs from run to run, and nothing else.

use crate::stage::Stage;
use serde_json::Value;

/// What has to be taken out of the texts of one run of `verify`, and what stands there instead.
pub struct Plain(Vec<(String, String)>);

/// How the program's check introduces what it shows of a value: the first and the last characters.
const SHOWN: [&str; 2] = ["mockai:default=", "unrelated:work="];

impl Plain {
    /// Knows the places of an instance, and the fingerprints of a document of `verify`. Equal fingerprints stay equal.
    pub fn of(stage: &Stage, document: &Value) -> Self {
        let mut known = vec![
            (stage.instance.scratch().display().to_string(), "(instance)".to_owned()),
            (format!("127.0.0.1:{}", stage.provider.port()), "127.0.0.1:(port)".to_owned()),
        ];
        for agent in document["agents"].as_array().unwrap() {
            for profile in agent["profiles"].as_array().unwrap() {
                if let Some(fingerprint) = profile["fingerprint"].as_str()
                    && !known.iter().any(|(from, _)| from == fingerprint)
                {
                    // As wide as it is: columns stay where they are.
                    let number = known.iter().filter(|(_, to)| to.starts_with("print")).count() + 1;
                    known.push((fingerprint.to_owned(), format!("print{number:03}")));
                }
            }
        }
        Self(known)
    }

    /// Returns the text without places, fingerprints, request ids, times, and what the program shows of a value.
    pub fn text(&self, text: &str) -> String {
        let text = self.0.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        text.lines().fold(String::new(), |all, one| all + &line(one) + "\n")
    }
}

fn line(line: &str) -> String {
    for shown in SHOWN {
        if let Some((before, _)) = line.split_once(shown) {
            return format!("{before}{shown}(masked)");
        }
    }
    let mut done = String::new();
    for piece in line.split_inclusive([' ', '"', ',']) {
        let word = piece.trim_end_matches([' ', '"', ',']);
        let after = &piece[word.len()..];
        let is_time = word.len() >= 20 && word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T');
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        match word {
            _ if is_time => done += "(time)",
            _ if word.starts_with("req_") => done += "(request)",
            _ if is_number && done.ends_with("latency_ms\": ") => done += "(number)",
            "ms" => {
                let before = done.trim_end().trim_end_matches(|it: char| it.is_ascii_digit()).len();
                done.truncate(before);
                done += "(number) ms";
            }
            // The column of milliseconds is as wide as the largest of them.
            "" if done.ends_with(" ms ") => continue,
            _ => done += word,
        }
        done += after;
    }
    done.trim_end().to_owned()
}
