//! What an access token of a ChatGPT login says of itself: whose account it is for and when it ends.
//!
//! It is a JWT. Its signature is not checked: nothing is let in by it, and the provider checks it when it is asked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyshoal_core::Timestamp;
use serde_json::Value;

/// The claim under which OpenAI puts what it knows of the account.
const CLAIM: &str = "https://api.openai.com/auth";

/// What a token says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Login {
    /// The account that requests are for.
    pub(crate) account: Option<String>,
    /// When it ends.
    pub(crate) expires: Option<Timestamp>,
}

/// Reads a token; `None` when it is no JWT.
pub(crate) fn read(token: &str) -> Option<Login> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let account = claims.get(CLAIM).and_then(|auth| auth.get("chatgpt_account_id")).and_then(Value::as_str);
    let expires = claims.get("exp").and_then(Value::as_f64);
    claims.is_object().then(|| Login {
        account: account.filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic())).map(str::to_owned),
        expires: expires.and_then(|seconds| Timestamp::from_second(seconds as i64).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("{}.{}.sig", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_says_whose_it_is_and_when_it_ends() {
        let claims = r#"{"exp":1793000000,"https://api.openai.com/auth":{"chatgpt_account_id":"acc-1"}}"#;
        let expires = Timestamp::from_second(1_793_000_000).ok();
        assert_eq!(read(&token(claims)), Some(Login { account: Some("acc-1".into()), expires }));
        assert_eq!(read(&token("{}")), Some(Login::default()));
        let broken = r#"{"exp":"soon","https://api.openai.com/auth":{"chatgpt_account_id":"a\r\nb"}}"#;
        assert_eq!(read(&token(broken)), Some(Login::default()));
        for other in ["", "sk-proj-abc", "a.b", "a.b.c.d", "a.!.c", &token("[]"), &token("nothing")] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
