//! What a process asks of the system concerning files, call by call, recorded with `strace`.

use std::path::Path;
use std::process::{Command, Output};

/// Every call that can change a file, a name or what is durable, and those that say which file a number means.
const CALLS: &str = "trace=open,openat,creat,close,dup,dup2,dup3,fcntl,lseek,read,write,writev,pwrite64,pwritev,pwritev2,sendfile,\
                     copy_file_range,fallocate,truncate,ftruncate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,\
                     unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync";

/// One call that went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name, as strace has it.
    pub name: String,
    /// What it was told.
    pub arguments: Vec<Argument>,
    /// What it answered.
    pub result: i64,
}

/// What a call was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Bytes: a path, or what is written.
    Bytes(Vec<u8>),
    /// A number, or words such as `O_RDWR|O_CREAT`.
    Word(String),
}

impl Argument {
    /// Returns it as a number; nothing when it is none.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Word(word) => word.parse().ok(),
            Self::Bytes(_) => None,
        }
    }

    /// Tells whether a word is among its words.
    pub fn has(&self, wanted: &str) -> bool {
        matches!(self, Self::Word(words) if words.split('|').any(|word| word == wanted))
    }
}

/// Makes the command that runs a program under `strace`, with these options of it.
pub fn strace(options: &[&str], program: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(program);
    command
}

/// Runs a command that [`strace`] made and says so loudly when there is no such program.
pub fn run(command: &mut Command) -> Output {
    command.output().expect("this test needs strace: scripts/install-tools strace")
}

/// Returns the options that record every call into a file.
pub fn recording(into: &Path) -> Vec<&str> {
    vec!["--signal=none", "-xx", "-s", "100000000", "-o", into.to_str().unwrap(), "-e", CALLS]
}

/// Reads a record. A call that other threads' calls came in between of counts from when it ended; a `close`, from when it began:
/// another thread may get the number before it has ended.
pub fn read(record: &str) -> Vec<Call> {
    let mut begun: Vec<(&str, String)> = Vec::new();
    let mut calls = Vec::new();
    for line in record.lines() {
        let (thread, text) = line.split_once(' ').unwrap();
        let text = text.trim_start();
        if let Some(begin) = text.strip_suffix("<unfinished ...>") {
            let begin = begin.trim_end();
            if begin.starts_with("close(") {
                calls.extend(call(&format!("{begin}) = 0")));
            }
            begun.push((thread, begin.to_owned()));
        } else if let Some((_, rest)) =
            text.strip_prefix("<...").and_then(|rest| rest.split_once(" resumed>"))
        {
            let at = begun.iter().position(|(of, _)| *of == thread).unwrap();
            let (_, begin) = begun.swap_remove(at);
            if !begin.starts_with("close(") {
                calls.extend(call(&format!("{begin}{rest}")));
            }
        } else {
            calls.extend(call(text));
        }
    }
    calls
}

/// Reads one whole line; nothing when the call failed or never came back.
fn call(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (inside, result) = rest.rsplit_once(") ")?;
    let result = result.trim_start().strip_prefix("= ")?.split(' ').next()?;
    let result: i64 = result.parse().ok().filter(|result| *result >= 0)?;
    Some(Call { name: name.to_owned(), arguments: pieces(inside).map(argument).collect(), result })
}

/// Splits at the commas that stand in no brackets. All strings are in hexadecimal digits and hold none.
fn pieces(inside: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    inside
        .split(move |letter| {
            match letter {
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                _ => {}
            }
            letter == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
}

fn argument(text: &str) -> Argument {
    // Several strings in one argument are the pieces of one write.
    let strings: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    if strings.is_empty() {
        return Argument::Word(text.to_owned());
    }
    assert!(!text.contains("..."), "strace has shortened a text");
    let digits = strings.concat();
    let byte = |digits| u8::from_str_radix(digits, 16).unwrap();
    Argument::Bytes(digits.split("\\x").skip(1).map(byte).collect())
}

#[test]
fn a_number_is_free_when_its_close_begins() {
    let record = r#"7 close(3 <unfinished ...>
8 openat(AT_FDCWD, "\x2f\x61", O_RDONLY) = 3
7 <... close resumed>)              = 0
8 fsync(3)              = 0"#;
    let names: Vec<String> = read(record).into_iter().map(|call| call.name).collect();
    assert_eq!(names, ["close", "openat", "fsync"]);
}

#[test]
fn a_record_of_two_threads_is_read() {
    let record = r#"7 openat(AT_FDCWD, "\x2f\x61", O_RDWR|O_CREAT, 0600) = 3
8 openat(AT_FDCWD, "\x2f\x62", O_RDONLY) = -1 ENOENT (No such file or directory)
7 fsync(3 <unfinished ...>
8 writev(4, [{iov_base="\x61", iov_len=1}, {iov_base="\x62\x2c", iov_len=2}], 2) = 3
7 <... fsync resumed>)              = 0
8 fsync(4 <unfinished ...>"#;
    let calls = read(record);
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["openat", "writev", "fsync"]);
    assert_eq!(calls[0].arguments[1], Argument::Bytes(b"/a".to_vec()));
    assert!(calls[0].arguments[2].has("O_CREAT") && !calls[0].arguments[2].has("O_CREA"));
    assert_eq!(calls[1].arguments[1], Argument::Bytes(b"ab,".to_vec()));
    assert_eq!((calls[2].arguments[0].number(), calls[2].result), (Some(3), 0));
}
