//! Through which proxy a running gateway asks the providers, by the environment that it was started with.
//!
//! The order is that of the program's own `proxy-env` (2026.3.28 and 2026.9.6), which goes by undici's `EnvHttpProxyAgent`: names in small letters
//! first, `http_proxy` also for https where there is no `https_proxy`, and `ALL_PROXY` not at all.

use super::process;
use keyshoal_core::Secret;

const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
const AROUND: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What a gateway was started with. What it reads from `.env` and the config later is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// Its proxy for https; `None`: it uses none. It may carry a password.
    pub proxy: Option<Secret>,
    /// The same as it may be shown: host and port.
    pub shown: Option<String>,
    /// The hosts that it reaches without, as they are written.
    pub around: Option<String>,
}

/// Reads it, those variables alone. `None` when it cannot be seen: another user's process, or none of this machine's.
pub fn proxy_environment(pid: u32) -> Option<ProxyEnvironment> {
    let vars = process::environment(pid, &[PROXY.as_slice(), AROUND.as_slice()].concat())?;
    let first = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| vars.get(*name).map(|it| it.trim().to_owned()));
        found.find(|value| !value.is_empty())
    };
    let proxy = first(&PROXY);
    Some(ProxyEnvironment {
        shown: proxy.as_deref().map(shown),
        proxy: proxy.map(Secret::new),
        around: first(&AROUND),
    })
}

/// Returns host and port, without what may be a password.
fn shown(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    rest.rsplit('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    #[expect(clippy::disallowed_methods, reason = "a test plays a gateway's process")]
    fn started(vars: &[(&str, &str)]) -> Child {
        let mut command = Command::new("sleep");
        command.arg("60").env_clear().env("PATH", "/usr/bin:/bin").envs(vars.iter().copied());
        command.stdin(Stdio::null()).spawn().unwrap()
    }

    fn seen(vars: &[(&str, &str)]) -> ProxyEnvironment {
        let mut child = started(vars);
        let found = proxy_environment(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        found.unwrap()
    }

    #[test]
    fn the_programs_order_counts_and_no_password_is_shown() {
        let found = seen(&[
            ("HTTP_PROXY", "http://plain:1"),
            ("HTTPS_PROXY", "http://ada:s3cret@proxy.example:3128/x"),
            ("NO_PROXY", "localhost,.example"),
            ("OTHER", "nobody's business"),
        ]);
        assert_eq!(found.shown.as_deref(), Some("proxy.example:3128"));
        assert_eq!(found.around.as_deref(), Some("localhost,.example"));
        assert!(!format!("{found:?}").contains("s3cret"));
        assert_eq!(seen(&[("HTTP_PROXY", "http://plain:1")]).shown.as_deref(), Some("plain:1"));
        assert_eq!(seen(&[("ALL_PROXY", "http://all:1"), ("https_proxy", " ")]), ProxyEnvironment::default());
    }
}
