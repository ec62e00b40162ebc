//! Known providers, as data: where they listen, how a key looks, and where a person goes.

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
    pub keys_page: &'static str,
    /// Where a person pays.
    pub billing_page: &'static str,
    /// Where it says whether it is down.
    pub status_page: &'static str,
    /// Where the facts of this row are documented.
    pub source: &'static str,
}

/// Returns every known provider.
pub fn all() -> &'static [Provider] {
    PROVIDERS
}

/// Returns the provider that a config calls by this name, ignoring case.
pub fn find(name: &str) -> Option<&'static Provider> {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    PROVIDERS.iter().find(|provider| is(&provider.name) || provider.aliases.iter().any(is))
}

/// Returns the provider that listens on this host.
pub fn at_host(host: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)))
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
    PROVIDERS
        .iter()
        .filter_map(|provider| longest(provider).map(|length| (length, provider)))
        .filter(|(length, _)| *length > "sk-".len())
        .max_by_key(|(length, _)| *length)
        .map(|(_, provider)| provider)
}

const PROVIDERS: &[Provider] = &[
    Provider {
        name: "anthropic",
        aliases: &["claude"],
        base_url: "https://api.anthropic.com",
        api: "anthropic-messages",
        hosts: &["api.anthropic.com"],
        wire: Wire::Anthropic,
        refuses_strangers: true,
        key_prefixes: &["sk-ant-"],
        shortest_key: 80,
        env_vars: &["ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"],
        keys_page: "https://console.anthropic.com/settings/keys",
        billing_page: "https://console.anthropic.com/settings/billing",
        status_page: "https://status.claude.com",
        source: "https://docs.anthropic.com/en/api/models-list",
    },
    Provider {
        name: "openai",
        aliases: &["openai-codex"],
        base_url: "https://api.openai.com/v1",
        api: "openai-responses",
        hosts: &["api.openai.com", "eu.api.openai.com", "us.api.openai.com"],
        wire: Wire::OpenAi,
        refuses_strangers: true,
        key_prefixes: &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-"],
        shortest_key: 40,
        env_vars: &["OPENAI_API_KEY"],
        keys_page: "https://platform.openai.com/api-keys",
        billing_page: "https://platform.openai.com/settings/organization/billing",
        status_page: "https://status.openai.com",
        source: "https://platform.openai.com/docs/api-reference/models/list",
    },
    Provider {
        name: "google",
        aliases: &["gemini", "google-gemini"],
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        api: "google-generative-ai",
        hosts: &["generativelanguage.googleapis.com"],
        wire: Wire::Gemini,
        refuses_strangers: true,
        key_prefixes: &["AIza"],
        shortest_key: 39,
        env_vars: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        keys_page: "https://aistudio.google.com/app/apikey",
        billing_page: "https://aistudio.google.com/app/usage",
        status_page: "https://aistudio.google.com/status",
        source: "https://ai.google.dev/api/models#method:-models.list",
    },
    Provider {
        name: "openrouter",
        aliases: &[],
        base_url: "https://openrouter.ai/api/v1",
        api: "openai-completions",
        hosts: &["openrouter.ai", "www.openrouter.ai"],
        wire: Wire::OpenRouter,
        refuses_strangers: true,
        key_prefixes: &["sk-or-"],
        shortest_key: 73,
        env_vars: &["OPENROUTER_API_KEY"],
        keys_page: "https://openrouter.ai/settings/keys",
        billing_page: "https://openrouter.ai/settings/credits",
        status_page: "https://status.openrouter.ai",
        source: "https://openrouter.ai/docs/api_reference/limits",
    },
    Provider {
        name: "xai",
        aliases: &["x-ai", "grok"],
        base_url: "https://api.x.ai/v1",
        api: "openai-responses",
        hosts: &["api.x.ai"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &["xai-"],
        shortest_key: 0,
        env_vars: &["XAI_API_KEY"],
        keys_page: "https://console.x.ai",
        billing_page: "https://console.x.ai",
        status_page: "https://status.x.ai",
        source: "https://docs.x.ai/docs/api-reference",
    },
    Provider {
        name: "groq",
        aliases: &[],
        base_url: "https://api.groq.com/openai/v1",
        api: "openai-completions",
        hosts: &["api.groq.com"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &["gsk_"],
        shortest_key: 0,
        env_vars: &["GROQ_API_KEY"],
        keys_page: "https://console.groq.com/keys",
        billing_page: "https://console.groq.com/settings/billing",
        status_page: "https://groqstatus.com",
        source: "https://console.groq.com/docs/api-reference#models-list",
    },
    Provider {
        name: "mistral",
        aliases: &["mistralai"],
        base_url: "https://api.mistral.ai/v1",
        api: "openai-completions",
        hosts: &["api.mistral.ai"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &[],
        shortest_key: 0,
        env_vars: &["MISTRAL_API_KEY"],
        keys_page: "https://console.mistral.ai/api-keys",
        billing_page: "https://console.mistral.ai/billing",
        status_page: "https://status.mistral.ai",
        source: "https://docs.mistral.ai/api/#tag/models",
    },
    Provider {
        name: "deepseek",
        aliases: &[],
        base_url: "https://api.deepseek.com/v1",
        api: "openai-completions",
        hosts: &["api.deepseek.com"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &[],
        shortest_key: 0,
        env_vars: &["DEEPSEEK_API_KEY"],
        keys_page: "https://platform.deepseek.com/api_keys",
        billing_page: "https://platform.deepseek.com/top_up",
        status_page: "https://status.deepseek.com",
        source: "https://api-docs.deepseek.com/api/list-models",
    },
    Provider {
        name: "together",
        aliases: &[],
        base_url: "https://api.together.xyz/v1",
        api: "openai-completions",
        hosts: &["api.together.xyz", "api.together.ai"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &[],
        shortest_key: 0,
        env_vars: &["TOGETHER_API_KEY"],
        keys_page: "https://api.together.ai/settings/api-keys",
        billing_page: "https://api.together.ai/settings/billing",
        status_page: "https://status.together.ai",
        source: "https://docs.together.ai/reference/models-1",
    },
    Provider {
        name: "moonshot",
        aliases: &["moonshotai"],
        base_url: "https://api.moonshot.ai/v1",
        api: "openai-completions",
        hosts: &["api.moonshot.ai", "api.moonshot.cn"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &[],
        shortest_key: 0,
        env_vars: &["MOONSHOT_API_KEY"],
        keys_page: "https://platform.moonshot.ai/console/api-keys",
        billing_page: "https://platform.moonshot.ai/console/pay",
        status_page: "https://status.moonshot.cn",
        source: "https://platform.moonshot.ai/docs",
    },
    Provider {
        name: "nvidia",
        aliases: &[],
        base_url: "https://integrate.api.nvidia.com/v1",
        api: "openai-completions",
        hosts: &["integrate.api.nvidia.com"],
        wire: Wire::OpenAi,
        refuses_strangers: false,
        key_prefixes: &["nvapi-"],
        shortest_key: 0,
        env_vars: &["NVIDIA_API_KEY"],
        keys_page: "https://build.nvidia.com/settings/api-keys",
        billing_page: "https://build.nvidia.com",
        status_page: "https://status.build.nvidia.com",
        source: "https://docs.api.nvidia.com/nim/reference/llm-apis",
    },
];

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
            assert_eq!(base.scheme(), "https");
            assert!(provider.hosts.contains(&base.host_str().expect("a host")), "{}", provider.name);
            for page in [provider.keys_page, provider.billing_page, provider.status_page, provider.source] {
                assert!(page.starts_with("https://"), "{}: {page}", provider.name);
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two rows share a name or a host");
    }
}
