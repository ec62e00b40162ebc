//! Whom to ask, and whether that can be done at all.

use crate::registry::{self, Provider};
use crate::transport::Dress;
use keyshoal_core::{CredentialKind, Endpoint, ProviderId};
use std::collections::BTreeMap;
use std::net::IpAddr;
use url::{Host, Url};

/// The wire formats in which a provider can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    /// OpenAI's, and everybody's who copies it.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// OpenAI's with OpenRouter's own key endpoint and errors.
    OpenRouter,
    /// The backend of ChatGPT that a Codex login is good for.
    Codex,
    /// Ollama's own.
    Ollama,
}

/// An endpoint that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its name in the config.
    pub(crate) provider: ProviderId,
    pub(crate) wire: Wire,
    /// The provider itself, when the address is its own and it is known to refuse strangers.
    pub(crate) own: Option<&'static Provider>,
    /// The provider whose pages may help the person.
    pub(crate) known: Option<&'static Provider>,
    pub(crate) base: Url,
    pub(crate) model: Option<String>,
    /// Whether the agent speaks OpenAI's newer `responses` there.
    pub(crate) responses: bool,
    pub(crate) loopback: bool,
    /// Whether an open model list means that nothing there needs a key.
    pub(crate) keyless: bool,
    /// Ask without a credential.
    pub(crate) bare: bool,
    /// Whom limits are counted for: the provider, else the endpoint.
    pub(crate) lane: String,
    /// What the config changes about requests.
    pub(crate) dress: Dress,
}

/// Why an endpoint cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoTarget {
    UnknownProvider,
    BadUrl,
    UnsupportedApi(String),
    UnsupportedKind,
    /// A setting of the config that is not done likewise here.
    Unlike(String),
    /// What is not known here, and what it stands behind.
    Unresolved(String, String),
    BadHeader(String),
    BadProxy,
    /// The header in which the config sends a value of its own.
    Instead(&'static str),
}

impl NoTarget {
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::UnknownProvider => {
                "no base URL is known for this provider: it is asked only where the config names one"
                    .to_owned()
            }
            Self::BadUrl => "the base URL in the config is no http or https address".to_owned(),
            Self::UnsupportedApi(api) => {
                format!("endpoints of the kind {api} cannot be asked about a credential")
            }
            Self::UnsupportedKind => {
                "a credential of this type cannot be asked about directly: ask the program itself".to_owned()
            }
            Self::Unlike(setting) => format!(
                "the config changes requests by {setting}, which is not done here: ask the program itself"
            ),
            Self::Unresolved(what, name) => {
                format!("{what} stands behind {name}, which is not known here: ask the program itself")
            }
            Self::BadHeader(name) => format!("the config's header {name} cannot be sent: mend it"),
            Self::BadProxy => "the config's proxy is no address: write http://host:port".to_owned(),
            Self::Instead(header) => format!(
                "the config sends a value of its own in {header}, so this one is never sent to this provider"
            ),
        }
    }
}

impl Target {
    /// Tells whether the credential crosses a network in plain text.
    pub(crate) fn plaintext(&self) -> bool {
        self.base.scheme() == "http" && !self.loopback
    }
}

