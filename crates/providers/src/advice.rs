//! One line for the person: what can be done about a verdict.

use crate::answer::Answer;
use crate::endpoint::Target;
use keyshoal_core::{Secret, VerdictKind};

/// How much of a provider's own words is shown.
const QUOTE: usize = 160;

/// Returns the line for a verdict at an endpoint; `None` when there is nothing to do.
pub(crate) fn for_verdict(kind: VerdictKind, target: &Target, answer: Option<&Answer>) -> Option<String> {
    let page = |pick: fn(&crate::registry::Provider) -> Option<&'static str>| target.known.and_then(pick);
    let at = |url: Option<&str>, what: &str| match url {
        Some(url) => format!("{what} at {url}"),
        None => format!("{what} at the provider"),
    };
    let keys = || page(|known| known.keys_page);
    let host = target.base.host_str().unwrap_or("the endpoint");
    let line = match kind {
        VerdictKind::Ok => return plaintext(target),
        VerdictKind::InvalidKey => at(keys(), "the provider does not know this value: make a new one"),
        VerdictKind::Revoked => at(keys(), "the provider has taken this value back: make a new one"),
        VerdictKind::Expired => at(keys(), "the time of this value is over: make a new one"),
        VerdictKind::MissingScope => {
            at(keys(), "the value is genuine but may not do what was asked: check its permissions")
        }
        VerdictKind::Billing => at(
            page(|known| known.billing_page),
            "the value is genuine but has no credit, or its limit is reached: add credit or raise the limit",
        ),
        VerdictKind::RateLimited => match answer.and_then(Answer::wait) {
            Some(seconds) => format!("too many requests: ask again in {seconds} s"),
            None => "too many requests: ask again later".to_owned(),
        },
        VerdictKind::ModelUnavailable => {
            "the value is fine, its account has no access to this model".to_owned()
        }
        VerdictKind::Policy => {
            "a policy (region, network, terms) forbids its use from here: read the provider's message"
                .to_owned()
        }
        VerdictKind::Dns => {
            format!("the name {host} cannot be resolved: check the network, the proxy and the base URL")
        }
        VerdictKind::Connect => {
            format!("{host} cannot be reached: check the network, the proxy and the base URL")
        }
        VerdictKind::Tls => {
            format!(
                "no TLS connection with {host}: check the clock, a proxy in between, and the certificates"
            )
        }
        VerdictKind::Timeout => format!("{host} did not answer in time: ask again later"),
        VerdictKind::ProviderDown => match page(|known| known.status_page) {
            Some(url) => format!("the provider has trouble: see {url}, ask again later"),
            None => "the provider has trouble: ask again later".to_owned(),
        },
        VerdictKind::UnexpectedAnswer => format!(
            "{host} answered{} and not as the provider does: a proxy, a captive portal or a wrong base URL",
            answer.map(|answer| format!(" {}", answer.status)).unwrap_or_default()
        ),
        VerdictKind::Unknown
        | VerdictKind::MalformedKey
        | VerdictKind::Missing
        | VerdictKind::UnresolvedRef
        | VerdictKind::NotAsked => return None,
    };
    Some(match plaintext(target) {
        Some(warning) => format!("{line}; {warning}"),
        None => line,
    })
}

/// Warns when the credential crosses a network in plain text.
pub(crate) fn plaintext(target: &Target) -> Option<String> {
    target
        .plaintext()
        .then(|| "the base URL is plain http: the value crosses the network unencrypted".to_owned())
}

/// Returns the provider's own words, shortened, when they hold nothing of the secret.
pub(crate) fn quote(answer: &Answer, target: &Target, secret: &Secret) -> Option<String> {
    let message = answer.words().message;
    let plain: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTE).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (!plain.is_empty() && !tells(&message, target, secret)).then_some(plain)
}

/// Tells whether a text holds anything of what was sent in secret: the credential, or a value of the config.
pub(crate) fn tells(text: &str, target: &Target, secret: &Secret) -> bool {
    mentions(text, secret.reveal_secret()) || target.hidden().any(|value| mentions(text, value))
}

/// Tells whether a text holds any six characters in a row of a secret, in whatever case.
fn mentions(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    let length = secret.len().min(6);
    length > 0
        && secret
            .windows(length)
            .any(|part| text.windows(length).any(|window| window.eq_ignore_ascii_case(part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::resolve;
    use keyshoal_core::{CredentialKind, Endpoint};
    use reqwest::header::HeaderValue;
    use std::collections::BTreeMap;

    #[test]
    fn words_with_a_part_of_the_secret_are_not_repeated() {
        let secret = Secret::new("AIzaSyD-Secret-Part-9000");
        let mut target = resolve(&Endpoint::public("google"), &CredentialKind::ApiKey, &BTreeMap::new())
            .expect("a target");
        target.dress.headers.insert("x-tenant", HeaderValue::from_static("tenant-hush"));
        let said = |message: &str| Answer {
            body: serde_json::json!({"error": {"message": message}}).to_string(),
            ..Answer::default()
        };
        let quote = |answer: &Answer| quote(answer, &target, &secret);
        let leaking = "Permission denied: Consumer 'api_key:AIzaSyD-Secret-Part-9000' has been suspended.";
        assert_eq!(quote(&said(leaking)), None);
        assert_eq!(quote(&said("bad key ends in rt-9000")), None);
        assert_eq!(quote(&said("no such tenant: TENANT-HUSH")), None);
        assert_eq!(quote(&said("Org\nis  archived")).as_deref(), Some("org is archived"));
        assert_eq!(quote(&Answer::default()), None);
        assert!(quote(&said(&"long ".repeat(100))).is_some_and(|text| text.len() <= QUOTE));
    }
}
