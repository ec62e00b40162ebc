//! The HTTP client of one addressee: TLS, limits, no redirects.

use crate::{Address, Failure, SenderError};
use reqwest::{Certificate, Client, ClientBuilder, redirect::Policy};
use std::time::Duration;

/// The longest that one request may take.
const LIMIT: Duration = Duration::from_secs(10);
/// So much of an answer is read.
const MAX_ANSWER: usize = 16 * 1024;

/// A client and the runtime that it needs.
#[derive(Debug)]
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: String,
}

impl Http {
    /// Makes it. A proxy of the environment is used, but never for this machine itself.
    pub fn new(address: &Address) -> Result<Self, SenderError> {
        // One crypto provider for the whole process; when somebody has chosen one already, that is the same one.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| SenderError(format!("the network runtime cannot start: {error}")))?;
        let base = || -> ClientBuilder {
            let builder = Client::builder()
                .user_agent(concat!("keyshoal/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .referer(false)
                .timeout(LIMIT)
                .connect_timeout(LIMIT);
            if address.is_loopback() { builder.no_proxy() } else { builder }
        };
        // Slim images have no root certificates at all: then Mozilla's own, as they were when this program was built.
        let mozillas = || {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            roots.filter_map(|root| Certificate::from_der(root).ok())
        };
        let client = base().build().or_else(|_| base().tls_certs_only(mozillas()).build());
        let client = client.map_err(|_| SenderError("TLS cannot be set up".to_owned()))?;
        Ok(Self { runtime, client })
    }

    /// Puts a body to a URL. Nothing of the URL gets into a failure.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answer, Failure> {
        let mut request = self.client.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| failure(&error))?;
            let status = response.status().as_u16();
            let retry_after = response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                .map(Duration::from_secs);
            let mut body = Vec::new();
            while body.len() < MAX_ANSWER {
                match response.chunk().await {
                    Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                    // What an answer says beside its status is talk.
                    Ok(None) | Err(_) => break,
                }
            }
            body.truncate(MAX_ANSWER);
            Ok(Answer { status, retry_after, body: String::from_utf8_lossy(&body).into_owned() })
        })
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    let reason = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        return Failure::for_good("the request could not be made: is the address or a header wrong?");
    } else {
        "the connection broke off"
    };
    Failure::for_now(reason)
}