/// Finds whom to ask. `trusted` are base URLs, by provider, that count as the provider itself.
pub(crate) fn resolve(
    endpoint: &Endpoint,
    kind: &CredentialKind,
    trusted: &BTreeMap<String, String>,
) -> Result<Target, NoTarget> {
    let named = registry::find(endpoint.provider.as_str()).map(|named| of_login(named, endpoint, kind));
    let instead = named.and_then(|provider| trusted.get(provider.name));
    let base = endpoint
        .base_url
        .as_deref()
        .or(instead.map(String::as_str))
        .or(named.map(|provider| provider.base_url))
        .ok_or(NoTarget::UnknownProvider)?;
    let mut base = Url::parse(base.trim()).map_err(|_| NoTarget::BadUrl)?;
    let host = base.host().map(|host| host.to_owned()).ok_or(NoTarget::BadUrl)?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(NoTarget::BadUrl);
    }
    let is_trusted = instead.and_then(|url| Url::parse(url).ok()).is_some_and(|url| url == base);
    let at_home = if is_trusted {
        named
    } else {
        registry::at_host(&host.to_string()).filter(|_| base.scheme() == "https")
    };
    let known = at_home.or(named.filter(|_| endpoint.base_url.is_none()));
    let api = endpoint
        .api
        .as_deref()
        .or(at_home.map(|provider| provider.api))
        .or(named.map(|provider| provider.api));
    let wire = match (at_home, api.unwrap_or("openai-completions")) {
        (Some(provider), _) if provider.wire == Wire::OpenRouter => Wire::OpenRouter,
        (_, "openai-completions" | "openai-responses") => Wire::OpenAi,
        (_, "anthropic-messages") => Wire::Anthropic,
        (_, "google-generative-ai") => Wire::Gemini,
        (_, "openai-codex-responses" | "openai-chatgpt-responses") => Wire::Codex,
        (_, "ollama") => Wire::Ollama,
        (_, other) => return Err(NoTarget::UnsupportedApi(other.to_owned())),
    };
    // The program adds the version at Google's own host, and only there.
    if at_home.is_some() && wire == Wire::Gemini && base.path() == "/" {
        base.set_path("/v1beta");
    }
    match (kind, wire) {
        (CredentialKind::Token | CredentialKind::OAuth, Wire::Codex) => {}
        (CredentialKind::ApiKey, wire) if wire != Wire::Codex => {}
        (CredentialKind::Token, wire) if wire != Wire::Gemini => {}
        // Only Anthropic takes an OAuth login's access token at its public API.
        (CredentialKind::OAuth, Wire::Anthropic) => {}
        _ => return Err(NoTarget::UnsupportedKind),
    }
    Ok(Target {
        provider: endpoint.provider.clone(),
        wire,
        own: at_home.filter(|provider| provider.refuses_strangers && provider.wire == wire),
        known,
        base,
        model: endpoint.model.clone(),
        responses: api == Some("openai-responses"),
        loopback: is_loopback(&host),
        bare: false,
        keyless: at_home.is_none() && named.is_some_and(|named| named.keyless),
        lane: at_home.map_or_else(|| endpoint.key(), |provider| provider.name.to_owned()),
        dress: Dress::default(),
    })
}

