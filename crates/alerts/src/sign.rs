//! The signature of a webhook: whoever has the secret can tell that the body is ours and when it was sent.

use keyshoal_core::{Secret, Timestamp};

/// The header that carries it.
pub const HEADER: &str = "X-Keyshoal-Signature";

/// Returns `t=<unix>,v1=<hex>`: HMAC-SHA-256 of the time, a dot, and the body's bytes as they are sent.
pub fn signature(secret: &Secret, now: Timestamp, body: &str) -> String {
    let time = now.as_second();
    let mac =
        keyshoal_seal::hmac_sha256(secret.reveal_secret().as_bytes(), format!("{time}.{body}").as_bytes());
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret`
    #[test]
    fn the_signature_is_what_other_programs_make() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(
            signature(&Secret::new("secret"), now, "{\"a\":1}"),
            "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        );
    }
}
