//! Hostile payloads do not make the reader hold more than a bound. It is the process's own peak that counts, so this stands alone.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what does not hold")]
#![expect(clippy::disallowed_methods, reason = "a test reads what the system says of it")]

use keyshoal_transfer::{Key, Limits, Tail, open};
use std::io::{self, Read};

const HEADER: [u8; 10] = *b"\x89KSHL\r\n\x1a\x01\x00";
/// What the worst of them may take.
const MOST: u64 = 192 << 20;

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

fn refused(what: &str, from: impl Read) -> String {
    let read =
        open(from, Limits::default(), Tail::Refused).and_then(|incoming| incoming.read(Key::Nothing, None));
    let error = read.map(|_| ()).unwrap_err().to_string();
    assert!(peak() < MOST, "{what}: {} MiB", peak() >> 20);
    error
}

fn section(kind: u8, length: u64) -> Vec<u8> {
    [&[kind], length.to_be_bytes().as_slice()].concat()
}

/// A manifest of a kind whose middle is one thing, over and over.
fn manifest(before: &str, again: &str, after: &str) -> Vec<u8> {
    let most = (16 << 20) - before.len() - after.len();
    let text = format!("{before}{}{after}", again.repeat(most / again.len()));
    [HEADER.as_slice(), &section(1, text.len() as u64), text.as_bytes()].concat()
}

#[test]
fn the_reader_holds_no_more_than_it_may() {
    let endless =
        |kind: u8, length: u64| HEADER.chain(io::Cursor::new(section(kind, length))).chain(io::repeat(b'a'));
    assert!(refused("an endless manifest", endless(1, u64::MAX)).contains("may have"));
    assert!(refused("a manifest of a gigabyte", endless(1, 1 << 30)).contains("may have"));
    assert!(refused("a manifest that is one text", endless(1, 16 << 20)).contains("manifest"));
    assert!(refused("zeroes", io::repeat(0)).contains("no payload"));
    let begin = "-----BEGIN KEYSHOAL PAYLOAD-----\n";
    assert!(
        refused("an endless line", begin.as_bytes().chain(io::repeat(b'A'))).contains("longer than any line")
    );
    assert!(refused("endless blank lines", io::repeat(b'\n')).contains("not the beginning"));
    let blank = "\n-----BEGIN KEYSHOAL PAYLOAD-----".as_bytes();
    assert!(!refused("a text that ends at once", blank).is_empty());
    for (what, bytes) in [
        ("brackets", manifest("{\"made\":", "[", "")),
        ("pairs of brackets", manifest("{\"bindings\":[", "[],", "[]]}")),
        ("empty objects", manifest("{\"agents\":[", "{},", "{}]}")),
        ("small numbers", manifest("{\"bindings\":[", "0,", "0]}")),
        ("keys", manifest("{", "\"a\":0,", "\"b\":0}")),
        ("one long name", manifest("{\"made\":\"", "a", "\"}")),
        ("escapes", manifest("{\"made\":\"", "\\u0061", "\"}")),
    ] {
        assert!(refused(what, bytes.as_slice()).contains("manifest"), "{what}");
    }
    println!("{} MiB at the most", peak() >> 20);
}

#[test]
fn as_many_tokens_as_are_let_in_stay_within_the_bound() {
    for again in ["[0],", "{\"a\":0},", "[[[[0]]]],", "\"\","] {
        // Values of any shape are let in where a binding's `match` is.
        let tokens = again.bytes().filter(|byte| b",:[]{}".contains(byte)).count();
        let count = (Limits::default().tokens - 1000) / tokens;
        let many = format!("{}0", again.repeat(count.min((15 << 20) / again.len())));
        let text = format!(
            r#"{{"made":"2026-11-27T12:00:00Z","bindings":[{{"agent":"main","kind":null,"comment":null,"matching":[{many}]}}],"values":1.5}}"#
        );
        let bytes = [HEADER.as_slice(), &section(1, text.len() as u64), text.as_bytes()].concat();
        assert!(refused(again, bytes.as_slice()).contains("manifest"));
    }
    println!("{} MiB at the most", peak() >> 20);
}
