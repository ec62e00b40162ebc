//! Providers that go by several names: a credential of one serves the other.

use super::rules::Rules;

/// Returns the name by which credentials of this provider are found.
///
/// Early releases have a fixed table; later ones take it from their plugins' manifests, of which these are the bundled ones.
pub(super) fn for_auth<'a>(provider: &'a str, rules: &Rules) -> &'a str {
    match provider {
        "volcengine-plan" => "volcengine",
        "byteplus-plan" => "byteplus",
        "z.ai" | "z-ai" if rules.early_names => "zai",
        "opencode-zen" if rules.early_names => "opencode",
        "opencode-go-auth" if rules.early_names => "opencode-go",
        "kimi-code" | "kimi-coding" if rules.early_names => "kimi",
        "bedrock" | "aws-bedrock" if rules.early_names => "amazon-bedrock",
        "bytedance" | "doubao" if rules.early_names => "volcengine",
        "moonshotai" | "moonshot-ai" if !rules.early_names => "moonshot",
        "minimax-cn" if !rules.early_names => "minimax",
        "minimax-portal-cn" if !rules.early_names => "minimax-portal",
        "novita-ai" | "novitaai" if !rules.early_names => "novita",
        "x-ai" if !rules.early_names => "xai",
        other => other,
    }
}

/// Tells whether cooldowns do not count for this provider: it balances by itself.
pub(super) fn ignores_cooldowns(provider: &str) -> bool {
    matches!(provider, "openrouter" | "kilocode")
}
