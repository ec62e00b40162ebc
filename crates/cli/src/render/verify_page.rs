//! What `verify` found, as a report for a file.

use super::page::{Page, Section};
use super::verify::{Shown, delivery_words, gateway, route_words, shown};
use super::verify_summary;
use crate::document::state_word;
use keyshoal_engine::VerifyReport;
use keyshoal_engine::verify::{Check, CheckResult, RouteProof};

/// Puts the report together.
pub fn page(report: &VerifyReport, checks: &[Check], routes: &[RouteProof]) -> Page {
    let instance = &report.look.observed.instance;
    let version = instance.openclaw_version.as_deref().unwrap_or("of an unknown version");
    Page {
        title: format!("Credentials of OpenClaw {version}"),
        summary: format!("{}; {:.0}", verify_summary::line(report).to_plain(), report.look.now),
        sections: vec![five(checks), memory(report), agents(report), turns(report), ways(report, routes)]
            .into_iter()
            .filter(|section| !(section.lines.is_empty() && section.rows.is_empty()))
            .collect(),
    }
}

fn five(checks: &[Check]) -> Section {
    let row = |check: &Check| {
        let result = match check.result {
            CheckResult::Yes => "yes",
            CheckResult::No => "no",
            CheckResult::NotTested => "not tested",
        };
        vec![check.question.to_owned(), result.to_owned(), check.reason.clone(), check.evidence.join("; ")]
    };
    Section {
        heading: "Five questions".to_owned(),
        lines: Vec::new(),
        columns: vec!["question", "answer", "why", "seen"],
        rows: checks.iter().map(row).collect(),
    }
}

fn memory(report: &VerifyReport) -> Section {
    Section {
        heading: "The running gateway".to_owned(),
        lines: gateway(report).map(|said| said.to_plain()).into_iter().collect(),
        columns: Vec::new(),
        rows: Vec::new(),
    }
}

fn agents(report: &VerifyReport) -> Section {
    let mut rows = Vec::new();
    for agent in &report.agents {
        for proof in &agent.proofs {
            rows.push(vec![
                agent.id.to_string(),
                state_word(agent.state()).to_owned(),
                proof.provider.to_string(),
                super::verify::what(proof),
                proof.verdict.kind.short().to_owned(),
                proof.verdict.request_id.clone().unwrap_or_default(),
                format!("{:.0}", proof.verdict.at),
                proof.verdict.advice.clone().unwrap_or_default(),
            ]);
        }
    }
    Section {
        heading: "What agents send".to_owned(),
        lines: Vec::new(),
        columns: vec![
            "agent",
            "state",
            "provider",
            "credential",
            "provider says",
            "request id",
            "at",
            "advice",
        ],
        rows,
    }
}

fn turns(report: &VerifyReport) -> Section {
    let row = |shown: Shown| vec![shown.agent, shown.outcome.to_plain(), shown.when];
    Section {
        heading: "Prompts through the gateway".to_owned(),
        lines: Vec::new(),
        columns: vec!["agent", "outcome", "when"],
        rows: shown(report).into_iter().map(row).collect(),
    }
}

fn ways(report: &VerifyReport, routes: &[RouteProof]) -> Section {
    let row = |route: &RouteProof| {
        let whom = route.agent.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
        vec![
            route.query.clone(),
            whom,
            route_words(report, route).to_plain(),
            delivery_words(route).to_plain(),
            route.why.clone(),
        ]
    };
    Section {
        heading: "Where messages go".to_owned(),
        lines: Vec::new(),
        columns: vec!["message", "agent", "seen", "delivered", "why"],
        rows: routes.iter().map(row).collect(),
    }
}
