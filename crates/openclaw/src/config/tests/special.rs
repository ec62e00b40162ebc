//! Models for special work.

use super::Place;
use crate::config::model::ModelUse;

/// Returns what an agent uses for special work, as `purpose: provider/model`.
fn special(text: &str, at: usize) -> Vec<String> {
    let config = Place::new(text).load();
    let show = |used: &ModelUse| {
        Some(format!(
            "{}: {}/{}{}",
            used.purpose?,
            used.provider,
            used.model,
            if used.chat { "" } else { " (no chat)" }
        ))
    };
    config.agents[at].models.iter().filter_map(show).collect()
}

#[test]
fn everything_that_a_config_may_name_is_needed() {
    let text = "{agents: {defaults: {model: 'a/1', heartbeat: {model: 'b/1'}, subagents: {model: {primary: 'c/1', fallbacks: ['c/2']}},
            pdfModel: 'd/1', imageModel: {primary: 'e/1'}, voiceModel: 'f/1', musicGenerationModel: 'g/1',
            mediaModels: {video: {primary: 'h/1'}}, utilityModel: '', compaction: {model: 'a/1'}},
          entries: {main: {pdfModel: 'own/1', tools: {exec: {reviewer: {model: 'r/1'}}}}, ops: {}}},
        tools: {exec: {reviewer: {model: 'all/1'}}}}";
    let common = [
        "heartbeats: b/1",
        "images: e/1",
        "voice: f/1 (no chat)",
        "making videos: h/1 (no chat)",
        "making music: g/1 (no chat)",
    ];
    let main = special(text, 0);
    assert!(common.iter().all(|one| main.contains(&(*one).to_owned())), "{main:?}");
    assert!(main.contains(&"sub-agents: c/2".to_owned()));
    assert!(
        main.contains(&"PDF files: own/1".to_owned()) && main.contains(&"reviewing commands: r/1".to_owned())
    );
    let ops = special(text, 1);
    assert!(
        ops.contains(&"PDF files: d/1".to_owned()) && ops.contains(&"reviewing commands: all/1".to_owned()),
        "{ops:?}"
    );
    // The primary model does the compaction too: it stands once.
    assert!(!ops.iter().any(|one| one.starts_with("compaction")));
}

#[test]
fn hooks_belong_to_the_agent_that_they_name() {
    let text = "{agents: {list: [{id: 'a'}, {id: 'b'}]}, hooks: {gmail: {model: 'g/1'},
        mappings: [{agentId: 'B', model: 'm/1'}, {model: 'all/1'}, {agentId: 'a'}]}}";
    assert_eq!(special(text, 0), ["hooks: g/1", "hooks: all/1"]);
    assert_eq!(special(text, 1), ["hooks: g/1", "hooks: m/1", "hooks: all/1"]);
    assert!(special(&text.replace("hooks: {", "hooks: {enabled: false, "), 1).is_empty());
}

#[test]
fn memory_needs_the_provider_that_embeds_it() {
    let early = |own: &str, shared: &str| {
        special(
            &format!(
                "{{agents: {{defaults: {{memorySearch: {{{shared}}}}}, list: [{{id: 'a', memorySearch: {{{own}}}}}]}}}}"
            ),
            0,
        )
    };
    assert_eq!(early("", "provider: 'gemini', model: 'e'"), ["memory: google/e (no chat)"]);
    assert_eq!(
        early("provider: 'openai'", "provider: 'gemini', fallback: 'voyage'"),
        ["memory: openai/its own choice (no chat)", "memory: voyage/its own choice (no chat)"]
    );
    for nothing in [
        "enabled: false",
        "provider: 'local'",
        "provider: 'auto'",
        "provider: 'ollama'",
        "remote: {apiKey: 'x'}",
    ] {
        assert!(early(nothing, "provider: 'openai'").is_empty(), "{nothing}");
    }
    let later = "{memory: {search: {provider: 'mistral'}}, agents: {entries: {a: {memory: {search: {model: 'm'}}}, b: {}}}}";
    assert_eq!(special(later, 0), ["memory: mistral/m (no chat)"]);
    assert_eq!(special(later, 1), ["memory: mistral/its own choice (no chat)"]);
}

#[test]
fn media_need_the_providers_that_are_switched_on() {
    let text = "{tools: {media: {models: [{provider: 'google', model: 'v'}, {type: 'cli', provider: 'x', command: 'whisper'}],
        audio: {models: [{provider: 'Groq'}]}, video: {enabled: false, models: [{provider: 'never'}]}}}}";
    assert_eq!(special(text, 0), ["media: groq/its own choice (no chat)", "media: google/v (no chat)"]);
}
