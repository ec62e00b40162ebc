//! The HTTP client: TLS, proxies, limits, and what its failures mean.
#![expect(
    clippy::disallowed_methods,
    reason = "the certificate file that a person names is read here, with its path in the error; a time to wait until is read at the time of the answer"
)]

use crate::answer::{Answer, LONGEST_WAIT, MAX_BODY};
use crate::limits::Limits;
use jiff::fmt::rfc2822;
use keyshoal_core::{Secret, Timestamp, VerdictKind};
use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy, redirect::Policy};
use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How a [`crate::Prober`] asks.
#[derive(Clone, Debug)]
pub struct ProberOptions {
    /// The longest that one request may take.
    pub timeout: Duration,
    /// How much is asked, and how fast.
    pub limits: Limits,
    /// A proxy for everything but loopback; without one, the environment's (`HTTPS_PROXY`, `NO_PROXY`) is used. It may carry a password.
    pub proxy: Option<Secret>,
    /// What stands in place of our own environment there: that of the process whose requests ours are to be like.
    pub environment: Option<ProxyVariables>,
    /// Further root certificates, as a PEM file: a company's own, in front of the providers.
    pub ca_file: Option<PathBuf>,
    /// Whether ChatGPT logins may be asked about from here. A provider may end a login that turns up at another network address
    /// than its gateway's, so whoever asks from elsewhere says no.
    pub ask_logins: bool,
    /// Name servers for the second look at a name that cannot be resolved; empty for the system's own.
    pub nameservers: Vec<SocketAddr>,
    /// Base URLs, by provider name, that stand in for the provider itself and are trusted like it. For tests.
    pub trusted_base_urls: BTreeMap<String, String>,
}

impl Default for ProberOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            limits: Limits::default(),
            proxy: None,
            environment: None,
            ca_file: None,
            ask_logins: true,
            nameservers: Vec::new(),
            trusted_base_urls: BTreeMap::new(),
        }
    }
}

/// What a process was started with that decides about proxies.
#[derive(Clone, Debug, Default)]
pub struct ProxyVariables {
    /// Its proxy for `https`; `None`: it uses none. It may carry a password.
    pub proxy: Option<Secret>,
    /// The hosts that it reaches without, as `NO_PROXY` has them.
    pub no_proxy: Option<String>,
}

/// Why no prober could be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The certificate file cannot be read.
    #[error("cannot read the certificates in {}: {source}; name a readable PEM file or none", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate file holds no certificate.
    #[error("{} holds no PEM certificate; name a file with one or more, or none", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The proxy's address is not one.
    #[error("the proxy address cannot be used: write http://host:port")]
    Proxy,
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {reason}; are the system's root certificates (ca-certificates) in order?")]
    Tls {
        /// Why.
        reason: String,
    },
    /// The runtime cannot start.
    #[error("cannot start the network runtime: {0}; is the limit of open files or threads reached?")]
    Runtime(#[from] std::io::Error),
}

/// One client for the network and one for loopback, which no proxy of the environment may see.
#[derive(Debug)]
pub(crate) struct Clients {
    network: Client,
    loopback: Client,
    timeout: Duration,
    certificates: Vec<Certificate>,
    own_roots: bool,
}

impl Clients {
    pub(crate) fn new(options: &ProberOptions) -> Result<Self, ProberError> {
        // One crypto provider for the whole process; when somebody has chosen one already, that is the same one.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificates = certificates(options)?;
        let of_environment = options.environment.as_ref().filter(|_| options.proxy.is_none());
        let address = options.proxy.as_ref().or(of_environment.and_then(|one| one.proxy.as_ref()));
        let around = of_environment.and_then(|one| NoProxy::from_string(one.no_proxy.as_deref()?));
        let proxy = address.map(proxy_of).transpose().map_err(|_| ProberError::Proxy)?;
        let proxy = proxy.map(|proxy| proxy.no_proxy(around));
        let build = |own_roots: bool| -> reqwest::Result<Self> {
            let base = || builder(options.timeout, &certificates, own_roots);
            let network = match &proxy {
                Some(proxy) => base().proxy(proxy.clone()),
                None if of_environment.is_some() => base().no_proxy(),
                None => base(),
            };
            Ok(Self {
                network: network.build()?,
                loopback: base().no_proxy().build()?,
                timeout: options.timeout,
                certificates: certificates.clone(),
                own_roots,
            })
        };
        // Slim images have no root certificates at all; Node brings Mozilla's own, and so do we.
        build(false).or_else(|_| build(true)).map_err(|error| ProberError::Tls { reason: innermost(&error) })
    }

