//! Payloads with a few wrong bytes: refused or read as the same, never anything else, and never a panic.
//!
//! A body in the clear is given a fitting end again after it was changed, so that the changes get past the digest and meet every check
//! behind it. `a_long_run` does the same for as long as it is told, from a seed: `KEYSHOAL_FUZZ_CASES=1000000 cargo test -p
//! keyshoal-transfer -- --ignored a_long_run`.

use crate::arbitrary::{AValue, instance};
use crate::previews;
use crate::stage::*;
use keyshoal_core::vault::Origin;
use keyshoal_transfer::manifest::{Meant, Named};
use keyshoal_transfer::{Key, Payload};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const HEADER: usize = 10;
/// Kind, length and digest.
const END: usize = 1 + 8 + 32;

fn start() -> Payload {
    let values: Vec<AValue> = (0..8)
        .map(|at| AValue {
            store: (at % 3 > 0).then_some(at % 3),
            profile: at % 3,
            kind: at % 4,
            secret: at % 4,
        })
        .collect();
    let mut payload = instance(4, &values);
    let telegram = value(&mut payload, r#"{"botToken":"planted","allow":[1,2.5,"ü"]}"#);
    payload.manifest.channels.push(Named { name: "telegram".into(), value: telegram });
    let entry = value(&mut payload, r#"{"id":"ops"}"#);
    let last = payload.manifest.agents.len() - 1;
    payload.manifest.agents[last].enabled = false;
    let name = payload.manifest.agents[last].id.to_string();
    payload.manifest.entries.push(Named { name, value: entry });
    let origin = Origin { created: now(), by: "ada@home".into(), why: Some("ü".into()) };
    payload.manifest.profiles[0].meant = Some(Meant { waits: true, expires: None, origin: Some(origin) });
    payload
}

/// One wrong thing.
#[derive(Clone, Debug)]
enum Change {
    Put(usize, u8),
    Cut(usize, usize),
    Insert(usize, Vec<u8>),
    Copy(usize, usize, usize),
}

/// Bytes that mean something somewhere.
const WORDS: [&[u8]; 14] = [
    b"\"",
    b"\\ud800",
    b"1e999",
    b"../",
    b"\0",
    b"{",
    b"]",
    b",",
    b"null",
    b"main",
    b"\xff",
    b"-1",
    b"base",
    b"\x03\0\0\0\0\0\0\0\x02{}",
];

fn applied(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = bytes.len().max(1);
        match change {
            Change::Put(at, byte) => bytes[at % length] = *byte,
            Change::Cut(at, count) => {
                let at = at % length;
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Change::Insert(at, more) => {
                let at = at % length;
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Copy(from, to, count) => {
                let (from, to) = (from % length, to % length);
                let part = bytes[from..(from + count).min(bytes.len())].to_vec();
                bytes.splice(to..to, part);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

/// Gives a changed body an end that fits.
fn with_end(mut body: Vec<u8>, header: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(&body);
    body.push(0);
    body.extend_from_slice(&32_u64.to_be_bytes());
    body.extend_from_slice(&digest);
    [header, &body].concat()
}

/// Reads it; whatever is read is sound: it can be written again, and a preview loses nothing of it.
fn looked_at(bytes: &[u8]) -> bool {
    let drafts = TempDir::new().unwrap();
    let read = read(bytes, Some(drafts.path()));
    let fine = match &read {
        Ok(payload) => {
            assert_eq!(clear(payload).len(), payload_length(payload));
            previews::holds(payload, &Default::default(), &Default::default());
            true
        }
        Err(error) => {
            assert!(!error.to_string().contains("planted"), "{error}");
            false
        }
    };
    drop(read);
    assert_eq!(std::fs::read_dir(drafts.path()).unwrap().count(), 0);
    fine
}

fn payload_length(payload: &Payload) -> usize {
    let manifest = serde_json::to_vec(&payload.manifest).unwrap().len();
    let values: usize = payload.values.iter().map(|value| 9 + value.reveal_secret().len()).sum();
    HEADER + 9 + manifest + values + END
}

fn a_change() -> impl Strategy<Value = Change> {
    let at = 0..100_000_usize;
    prop_oneof![
        3 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        1 => (at.clone(), 1..40_usize).prop_map(|(at, count)| Change::Cut(at, count)),
        3 => (at.clone(), prop::sample::select(WORDS.to_vec())).prop_map(|(at, word)| Change::Insert(at, word.to_vec())),
        1 => (at.clone(), at, 1..80_usize).prop_map(|(from, to, count)| Change::Copy(from, to, count)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_body_is_refused_or_sound(changes in prop::collection::vec(a_change(), 1..4)) {
        let whole = clear(&start());
        let body = applied(whole[HEADER..whole.len() - END].to_vec(), &changes);
        looked_at(&with_end(body, &whole[..HEADER]));
    }

    #[test]
    fn a_changed_sealed_payload_is_refused(changes in prop::collection::vec(a_change(), 1..3)) {
        let key = recipient();
        let whole = written(&start(), keyshoal_transfer::Lock::Recipient(&key.recipient()), keyshoal_transfer::Form::Binary);
        let changed = applied(whole.clone(), &changes);
        prop_assume!(changed != whole);
        prop_assert!(opened(changed.as_slice()).and_then(|incoming| incoming.read(Key::Recipient(&key), None)).is_err());
    }
}

#[test]
fn an_unchanged_body_is_sound() {
    let whole = clear(&start());
    assert!(looked_at(&with_end(whole[HEADER..whole.len() - END].to_vec(), &whole[..HEADER])));
}

/// A generator that needs nothing (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize
    }

    fn change(&mut self) -> Change {
        let at = self.next();
        match self.next() % 8 {
            0..=2 => Change::Put(at, self.next() as u8),
            3 => Change::Cut(at, self.next() % 40 + 1),
            4..=6 => Change::Insert(at, WORDS[self.next() % WORDS.len()].to_vec()),
            _ => Change::Copy(at, self.next(), self.next() % 80 + 1),
        }
    }
}

/// Keeps what was read all the same as a further start, so that it gets deeper than one change does.
#[test]
#[ignore = "as long as it is told"]
fn a_long_run() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let mut seeded = Seeded(number("KEYSHOAL_FUZZ_SEED", 1));
    let whole = clear(&start());
    let header = whole[..HEADER].to_vec();
    let mut starts = vec![whole[HEADER..whole.len() - END].to_vec()];
    let mut sound = 0_u64;
    for _ in 0..number("KEYSHOAL_FUZZ_CASES", 100_000) {
        let from = starts[seeded.next() % starts.len()].clone();
        let changes: Vec<Change> = (0..seeded.next() % 3 + 1).map(|_| seeded.change()).collect();
        let body = applied(from, &changes);
        if looked_at(&with_end(body.clone(), &header)) {
            sound += 1;
            if starts.len() < 256 {
                starts.push(body);
            }
        }
    }
    println!("{sound} were read, {} starts", starts.len());
}