/// Later releases know one OpenAI, whose ChatGPT logins are good for another backend than its keys.
fn of_login(named: &'static Provider, endpoint: &Endpoint, kind: &CredentialKind) -> &'static Provider {
    let untold = endpoint.base_url.is_none() && endpoint.api.is_none();
    let login = *kind == CredentialKind::OAuth && named.wire == Wire::OpenAi && untold;
    registry::by_login(named).filter(|_| login).unwrap_or(named)
}

/// Returns the address that an endpoint asks, and whether it is on this machine; nothing where that is not known, or no web address.
pub(crate) fn base_url(endpoint: &Endpoint) -> Option<(Url, bool)> {
    let named = registry::find(endpoint.provider.as_str()).map(|provider| provider.base_url);
    let url = Url::parse(endpoint.base_url.as_deref().or(named)?.trim()).ok()?;
    let loopback = is_loopback(&url.host()?.to_owned());
    matches!(url.scheme(), "http" | "https").then_some((url, loopback))
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(provider: &str, api: Option<&str>, base_url: Option<&str>) -> Endpoint {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Endpoint { api: own(api), base_url: own(base_url), ..Endpoint::public(provider) }
    }

    fn target(provider: &str, api: Option<&str>, base_url: Option<&str>) -> Result<Target, NoTarget> {
        resolve(&endpoint(provider, api, base_url), &CredentialKind::ApiKey, &BTreeMap::new())
    }

    #[test]
    fn a_name_alone_is_never_taken_for_the_provider_itself() {
        let own =
            |found: Result<Target, NoTarget>| found.expect("a target").own.map(|provider| provider.name);
        assert_eq!(own(target("openai", None, None)), Some("openai"));
        assert_eq!(own(target("openai", None, Some("https://proxy.example/v1"))), None);
        assert_eq!(
            own(target("my-own", Some("openai-completions"), Some("https://openrouter.ai/api/v1"))),
            Some("openrouter")
        );
        assert_eq!(
            own(target("openai", None, Some("http://api.openai.com/v1"))),
            None,
            "plain http may be anybody"
        );
        assert_eq!(own(target("openai", None, Some("https://api.openai.com.evil.example/v1"))), None);
        assert_eq!(own(target("groq", None, None)), None, "no documented endpoint that refuses strangers");
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        assert_eq!(target("nobody", None, None).unwrap_err(), NoTarget::UnknownProvider);
        assert_eq!(target("x", None, Some("${BASE}")).unwrap_err(), NoTarget::BadUrl);
        assert_eq!(target("x", None, Some("ftp://h/")).unwrap_err(), NoTarget::BadUrl);
        assert_eq!(
            target("x", Some("bedrock-converse-stream"), Some("http://127.0.0.1:1")).unwrap_err(),
            NoTarget::UnsupportedApi("bedrock-converse-stream".to_owned())
        );
        let oauth = resolve(&endpoint("xai", None, None), &CredentialKind::OAuth, &BTreeMap::new());
        assert_eq!(oauth.unwrap_err(), NoTarget::UnsupportedKind);
        assert_eq!(target("openai-codex", None, None).unwrap_err(), NoTarget::UnsupportedKind, "no API key");
    }

    #[test]
    fn a_login_is_asked_about_where_it_is_good() {
        let login = |provider, api, base| {
            resolve(&endpoint(provider, api, base), &CredentialKind::OAuth, &BTreeMap::new())
                .map(|target| (target.wire, target.own.map(|own| own.name)))
        };
        let codex = Ok((Wire::Codex, Some("openai-codex")));
        assert_eq!(login("openai", None, None), codex);
        assert_eq!(login("openai-codex", None, None), codex);
        let backend = Some("https://chatgpt.com/backend-api/codex");
        assert_eq!(login("openai", Some("openai-chatgpt-responses"), backend), codex);
        assert_eq!(login("openai", None, Some("https://proxy.example/v1")), Err(NoTarget::UnsupportedKind));
    }

    #[test]
    fn a_server_of_ones_own_is_found_by_its_name_and_is_nobody_that_is_known() {
        let ollama = target("ollama", None, None).expect("a target");
        assert_eq!((ollama.wire, ollama.own.is_some(), ollama.keyless), (Wire::Ollama, false, true));
        assert_eq!(ollama.base.as_str(), "http://127.0.0.1:11434/");
        assert!(target("lmstudio", None, Some("http://10.0.0.2:1234/v1")).expect("a target").keyless);
        let cloud = target("ollama", Some("ollama"), Some("https://ollama.com")).expect("a target");
        assert!(!cloud.keyless && cloud.known.is_some_and(|known| known.name == "ollama-cloud"));
    }

    #[test]
    fn the_base_url_of_google_may_lack_its_version() {
        let base =
            |url| target("g", Some("google-generative-ai"), Some(url)).expect("a target").base.to_string();
        assert_eq!(
            base("https://generativelanguage.googleapis.com"),
            "https://generativelanguage.googleapis.com/v1beta"
        );
        assert_eq!(base("https://proxy.example"), "https://proxy.example/");
    }

    #[test]
    fn only_loopback_may_be_plain_without_a_word() {
        let plain = |url| target("x", None, Some(url)).expect("a target").plaintext();
        assert!(plain("http://10.0.0.3:8000/v1"));
        assert!(!plain("http://127.0.0.1:8000/v1"));
        assert!(!plain("http://[::1]:8000/v1"));
        assert!(!plain("http://localhost:8000/v1"));
        assert!(!plain("https://proxy.example/v1"));
    }
}
