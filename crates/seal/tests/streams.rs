//! What leaves the machine: streams, codes, recipients.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what does not hold")]

use keyshoal_core::Secret;
use keyshoal_seal::stream::CHUNK;
use keyshoal_seal::{CodeError, KeyFile, OneTimeCode, Opener, Recipient, RecipientError, Sealer, StreamKey};
use proptest::prelude::*;
use std::io::{self, Read, Write};

const SALT: [u8; 32] = [9; 32];
/// The base point, as anybody's public key.
const BASE: [u8; 32] =
    [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// What a sealed chunk takes.
const SEALED: usize = CHUNK + 16;

fn key() -> StreamKey {
    KeyFile::from_bytes([5; 32]).recipient_key().stream_key(&BASE, &SALT, b"header").unwrap()
}

fn sealed(key: &StreamKey, text: &[u8], pieces: usize) -> Vec<u8> {
    let mut sealer = Sealer::new(key, Vec::new());
    for piece in text.chunks(pieces.max(1)) {
        sealer.write_all(piece).unwrap();
    }
    sealer.finish().unwrap()
}

fn opened(key: &StreamKey, sealed: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Opener::new(key, sealed).read_to_end(&mut text).map(|_| text)
}

/// Text whose bytes tell where they stood.
fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 251) as u8 ^ (at % 251) as u8).collect()
}

#[test]
fn every_length_around_a_chunk_comes_back() {
    let key = key();
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 3 * CHUNK + 7] {
        let text = text(length);
        let sealed = sealed(&key, &text, 1000);
        assert_eq!(sealed.len(), length + 16 * length.div_ceil(CHUNK).max(1), "{length}");
        assert_eq!(opened(&key, &sealed).unwrap(), text, "{length}");
    }
}

#[test]
fn chunks_are_bound_to_their_places_and_to_the_end() {
    let key = key();
    let whole = sealed(&key, &text(3 * CHUNK), CHUNK);
    let chunk = |at: usize| &whole[at * SEALED..(at + 1) * SEALED];
    let refused = [
        ("reordered", [chunk(1), chunk(0), chunk(2)].concat()),
        ("one left out", [chunk(0), chunk(2)].concat()),
        ("cut off between chunks", [chunk(0), chunk(1)].concat()),
        ("doubled", [chunk(0), chunk(0), chunk(1), chunk(2)].concat()),
        ("the end twice", [chunk(0), chunk(1), chunk(2), chunk(2)].concat()),
        ("with something behind it", [whole.as_slice(), b"x"].concat()),
        ("with an empty end", [whole.as_slice(), &sealed(&key, b"", 1)].concat()),
        ("nothing", Vec::new()),
    ];
    for (what, bytes) in refused {
        let error = opened(&key, &bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}: {error}");
    }
}

#[test]
fn what_stands_before_the_stream_is_bound_to_it() {
    let code = OneTimeCode::random().unwrap();
    let whole = sealed(&code.stream_key(&SALT, b"header"), b"text", 4);
    assert!(opened(&code.stream_key(&SALT, b"header"), &whole).is_ok());
    assert!(opened(&code.stream_key(&SALT, b"Header"), &whole).is_err());
    assert!(opened(&code.stream_key(&[8; 32], b"header"), &whole).is_err());
    assert!(opened(&OneTimeCode::random().unwrap().stream_key(&SALT, b"header"), &whole).is_err());
}

#[test]
fn a_code_is_read_as_people_type_it_and_slips_are_found() {
    let code = OneTimeCode::random().unwrap();
    let shown = code.shown();
    let text = shown.reveal_secret().to_owned();
    assert_eq!((text.len(), text.matches('-').count()), (39, 7));
    let same =
        |typed: String| OneTimeCode::parse(&Secret::new(typed)).unwrap().mark(&SALT) == code.mark(&SALT);
    assert!(same(text.clone()) && same(text.to_lowercase()) && same(text.replace('-', " \n")));
    assert!(same(text.replace('0', "o").replace('1', "l")));
    let parse = |typed: String| OneTimeCode::parse(&Secret::new(typed)).unwrap_err();
    assert_eq!(parse(text[..38].to_owned()), CodeError::Length { found: 31 });
    assert_eq!(parse(format!("{text}0")), CodeError::Length { found: 33 });
    assert_eq!(parse("x".repeat(10_000)), CodeError::Length { found: 10_000 });
    let mut wrong = text.clone();
    wrong.replace_range(5..6, "U");
    assert_eq!(parse(wrong), CodeError::Character { group: 2 });
    // A single slip is noticed in all but one of 32.
    let slips = (0..39).filter(|at| &text[*at..=*at] != "-").filter(|at| {
        let mut slipped = text.clone();
        let other = if &text[*at..=*at] == "7" { "8" } else { "7" };
        slipped.replace_range(*at..=*at, other);
        OneTimeCode::parse(&Secret::new(slipped)).is_err()
    });
    assert!(slips.count() >= 24);
    assert!(!format!("{code:?}").contains(&text[..4]));
}

#[test]
fn only_the_recipient_opens_what_was_sealed_for_it() {
    let file = KeyFile::ephemeral().unwrap();
    let key = file.recipient_key();
    let written = key.recipient().to_string();
    let recipient: Recipient = format!("  {written}\n").parse().unwrap();
    let (public, stream) = recipient.fresh_stream_key(&SALT, b"header").unwrap();
    let whole = sealed(&stream, b"for you", 3);
    assert_eq!(opened(&key.stream_key(&public, &SALT, b"header").unwrap(), &whole).unwrap(), b"for you");
    let other = KeyFile::ephemeral().unwrap().recipient_key();
    assert!(opened(&other.stream_key(&public, &SALT, b"header").unwrap(), &whole).is_err());
    assert!(opened(&key.stream_key(&public, &SALT, b"other").unwrap(), &whole).is_err());
    assert_ne!(recipient.fresh_stream_key(&SALT, b"header").unwrap().0, public, "a fresh one each time");
    let mut slipped = written.clone().into_bytes();
    slipped[30] = if slipped[30] == b'A' { b'B' } else { b'A' };
    assert_eq!(String::from_utf8(slipped).unwrap().parse::<Recipient>().unwrap_err(), RecipientError::Check);
    assert_eq!(written[..40].parse::<Recipient>().unwrap_err(), RecipientError::NotAKey);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_any_pieces_comes_back(length in 0..3 * CHUNK, pieces in 1..2 * CHUNK) {
        let (key, text) = (key(), text(length));
        prop_assert_eq!(opened(&key, &sealed(&key, &text, pieces)).unwrap(), text);
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_refused(length in 1..CHUNK + 100, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let key = key();
        let mut whole = sealed(&key, &text(length), CHUNK);
        let at = at.index(whole.len());
        prop_assert!(opened(&key, &whole[..at]).is_err());
        whole[at] ^= 1 << bit;
        prop_assert!(opened(&key, &whole).is_err());
    }
}
