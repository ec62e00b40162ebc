//! Known providers, as data: where they listen, how a key looks, and where a person goes.

mod cloud;
mod servers;

use crate::Wire;

/// One provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in OpenClaw's config.
    pub name: &'static str,
    /// Other names by which configs and older releases call it.
    pub aliases: &'static [&'static str],
    /// Its public base URL, as OpenClaw has it.
    pub base_url: &'static str,
    /// OpenClaw's word for the wire format that it speaks there.
    pub api: &'static str,
    /// Hosts that are the provider itself, so that its answers are its own words.
    pub hosts: &'static [&'static str],
    /// The wire format to ask it in.
    pub wire: Wire,
    /// Whether asking has a documented endpoint that refuses strangers. Without one, a negative control goes first.
    pub refuses_strangers: bool,
    /// How its keys begin. Empty where keys have no common beginning.
    pub key_prefixes: &'static [&'static str],
    /// A shorter key with one of the prefixes was cut off; 0 where the length is not known.
    pub shortest_key: usize,
    /// Environment variables that OpenClaw reads its key from, in order.
    pub env_vars: &'static [&'static str],
    /// Where a person makes a new key.
    pub keys_page: Option<&'static str>,
    /// Where a person pays.
    pub billing_page: Option<&'static str>,
    /// Where it says whether it is down.
    pub status_page: Option<&'static str>,
    /// Whether an open model list means that nothing there needs a key. Then no model is woken to find that out.
    pub keyless: bool,
    /// Where the facts of this row are documented.
    pub source: &'static str,
}

/// Returns every known provider.
pub fn all() -> impl Iterator<Item = &'static Provider> {
    cloud::PROVIDERS.iter().chain(servers::PROVIDERS)
}

/// Returns the provider that a config calls by this name, ignoring case.
pub fn find(name: &str) -> Option<&'static Provider> {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    all().find(|provider| is(&provider.name) || provider.aliases.iter().any(is))
}

/// Returns the provider that listens on this host.
pub fn at_host(host: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)))
}

/// Returns the provider that a login with this one is good for, where that is another.
pub fn by_login(named: &Provider) -> Option<&'static Provider> {
    (named.name == "openai").then(|| find("openai-codex")).flatten()
}

/// Returns the one provider whose keys begin like this one; the longest prefix wins (`sk-ant-` over `sk-`).
pub fn by_key(key: &str) -> Option<&'static Provider> {
    let longest = |provider: &Provider| {
        provider
            .key_prefixes
            .iter()
            .filter(|prefix| key.starts_with(**prefix))
            .map(|prefix| prefix.len())
            .max()
    };
    // `sk-` alone is used by dozens of providers: it identifies nobody.
    all()
        .filter_map(|provider| longest(provider).map(|length| (length, provider)))
        .filter(|(length, _)| *length > "sk-".len())
        .max_by_key(|(length, _)| *length)
        .map(|(_, provider)| provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_provider_and_plain_sk_names_nobody() {
        let name = |key| by_key(key).map(|provider| provider.name);
        assert_eq!(name("sk-ant-api03-abc"), Some("anthropic"));
        assert_eq!(name("sk-or-v1-abc"), Some("openrouter"));
        assert_eq!(name("sk-proj-abc"), Some("openai"));
        assert_eq!(name("AIzaSyAbc"), Some("google"));
        assert_eq!(name("sk-abc"), None);
        assert_eq!(name("key-v1"), None);
    }

    #[test]
    fn names_hosts_and_addresses_are_unambiguous_and_sourced() {
        let mut names: Vec<&str> = Vec::new();
        for provider in all() {
            names.push(provider.name);
            names.extend(provider.aliases);
            names.extend(provider.hosts);
            let base = url::Url::parse(provider.base_url).expect(provider.name);
            let host = base.host_str().expect("a host");
            let here = matches!(host, "127.0.0.1" | "localhost");
            assert_eq!(base.scheme(), if here { "http" } else { "https" });
            assert_eq!(here, !provider.hosts.contains(&host), "{}", provider.name);
            assert!(here || !provider.keyless, "{}", provider.name);
            let pages = [provider.keys_page, provider.billing_page, provider.status_page];
            for page in pages.into_iter().flatten().chain([provider.source]) {
                assert!(page.starts_with("https://"), "{}: {page}", provider.name);
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two rows share a name or a host");
    }
}
