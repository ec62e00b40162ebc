//! The scanner: JavaScript's grammar of JSON, nothing more and nothing less, with a limit on depth.

use super::{Kind, Member, Value};

/// Nesting beyond this is refused; a real store has five levels.
const MAX_DEPTH: usize = 100;

/// Says where and why a text is no JSON. It never quotes the text, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON at line {line}, column {column}: {reason}")]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
    /// What was wrong.
    pub reason: &'static str,
    /// Whether the text just ended too early, as when somebody is still writing it.
    pub cut_short: bool,
}

pub(super) fn scan(text: &str) -> Result<Value, Malformed> {
    let mut scanner = Scanner { text, at: 0 };
    if text.starts_with('\u{feff}') {
        return Err(scanner.fail("it begins with a byte order mark, which OpenClaw does not accept"));
    }
    let value = scanner.value(0)?;
    scanner.blanks();
    if scanner.at < text.len() {
        return Err(scanner.fail("something follows after the end"));
    }
    Ok(value)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn fail(&self, reason: &'static str) -> Malformed {
        let before = &self.text.as_bytes()[..self.at.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Malformed { line, column, reason, cut_short: self.at >= self.text.len() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.blanks();
        let start = self.at;
        let kind = match self.peek() {
            None => return Err(self.fail("it ends too early")),
            Some(_) if depth > MAX_DEPTH => return Err(self.fail("it is nested too deeply")),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(b'/') => return Err(self.fail("a comment, which OpenClaw does not accept here")),
            Some(_) => return Err(self.fail("a value was expected")),
        };
        Ok(Value { span: start..self.at, kind })
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Kind, Malformed> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(kind)
        } else {
            if word.as_bytes().starts_with(rest) {
                self.at = self.text.len();
            }
            Err(self.fail("a value was expected"))
        }
    }

    fn number(&mut self) -> Result<Kind, Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fail("a digit was expected")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(Kind::Number)
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.fail("a digit was expected")) } else { Ok(()) }
    }

    /// Reads a string. `None` when it holds half of a surrogate pair.
    fn string(&mut self) -> Result<Option<String>, Malformed> {
        self.at += 1;
        let mut out = String::new();
        let mut whole = true;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .bytes()
                .position(|byte| byte == b'"' || byte == b'\\' || byte < 0x20)
                .unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                None => return Err(self.fail("a string does not end")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(whole.then_some(out));
                }
                Some(b'\\') => match self.escape()? {
                    Some(character) => out.push(character),
                    None => whole = false,
                },
                Some(_) => return Err(self.fail("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<Option<char>, Malformed> {
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.fail("an unknown escape in a string")),
        };
        self.at += 1;
        Ok(Some(character))
    }

    fn unicode(&mut self) -> Result<Option<char>, Malformed> {
        let first = self.four_hex()?;
        if !(0xd800..0xe000).contains(&first) {
            return Ok(char::from_u32(first));
        }
        let back = self.at;
        if first < 0xdc00 && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.four_hex()?;
            if (0xdc00..0xe000).contains(&second) {
                return Ok(char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)));
            }
            self.at = back;
        }
        Ok(None)
    }

    fn four_hex(&mut self) -> Result<u32, Malformed> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.fail("four hex digits were expected")) };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Kind, Malformed> {
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Kind::Object(members));
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fail("a key was expected"));
            }
            let key = self.string()?;
            let key_span = start..self.at;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.fail("a colon was expected"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push(Member { key_span, key, value });
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Kind::Object(members));
                }
                _ => return Err(self.fail("a comma or a closing brace was expected")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind, Malformed> {
        self.at += 1;
        let mut elements = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Kind::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Kind::Array(elements));
                }
                _ => return Err(self.fail("a comma or a closing bracket was expected")),
            }
        }
    }
}
