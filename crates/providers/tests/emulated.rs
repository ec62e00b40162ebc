//! The prober against the emulator: every provider, every behaviour, and what must never happen to a credential.

#[path = "emulated/behaviours.rs"]
mod behaviours;
#[path = "emulated/certificates.rs"]
mod certificates;
#[path = "emulated/custom.rs"]
mod custom;
#[path = "emulated/faults.rs"]
mod faults;
#[path = "emulated/limits.rs"]
mod limits;
#[path = "emulated/logins.rs"]
mod logins;
#[path = "emulated/models.rs"]
mod models;
#[path = "emulated/names.rs"]
mod names;
#[path = "emulated/network.rs"]
mod network;
#[path = "emulated/proxies.rs"]
mod proxies;
#[path = "emulated/secrecy.rs"]
mod secrecy;
#[path = "emulated/transport.rs"]
mod transport;

use keyshoal_core::{Ask, CredentialKind, Endpoint, Fingerprint, Secret, Verdict, VerdictKind};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_providers::{Prober, ProberOptions, Question};
use std::time::Duration;

/// An emulator and a prober that takes it for the four providers themselves.
struct Lab {
    emulator: Emulator,
    prober: Prober,
}

impl Lab {
    fn new() -> Self {
        Self::with(Config::default(), |_| {})
    }

    fn with(config: Config, change: impl FnOnce(&mut ProberOptions)) -> Self {
        let emulator = Emulator::start(config).expect("an emulator");
        let mut options = ProberOptions { timeout: Duration::from_millis(800), ..ProberOptions::default() };
        for (provider, path) in [
            ("openai", "/openai/v1"),
            ("anthropic", "/anthropic"),
            ("google", "/gemini/v1beta"),
            ("openrouter", "/openrouter/api/v1"),
        ] {
            options.trusted_base_urls.insert(provider.to_owned(), format!("{}{path}", emulator.base_url()));
        }
        change(&mut options);
        Self { emulator, prober: Prober::new(options).expect("a prober") }
    }

    /// Asks one question.
    fn ask(&self, question: Question) -> Verdict {
        let mut verdicts = self.prober.ask(&[question]);
        assert_eq!(verdicts.len(), 1);
        verdicts.remove(0)
    }

    /// Returns how often each path was asked with this key.
    fn asked_with(&self, key: &str) -> Vec<String> {
        self.emulator
            .log()
            .into_iter()
            .filter(|row| row.key.as_deref() == Some(key))
            .map(|row| row.path)
            .collect()
    }

    /// Returns the paths that were asked with a key that is no question's.
    fn controls(&self) -> Vec<String> {
        let control = |key: &String| key.to_lowercase().replace('-', "").contains("negativecontrol");
        self.emulator
            .log()
            .into_iter()
            .filter(|row| row.key.as_ref().is_some_and(control))
            .map(|row| row.path)
            .collect()
    }
}

/// A fingerprint that is good enough for a test: any injective function of the first bytes and the length.
fn fingerprint(key: &str) -> Fingerprint {
    let mut bytes = [0_u8; 16];
    for (at, byte) in key.bytes().enumerate() {
        bytes[at % 16] = bytes[at % 16].wrapping_mul(31).wrapping_add(byte).wrapping_add(at as u8);
    }
    Fingerprint::from_bytes(bytes)
}

fn question(endpoint: Endpoint, kind: CredentialKind, key: &str) -> Question {
    Question::new(Ask { fingerprint: fingerprint(key), kind, endpoint }, Secret::new(key))
}

/// A provider by its name alone.
fn public(provider: &str) -> Endpoint {
    Endpoint::public(provider)
}

/// A custom provider at an address.
fn custom_at(api: &str, base_url: String, model: Option<&str>) -> Endpoint {
    Endpoint {
        api: Some(api.to_owned()),
        base_url: Some(base_url),
        model: model.map(str::to_owned),
        ..Endpoint::public("mock")
    }
}

/// A key of the provider's shape.
fn key_of(provider: &str, name: &str) -> String {
    match provider {
        "anthropic" => format!("sk-ant-api03-{name}-{}", "a".repeat(80)),
        "anthropic token" => format!("sk-ant-oat01-{name}-{}", "o".repeat(80)),
        "openai" => format!("sk-proj-{name}-{}", "p".repeat(60)),
        "google" => format!("AIzaSy{name:x<33}"),
        "openrouter" => format!("sk-or-v1-{name:x<64}"),
        _ => format!("key-{name}"),
    }
}

fn kinds(verdicts: &[Verdict]) -> Vec<VerdictKind> {
    verdicts.iter().map(|verdict| verdict.kind).collect()
}
