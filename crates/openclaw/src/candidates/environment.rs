//! Environment variables that hold a provider's key.

use super::CandidateInput;
use super::rules::Rules;
use crate::Environment;
use crate::config::Config;
use crate::config::model::ConfigKey;
use keyshoal_core::{Secret, SecretSource};

/// The variables of each provider, first the one that wins. From the plugin manifests and tables of 2026.3.28 to 2026.9.6.
const TABLE: &[(&str, &[&str])] = &[
    ("alibaba", &["MODELSTUDIO_API_KEY", "DASHSCOPE_API_KEY", "QWEN_API_KEY"]),
    ("anthropic", &["ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"]),
    ("anthropic-openai", &["ANTHROPIC_API_KEY"]),
    ("arcee", &["ARCEEAI_API_KEY"]),
    ("byteplus", &["BYTEPLUS_API_KEY"]),
    ("cerebras", &["CEREBRAS_API_KEY"]),
    ("chutes", &["CHUTES_OAUTH_TOKEN", "CHUTES_API_KEY"]),
    ("clawrouter", &["CLAWROUTER_API_KEY"]),
    ("cloudflare-ai-gateway", &["CLOUDFLARE_AI_GATEWAY_API_KEY"]),
    ("cohere", &["COHERE_API_KEY"]),
    ("deepgram", &["DEEPGRAM_API_KEY"]),
    ("deepinfra", &["DEEPINFRA_API_KEY"]),
    ("deepseek", &["DEEPSEEK_API_KEY"]),
    ("fal", &["FAL_KEY", "FAL_API_KEY"]),
    ("fireworks", &["FIREWORKS_API_KEY"]),
    ("github-copilot", &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"]),
    ("google", &["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
    ("google-vertex", &["GOOGLE_CLOUD_API_KEY"]),
    ("groq", &["GROQ_API_KEY"]),
    ("huggingface", &["HUGGINGFACE_HUB_TOKEN", "HF_TOKEN"]),
    ("kilocode", &["KILOCODE_API_KEY"]),
    ("kimi", &["KIMI_API_KEY", "KIMICODE_API_KEY"]),
    ("kimi-coding", &["KIMI_API_KEY", "KIMICODE_API_KEY"]),
    ("litellm", &["LITELLM_API_KEY"]),
    ("lmstudio", &["LM_API_TOKEN"]),
    ("microsoft-foundry", &["AZURE_OPENAI_API_KEY"]),
    ("minimax", &["MINIMAX_CODE_PLAN_KEY", "MINIMAX_CODING_API_KEY", "MINIMAX_API_KEY"]),
    ("minimax-portal", &["MINIMAX_OAUTH_TOKEN", "MINIMAX_API_KEY"]),
    ("mistral", &["MISTRAL_API_KEY"]),
    ("modelstudio", &["MODELSTUDIO_API_KEY"]),
    ("moonshot", &["MOONSHOT_API_KEY"]),
    ("novita", &["NOVITA_API_KEY"]),
    ("nvidia", &["NVIDIA_API_KEY"]),
    ("ollama", &["OLLAMA_API_KEY"]),
    ("ollama-cloud", &["OLLAMA_API_KEY"]),
    ("openai", &["CODEX_API_KEY", "OPENAI_API_KEY"]),
    ("openai-codex", &["CODEX_API_KEY", "OPENAI_API_KEY"]),
    ("opencode", &["OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY"]),
    ("opencode-go", &["OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY"]),
    ("openrouter", &["OPENROUTER_API_KEY"]),
    ("perplexity", &["PERPLEXITY_API_KEY", "OPENROUTER_API_KEY"]),
    ("qianfan", &["QIANFAN_API_KEY"]),
    ("qwen", &["QWEN_API_KEY", "MODELSTUDIO_API_KEY", "DASHSCOPE_API_KEY"]),
    ("qwen-dashscope", &["DASHSCOPE_API_KEY"]),
    ("runway", &["RUNWAYML_API_SECRET", "RUNWAY_API_KEY"]),
    ("sglang", &["SGLANG_API_KEY"]),
    ("stepfun", &["STEPFUN_API_KEY"]),
    ("stepfun-plan", &["STEPFUN_API_KEY"]),
    ("synthetic", &["SYNTHETIC_API_KEY"]),
    ("tencent-tokenhub", &["TOKENHUB_API_KEY"]),
    ("together", &["TOGETHER_API_KEY"]),
    ("venice", &["VENICE_API_KEY"]),
    ("vercel-ai-gateway", &["AI_GATEWAY_API_KEY"]),
    ("vllm", &["VLLM_API_KEY"]),
    ("volcengine", &["VOLCANO_ENGINE_API_KEY"]),
    ("voyage", &["VOYAGE_API_KEY"]),
    ("xai", &["XAI_API_KEY"]),
    ("xiaomi", &["XIAOMI_API_KEY"]),
    ("xiaomi-token-plan", &["XIAOMI_TOKEN_PLAN_API_KEY"]),
    ("zai", &["ZAI_API_KEY", "Z_AI_API_KEY"]),
];

/// A variable that is set, in one of its layers.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub name: &'static str,
    pub layer: &'static str,
    pub value: Secret,
}

/// Returns the names of all variables that may hold a provider's key: for reading those of a running gateway and no others.
pub fn key_variables() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|(_, names)| names.iter().copied())
}

