//! What sealing promises: it opens where it was sealed, and nowhere else.

use keyshoal_core::{Fingerprints, Secret};
use keyshoal_seal::{Aad, Envelope, EnvelopeError, FingerprintKey, KeyFile, SealError, SealKey};
use proptest::prelude::*;

fn key(byte: u8) -> SealKey {
    SealKey::from_bytes([byte; 32])
}

proptest! {
    #[test]
    fn opens_in_its_own_place_only(value: Vec<u8>, place in ".{0,20}", other in ".{0,20}") {
        let aad = Aad::for_purpose("test").with(place.as_bytes());
        let stored = key(1).seal(&value, &aad).unwrap().to_bytes();
        let envelope = Envelope::from_bytes(&stored).unwrap();
        prop_assert_eq!(&*key(1).open(&envelope, &aad).unwrap(), &value);

        let elsewhere = Aad::for_purpose("test").with(other.as_bytes());
        prop_assert_eq!(key(1).open(&envelope, &elsewhere).is_ok(), place == other);
        let otherwise = Aad::for_purpose("other").with(place.as_bytes());
        prop_assert!(matches!(key(1).open(&envelope, &otherwise), Err(SealError::DoesNotOpen)));
        prop_assert!(matches!(key(2).open(&envelope, &aad), Err(SealError::OtherKey { .. })), "another key");
    }

    /// Whatever bit is flipped, cut or added, it does not open.
    #[test]
    fn damage_is_noticed(value in prop::collection::vec(any::<u8>(), 0..40), at: prop::sample::Index, bit in 0..8_u8) {
        let aad = Aad::for_purpose("test");
        let whole = key(1).seal(&value, &aad).unwrap().to_bytes();
        let opens = |bytes: &[u8]| Envelope::from_bytes(bytes).is_ok_and(|one| key(1).open(&one, &aad).is_ok());
        prop_assert!(opens(&whole));

        let mut flipped = whole.clone();
        flipped[at.index(whole.len())] ^= 1 << bit;
        prop_assert!(!opens(&flipped));
        prop_assert!(!opens(&whole[..at.index(whole.len())]));
        let mut longer = whole.clone();
        longer.push(0);
        prop_assert!(!opens(&longer));
    }

    /// Neither the text nor a repetition of it can be seen in what is stored.
    #[test]
    fn nothing_shines_through(value in "[a-z]{12,40}") {
        let aad = Aad::for_purpose("test");
        let secret = Secret::new(value.clone());
        let one = key(1).seal_secret(&secret, &aad).unwrap();
        let two = key(1).seal_secret(&secret, &aad).unwrap();
        prop_assert!(!one.windows(value.len()).any(|window| window == value.as_bytes()));
        prop_assert!(one != two, "the same value twice must not look the same");
        prop_assert_eq!(key(1).open_secret(&one, &aad).unwrap(), secret);
    }
}

/// The parts of associated data cannot be shifted against each other.
#[test]
fn parts_are_told_apart() {
    let one = Aad::for_purpose("p").with(b"ab").with(b"c");
    let other = Aad::for_purpose("p").with(b"a").with(b"bc");
    let stored = key(1).seal(b"value", &one).unwrap();
    assert!(matches!(key(1).open(&stored, &other), Err(SealError::DoesNotOpen)));
}

/// A form that a later version may write is named, not taken for damage of the key.
#[test]
fn another_form_is_named() {
    let mut stored = key(1).seal(b"value", &Aad::for_purpose("p")).unwrap().to_bytes();
    stored[0] = 2;
    assert_eq!(Envelope::from_bytes(&stored), Err(EnvelopeError::UnknownForm { form: 2 }));
}

/// Computed by an independent implementation (Python's hmac): what is stored must stay comparable for ever.
#[test]
fn fingerprints_never_change() {
    let key = FingerprintKey::from_bytes(std::array::from_fn(|at| at as u8));
    assert_eq!(key.of(&["api_key", "sk-test-1"]).hex(), "98d8a01cfc83d8d6c40a4a9408b1f079");
    assert_eq!(key.of(&[]).hex(), "d38b42096d80f45f826b44a9d5607de7");
    let derived = KeyFile::from_bytes([9; 32]).fingerprint_key(b"salt");
    assert_eq!(derived.of(&["x"]).hex(), "3f1ff43e14a7b232a79e21b348ad5b6d");
}

#[test]
fn keys_print_nothing() {
    let file = KeyFile::from_bytes([0x41; 32]);
    let shown = format!("{:?} {:?} {:?}", file, file.seal_key(), file.fingerprint_key(b"s"));
    assert_eq!(shown, "KeyFile(None, …) SealKey(…) FingerprintKey(…)");
}
