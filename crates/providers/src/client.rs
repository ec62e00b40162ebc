//! The HTTP client: TLS, proxies, limits, and what its failures mean.
#![expect(
    clippy::disallowed_methods,
    reason = "the certificate file that a person names is read here, with its path in the error"
)]

use crate::answer::{Answer, MAX_BODY};
use keyshoal_core::VerdictKind;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, redirect::Policy};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

/// How a [`crate::Prober`] asks.
#[derive(Clone, Debug)]
pub struct ProberOptions {
    /// The longest that one request may take.
    pub timeout: Duration,
    /// How many requests are under way at once.
    pub max_concurrency: usize,
    /// A proxy for everything but loopback; without one, the environment's (`HTTPS_PROXY`, `NO_PROXY`) is used.
    pub proxy: Option<String>,
    /// Further root certificates, as a PEM file: a company's own, in front of the providers.
    pub ca_file: Option<PathBuf>,
    /// Base URLs, by provider name, that stand in for the provider itself and are trusted like it. For tests.
    pub trusted_base_urls: BTreeMap<String, String>,
}

impl Default for ProberOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            max_concurrency: 8,
            proxy: None,
            ca_file: None,
            trusted_base_urls: BTreeMap::new(),
        }
    }
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

/// One client for the network and one for loopback, which no proxy may see.
#[derive(Debug)]
pub(crate) struct Clients {
    network: Client,
    loopback: Client,
}

impl Clients {
    pub(crate) fn new(options: &ProberOptions) -> Result<Self, ProberError> {
        // One crypto provider for the whole process; when somebody has chosen one already, that is the same one.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificates = certificates(options)?;
        let proxy = options.proxy.as_deref().map(Proxy::all).transpose().map_err(|_| ProberError::Proxy)?;
        let base = |own_roots: bool| -> ClientBuilder {
            let builder = Client::builder()
                .user_agent(concat!("keyshoal/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .referer(false)
                .timeout(options.timeout)
                .connect_timeout(options.timeout);
            if own_roots {
                builder.tls_certs_only(mozillas().chain(certificates.iter().cloned()))
            } else if certificates.is_empty() {
                builder
            } else {
                builder.tls_certs_merge(certificates.iter().cloned())
            }
        };
        let build = |own_roots: bool| -> reqwest::Result<Self> {
            let network = match &proxy {
                Some(proxy) => base(own_roots).proxy(proxy.clone()),
                None => base(own_roots),
            };
            Ok(Self { network: network.build()?, loopback: base(own_roots).no_proxy().build()? })
        };
        // Slim images have no root certificates at all; Node brings Mozilla's own, and so do we.
        build(false).or_else(|_| build(true)).map_err(|error| ProberError::Tls { reason: innermost(&error) })
    }

    pub(crate) fn to(&self, loopback: bool) -> &Client {
        if loopback { &self.loopback } else { &self.network }
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
        retry_after: header("retry-after").and_then(|seconds| seconds.trim().parse().ok()),
        body: String::new(),
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