/// Returns the variables that are set for a provider, the one that wins first.
pub(super) fn of_provider(input: &CandidateInput<'_>, name: &str, rules: &Rules) -> Vec<Variable> {
    let names = TABLE.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, names)| *names);
    let known = |variable: &&&'static str| {
        !rules.early_names || **variable != "CODEX_API_KEY" && **variable != "FAL_API_KEY"
    };
    names.iter().filter(known).flat_map(|variable| layers(input, variable)).collect()
}

/// Returns the value that the gateway sees of a variable, as far as it can be told.
pub(super) fn value(input: &CandidateInput<'_>, variable: &str) -> Option<Secret> {
    let text =
        |secret: &Secret| Some(secret.clone()).filter(|secret| !secret.reveal_secret().trim().is_empty());
    let process = input.env.get(variable).map(Secret::new);
    process
        .or_else(|| input.config.dotenv.get(variable).and_then(text))
        .or_else(|| input.config.env.get(variable).and_then(text))
}

/// Returns the values that candidates may have which stand in no store: variables in all their layers, and keys in the config.
pub fn loose_values(config: &Config, env: &Environment) -> Vec<Secret> {
    let by_config = config.providers.values().filter_map(|declared| declared.api_key.as_ref());
    let mut names: Vec<&str> = key_variables().collect();
    let mut found = Vec::new();
    for key in by_config {
        match key {
            ConfigKey::Value(value) => found.push(value.clone()),
            ConfigKey::Ref(reference) if reference.source == SecretSource::Env => names.push(&reference.id),
            ConfigKey::Unresolved(variable) => names.push(variable),
            ConfigKey::Profile(_) | ConfigKey::Ref(_) => {}
        }
    }
    for name in names {
        let layers =
            [env.get(name).map(Secret::new), config.dotenv.get(name).cloned(), config.env.get(name).cloned()];
        for value in layers.into_iter().flatten() {
            found.push(Secret::new(value.reveal_secret().trim()));
            found.push(value);
        }
    }
    found.retain(|value| !value.reveal_secret().is_empty());
    found
}

/// Tells whether a text is the name of a variable that the program takes for its value.
pub(super) fn is_key_variable(text: &str) -> bool {
    key_variables().any(|name| name == text)
}

fn layers(input: &CandidateInput<'_>, name: &'static str) -> Vec<Variable> {
    let trimmed = |value: &str| Some(value.trim()).filter(|value| !value.is_empty()).map(Secret::new);
    let found = [
        ("environment", input.env.get(name).and_then(trimmed)),
        (".env", input.config.dotenv.get(name).and_then(|value| trimmed(value.reveal_secret()))),
        ("config env", input.config.env.get(name).and_then(|value| trimmed(value.reveal_secret()))),
    ];
    found.into_iter().filter_map(|(layer, value)| Some(Variable { name, layer, value: value? })).collect()
}