    pub(crate) fn to(&self, loopback: bool) -> &Client {
        if loopback { &self.loopback } else { &self.network }
    }

    /// Makes a client that goes through another proxy.
    pub(crate) fn through(&self, proxy: &Secret) -> reqwest::Result<Client> {
        builder(self.timeout, &self.certificates, self.own_roots).proxy(proxy_of(proxy)?).build()
    }
}

fn proxy_of(address: &Secret) -> reqwest::Result<Proxy> {
    Proxy::all(address.reveal_secret().trim())
}

fn builder(timeout: Duration, certificates: &[Certificate], own_roots: bool) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("keyshoal/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .timeout(timeout)
        .connect_timeout(timeout);
    if own_roots {
        builder.tls_certs_only(mozillas().chain(certificates.iter().cloned()))
    } else if certificates.is_empty() {
        builder
    } else {
        builder.tls_certs_merge(certificates.iter().cloned())
    }
}

/// Returns Mozilla's root certificates, as they were when this program was built.
fn mozillas() -> impl Iterator<Item = Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|root| Certificate::from_der(root).ok())
}

fn certificates(options: &ProberOptions) -> Result<Vec<Certificate>, ProberError> {
    let Some(path) = &options.ca_file else { return Ok(Vec::new()) };
    let pem = std::fs::read(path).map_err(|source| ProberError::CaFile { path: path.clone(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(ProberError::NoCertificate { path: path.clone() }),
    }
}

/// Sends a request and reads at most 64 KiB of the answer.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Answer, VerdictKind> {
    let mut response = request.send().await.map_err(|error| failure(&error))?;
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer = Answer {
        status: response.status().as_u16(),
        content_type: header("content-type").unwrap_or_default().to_ascii_lowercase(),
        request_id: ["x-request-id", "request-id", "x-generation-id", "cf-ray"]
            .iter()
            .find_map(|name| header(name))
            .filter(|id| id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic())),
        retry_after: header("retry-after").and_then(|text| retry_after(&text, Timestamp::now())),
        body: String::new(),
        latency_ms: 0,
    };
    let mut body = Vec::new();
    while body.len() < MAX_BODY {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(failure(&error)),
        }
    }
    body.truncate(MAX_BODY);
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}

/// Reads `Retry-After`: seconds or a date (RFC 9110, section 10.2.3); some providers write fractions of seconds.
fn retry_after(text: &str, now: Timestamp) -> Option<u64> {
    let text = text.trim();
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => rfc2822::parse(text).ok()?.timestamp().duration_since(now).as_secs_f64(),
    };
    // A time that is over asks for no wait.
    (seconds.is_finite() && seconds <= LONGEST_WAIT).then_some(seconds.max(0.0).ceil() as u64)
}

/// Says what a failure of the network means.
fn failure(error: &reqwest::Error) -> VerdictKind {
    let mut timed_out = error.is_timeout();
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.is::<rustls::Error>() {
            return VerdictKind::Tls;
        }
        if one.to_string().starts_with("dns error") {
            return VerdictKind::Dns;
        }
        let io = one.downcast_ref::<std::io::Error>();
        timed_out |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut);
        // An I/O error's `source` skips the error that it wraps.
        cause = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => one.source(),
        };
    }
    if timed_out { VerdictKind::Timeout } else { VerdictKind::Connect }
}

fn innermost(error: &dyn Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
        for (text, expected) in [
            ("7", Some(7)),
            (" 0.2 ", Some(1)),
            ("Sun, 01 Nov 2026 00:01:30 GMT", Some(90)),
            ("Sun, 01 Nov 2020 00:00:00 GMT", Some(0)),
            ("-3", Some(0)),
            ("soon", None),
            ("", None),
            ("inf", None),
            ("1e300", None),
        ] {
            assert_eq!(retry_after(text, now), expected, "{text}");
        }
    }
}
