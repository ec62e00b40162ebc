//! Servers that people run themselves: they want no key, any key, or one that the person has set.
//!
//! Nobody is asked on the strength of such a name alone: a negative control goes first, as everywhere that is not a known provider.

use super::Provider;
use crate::Wire;

/// What these rows have in common.
const SERVER: Provider = Provider {
    name: "",
    aliases: &[],
    base_url: "",
    api: "openai-completions",
    hosts: &[],
    wire: Wire::OpenAi,
    refuses_strangers: false,
    key_prefixes: &[],
    shortest_key: 0,
    env_vars: &[],
    keys_page: None,
    billing_page: None,
    status_page: None,
    keyless: false,
    source: "",
};

pub(super) const PROVIDERS: &[Provider] = &[
    Provider {
        name: "ollama",
        aliases: &[],
        base_url: "http://127.0.0.1:11434",
        api: "ollama",
        wire: Wire::Ollama,
        env_vars: &["OLLAMA_API_KEY"],
        keyless: true,
        source: "https://docs.ollama.com/api/authentication",
        ..SERVER
    },
    Provider {
        name: "lmstudio",
        aliases: &["lm-studio"],
        base_url: "http://localhost:1234/v1",
        api: "openai-completions",
        wire: Wire::OpenAi,
        env_vars: &["LM_API_TOKEN"],
        keyless: true,
        source: "https://lmstudio.ai/docs/developer/core/authentication",
        ..SERVER
    },
    Provider {
        name: "vllm",
        aliases: &[],
        base_url: "http://127.0.0.1:8000/v1",
        api: "openai-completions",
        wire: Wire::OpenAi,
        env_vars: &["VLLM_API_KEY"],
        keyless: true,
        source: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        ..SERVER
    },
    Provider {
        name: "sglang",
        aliases: &[],
        base_url: "http://127.0.0.1:30000/v1",
        api: "openai-completions",
        wire: Wire::OpenAi,
        env_vars: &["SGLANG_API_KEY"],
        keyless: true,
        source: "https://docs.sglang.ai/advanced_features/server_arguments.html",
        ..SERVER
    },
    Provider {
        name: "llama.cpp",
        aliases: &["llamacpp", "llama-cpp"],
        base_url: "http://127.0.0.1:8080/v1",
        api: "openai-completions",
        wire: Wire::OpenAi,
        env_vars: &[],
        keyless: false,
        source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        ..SERVER
    },
    Provider {
        name: "litellm",
        aliases: &[],
        base_url: "http://localhost:4000",
        api: "openai-completions",
        wire: Wire::OpenAi,
        env_vars: &["LITELLM_API_KEY"],
        keyless: false,
        source: "https://docs.litellm.ai/docs/proxy/virtual_keys",
        ..SERVER
    },
];
