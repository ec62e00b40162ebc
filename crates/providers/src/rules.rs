//! What an answer means: an ordered table of signs, first match wins.
//!
//! Limits, permissions and policies come first and death last, because providers say all of them with the same statuses. Every
//! rule is met by at least one real answer in `data/answers.json`; a test holds that.

use crate::answer::{Answer, Words};
use crate::{Wire, rules::Sign::*, rules::Where::*};
use keyshoal_core::VerdictKind::{self, *};

/// Where a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Everywhere,
    At(Wire),
    /// At endpoints that are not the provider itself.
    Custom,
}

/// What a rule looks at. Texts are lower case.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// `error.code` is this.
    Code(&'static str),
    /// `error.type` (Google: `error.status`) is this.
    Kind(&'static str),
    /// Google's `ErrorInfo.reason` is this.
    Reason(&'static str),
    /// The text for people contains this.
    Says(&'static str),
    /// The type is this and the text contains that.
    KindSays(&'static str, &'static str),
    /// The code is this and the text contains that.
    CodeSays(&'static str, &'static str),
    /// The reason is this and the text contains that.
    ReasonSays(&'static str, &'static str),
    /// The status is this and the text contains that.
    StatusSays(u16, &'static str),
    /// The status is this and the body is the provider's JSON.
    Status(u16),
}

#[derive(Debug)]
struct Rule {
    at: Where,
    sign: Sign,
    means: VerdictKind,
}

const fn rule(at: Where, sign: Sign, means: VerdictKind) -> Rule {
    Rule { at, sign, means }
}

const OPENAI: Where = At(Wire::OpenAi);
const ANTHROPIC: Where = At(Wire::Anthropic);
const GEMINI: Where = At(Wire::Gemini);
const OPENROUTER: Where = At(Wire::OpenRouter);
const CODEX: Where = At(Wire::Codex);
const OLLAMA: Where = At(Wire::Ollama);

const RULES: &[Rule] = &[
    // Money and limits. A 402 is money, except where its words are about speed.
    rule(Everywhere, StatusSays(402, "rate limit"), RateLimited),
    rule(Everywhere, Code("insufficient_quota"), Billing),
    rule(Everywhere, Kind("insufficient_quota"), Billing),
    rule(Everywhere, Code("billing_not_active"), Billing),
    rule(Everywhere, Code("credit_balance_exhausted"), Billing),
    rule(Everywhere, Kind("exceeded_current_quota_error"), Billing),
    rule(Everywhere, Kind("billing_error"), Billing),
    rule(Everywhere, Says("credit balance is too low"), Billing),
    rule(Everywhere, Says("out of extra usage"), Billing),
    rule(Everywhere, Says("reached your specified api usage limits"), Billing),
    rule(Everywhere, Says("usage limit for this billing cycle"), Billing),
    rule(Everywhere, Says("key limit exceeded"), Billing),
    rule(Everywhere, Says("credit limit reached"), Billing),
    rule(Everywhere, Says("insufficient credits"), Billing),
    rule(Everywhere, Says("insufficient balance"), Billing),
    rule(Everywhere, Says("used all available credits"), Billing),
    rule(Everywhere, Says("doesn't have any credits"), Billing),
    rule(Everywhere, Says("run out of credits"), Billing),
    rule(GEMINI, Reason("billing_disabled"), Billing),
    rule(GEMINI, Says("prepayment credits are depleted"), Billing),
    rule(Custom, Says("exceededbudget"), Billing),
    rule(Custom, Says("budget has been exceeded"), Billing),
    rule(Everywhere, Status(402), Billing),
    // Permissions.
    rule(Everywhere, Says("missing scopes"), MissingScope),
    rule(ANTHROPIC, Says("does not meet scope requirement"), MissingScope),
    rule(OPENAI, Says("must be a member of an organization"), MissingScope),
    rule(Custom, CodeSays("permission-denied", "access to the chat endpoint is denied"), MissingScope),
    rule(GEMINI, Reason("api_key_service_blocked"), MissingScope),
    rule(GEMINI, Reason("service_disabled"), MissingScope),
    rule(GEMINI, Says("has not been used in project"), MissingScope),
    // Policies: the value may be genuine, somebody forbids its use here.
    rule(Everywhere, Code("unsupported_country_region_territory"), Policy),
    rule(OPENAI, Code("ip_not_authorized"), Policy),
    rule(ANTHROPIC, Says("organization has been disabled"), Policy),
    rule(ANTHROPIC, Says("oauth authentication is currently not"), Policy),
    rule(ANTHROPIC, Says("only authorized for use with claude code"), Policy),
    rule(ANTHROPIC, KindSays("forbidden", "request not allowed"), Policy),
    rule(GEMINI, Says("user location is not supported"), Policy),
    rule(GEMINI, Says("project has been denied access"), Policy),
    rule(GEMINI, Says("has been suspended"), Policy),
    rule(GEMINI, Says("violation of terms of service"), Policy),
    rule(Everywhere, Kind("access_terminated_error"), Policy),
    // Too fast.
    rule(Everywhere, Kind("rate_limit_error"), RateLimited),
    rule(Everywhere, Code("rate_limit_exceeded"), RateLimited),
    rule(CODEX, Kind("usage_limit_reached"), RateLimited),
    rule(GEMINI, Kind("resource_exhausted"), RateLimited),
    // The model, not the key.
    rule(Everywhere, Code("model_not_found"), ModelUnavailable),
    rule(Everywhere, Code("model_not_available"), ModelUnavailable),
    rule(Everywhere, Kind("invalid_model"), ModelUnavailable),
    rule(Everywhere, Kind("resource_not_found_error"), ModelUnavailable),
    rule(Everywhere, Says("model not exist"), ModelUnavailable),
    rule(OLLAMA, StatusSays(404, "not found"), ModelUnavailable),
    rule(ANTHROPIC, KindSays("not_found_error", "model:"), ModelUnavailable),
    rule(GEMINI, StatusSays(404, "is not found for api version"), ModelUnavailable),
    rule(OPENROUTER, Says("no endpoints found"), ModelUnavailable),
    // The provider's own trouble, also where it comes with a strange status.
    rule(Everywhere, Kind("overloaded_error"), ProviderDown),
    rule(Everywhere, Kind("engine_overloaded_error"), ProviderDown),
    rule(ANTHROPIC, Kind("api_error"), ProviderDown),
    rule(OPENROUTER, Says("provider returned error"), ProviderDown),
    // Said of good tokens as well. Whatever has no rule, a lost header above all, is unknown anyway.
    rule(OPENAI, CodeSays("token_expired", "could not validate your token"), Unknown),
    // Death, in the provider's own words.
    rule(OPENAI, Code("account_deactivated"), Revoked),
    rule(OPENAI, Code("token_expired"), Expired),
    rule(OPENAI, Code("token_invalidated"), Revoked),
    rule(OPENAI, Code("token_revoked"), Revoked),
    rule(OPENAI, Code("invalid_api_key"), InvalidKey),
    rule(OPENAI, Says("incorrect api key provided"), InvalidKey),
    rule(ANTHROPIC, KindSays("permission_error", "oauth token has been revoked"), Revoked),
    rule(ANTHROPIC, KindSays("authentication_error", "token has expired"), Expired),
    rule(ANTHROPIC, KindSays("authentication_error", "invalid x-api-key"), InvalidKey),
    rule(ANTHROPIC, KindSays("authentication_error", "invalid bearer token"), InvalidKey),
    rule(GEMINI, Says("reported as leaked"), Revoked),
    rule(GEMINI, ReasonSays("api_key_invalid", "expired"), Expired),
    rule(GEMINI, Reason("api_key_invalid"), InvalidKey),
    rule(OPENROUTER, StatusSays(401, "user not found"), InvalidKey),
    rule(Custom, Kind("expired_key"), Expired),
    rule(Custom, Kind("token_not_found_in_db"), InvalidKey),
    rule(Custom, KindSays("authentication_error", "authentication fails"), InvalidKey),
    rule(Custom, StatusSays(401, "invalid api key"), InvalidKey),
    rule(Custom, StatusSays(401, "invalid authentication"), InvalidKey),
    // The provider's permission error without a reason that is known.
    rule(ANTHROPIC, Kind("permission_error"), MissingScope),
];

/// Says what an answer that is not a success means. `own` tells whether the endpoint is the provider itself.
///
/// At an endpoint that is not, words about the provider's account may be about the endpoint's own account there, so they never
/// kill; and "invalid" still needs the negative control's consent, which is the caller's.
pub fn classify(wire: Wire, own: bool, answer: &Answer) -> VerdictKind {
    let words = answer.words();
    match RULES.iter().find(|rule| rule.holds(wire, own, answer.status, &words)) {
        Some(rule) if own || rule.at == Custom || !matches!(rule.means, Revoked | Expired) => rule.means,
        Some(_) => Unknown,
        None => by_status(answer, &words),
    }
}

impl Rule {
    fn holds(&self, wire: Wire, own: bool, status: u16, words: &Words) -> bool {
        let here = match self.at {
            Everywhere => true,
            // OpenRouter and every copy of OpenAI's API may answer in OpenAI's words.
            At(of) => of == wire || (of == Wire::OpenAi && wire == Wire::Codex),
            Custom => !own,
        };
        here && words.json
            && match self.sign {
                Code(code) => words.code == code,
                Kind(kind) => words.kind == kind,
                Reason(reason) => words.reason == reason,
                Says(text) => words.message.contains(text),
                KindSays(kind, text) => words.kind == kind && words.message.contains(text),
                CodeSays(code, text) => words.code == code && words.message.contains(text),
                ReasonSays(reason, text) => words.reason == reason && words.message.contains(text),
                StatusSays(at, text) => status == at && words.message.contains(text),
                Status(at) => status == at,
            }
    }
}

/// What is left when no words are known: a status alone never kills.
fn by_status(answer: &Answer, words: &Words) -> VerdictKind {
    match answer.status {
        429 => RateLimited,
        511 => UnexpectedAnswer,
        500..=599 => ProviderDown,
        451 => Policy,
        408 => Timeout,
        400..=499 if words.json && !answer.is_page() => Unknown,
        _ => UnexpectedAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Purpose, success};
    use keyshoal_core::Timestamp;
    use serde::Deserialize;
    use std::collections::BTreeSet;

    /// One real answer.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        provider: String,
        status: u16,
        #[serde(default)]
        content_type: Option<String>,
        #[serde(default)]
        asked: Option<String>,
        body: serde_json::Value,
        verdict: VerdictKind,
        source: String,
        #[serde(default)]
        note: Option<String>,
    }

    impl Row {
        fn place(&self) -> (Wire, bool) {
            match self.provider.as_str() {
                "openai" => (Wire::OpenAi, true),
                "anthropic" => (Wire::Anthropic, true),
                "google" => (Wire::Gemini, true),
                "openrouter" => (Wire::OpenRouter, true),
                "openai-codex" => (Wire::Codex, true),
                "custom ollama" => (Wire::Ollama, false),
                "custom openai" => (Wire::OpenAi, false),
                "custom anthropic" => (Wire::Anthropic, false),
                "custom google" => (Wire::Gemini, false),
                other => panic!("no such provider: {other}"),
            }
        }

        fn answer(&self) -> Answer {
            let (body, kind) = match &self.body {
                serde_json::Value::String(page) => (page.clone(), "text/html"),
                json => (json.to_string(), "application/json"),
            };
            let content_type = self.content_type.clone().unwrap_or_else(|| kind.to_owned());
            Answer { status: self.status, content_type, body, ..Answer::default() }
        }
    }

    fn rows() -> Vec<Row> {
        serde_json::from_str(include_str!("../data/answers.json")).expect("data/answers.json")
    }

    #[test]
    fn every_real_answer_is_read_right() {
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
        for row in rows() {
            let ((wire, own), answer) = (row.place(), row.answer());
            let purpose = match row.asked.as_deref() {
                None | Some("list") => Purpose::List,
                Some("key") => Purpose::Key,
                Some("usage") => Purpose::Usage,
                Some("completion") => Purpose::Completion,
                Some(other) => panic!("nobody asks for {other}"),
            };
            let said = success(purpose, &answer, now).unwrap_or_else(|| classify(wire, own, &answer));
            assert_eq!(said, row.verdict, "{row:#?}");
        }
    }

    #[test]
    fn a_torn_body_never_kills() {
        for row in rows().iter().filter(|row| row.verdict.is_dead()) {
            let ((wire, own), whole) = (row.place(), row.answer());
            for cut in (0..whole.body.len()).filter(|cut| whole.body.is_char_boundary(*cut)) {
                let torn = Answer { body: whole.body[..cut].to_owned(), ..whole.clone() };
                assert!(!classify(wire, own, &torn).is_dead(), "{row:?} cut at {cut}");
                let wrapped = Answer { body: format!("<html>{}</html>", whole.body), ..whole.clone() };
                assert!(!classify(wire, own, &wrapped).is_dead(), "{row:?} quoted in a page");
            }
        }
    }

    #[test]
    fn what_a_provider_says_of_an_account_means_less_at_somebody_elses_endpoint() {
        for row in rows().iter().filter(|row| row.provider != "custom openai" && row.verdict.is_dead()) {
            let elsewhere = classify(row.place().0, false, &row.answer());
            assert!(matches!(elsewhere, InvalidKey | Unknown | UnexpectedAnswer), "{row:?}: {elsewhere:?}");
        }
    }

    #[test]
    fn every_row_says_where_it_comes_from() {
        for row in rows() {
            assert!(row.source.starts_with("https://") && row.source.len() > 20, "no source: {row:#?}");
            assert!(row.note.as_deref().is_none_or(|note| !note.is_empty()), "an empty note: {row:#?}");
        }
    }

    #[test]
    fn every_rule_was_met_by_a_real_answer() {
        let rows = rows();
        let met: BTreeSet<usize> = rows
            .iter()
            .filter_map(|row| {
                let ((wire, own), answer) = (row.place(), row.answer());
                let words = answer.words();
                RULES.iter().position(|rule| rule.holds(wire, own, answer.status, &words))
            })
            .collect();
        let guesses: Vec<&Rule> =
            RULES.iter().enumerate().filter(|(at, _)| !met.contains(at)).map(|(_, rule)| rule).collect();
        assert!(guesses.is_empty(), "rules that no row in data/answers.json meets: {guesses:#?}");
    }

    #[test]
    fn rules_are_lower_case_as_the_words_are() {
        for rule in RULES {
            let texts: Vec<&str> = match rule.sign {
                Code(a) | Kind(a) | Reason(a) | Says(a) | StatusSays(_, a) => vec![a],
                KindSays(a, b) | CodeSays(a, b) | ReasonSays(a, b) => vec![a, b],
                Status(_) => vec![],
            };
            assert!(texts.iter().all(|text| **text == text.to_lowercase()), "{rule:?}");
        }
    }

    #[test]
    fn a_status_alone_never_kills() {
        for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini, Wire::OpenRouter, Wire::Codex, Wire::Ollama]
        {
            for own in [true, false] {
                for status in 300..600 {
                    for body in
                        ["", "{}", "<html>401</html>", r#"{"error":{"message":"no"}}"#, "Unauthorized"]
                    {
                        let answer = Answer { status, body: body.to_owned(), ..Answer::default() };
                        assert!(!classify(wire, own, &answer).is_dead(), "{wire:?} {status} {body}");
                    }
                }
            }
        }
    }
}
