//! What is refused, and where.

use super::*;

fn refused(text: &str, release: Release, wanted: &Wanted) -> String {
    let sources = match Sources::of(&locations(), Some(text.as_bytes())) {
        Ok(sources) => sources,
        Err(error) => return error.to_string(),
    };
    generate(&locations(), &sources, release, wanted).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_edited_safely_is_refused_with_its_place() {
    let one = Wanted { agents: vec![agent("main"), agent("a")], ..Wanted::default() };
    let mut moved = one.clone();
    moved.agents[0].workspace = Some("/w".to_owned());
    for (text, place, why) in [
        ("{ agents: }", ":1:", "not valid JSON5"),
        ("{\n agents: { list: [] },\n agents: {} }", ":3:2", "second time"),
        ("{\n agents: { list: [{ id: 'main', name: 'a', name: 'b' }] } }", ":2:44", "second time"),
        ("{ agents: { list: {} } }", ":1:13", "not an array"),
        ("{ agents: { list: [{ name: 'x' }] } }", ":1:20", "no id"),
        ("{ agents: { list: [{ id: 'a' }, { id: 'A' }] } }", ":1:3", "twice"),
        ("{ agents: { list: [{ id: '${ME}' }] } }", ":1:20", "variable"),
        ("{ agents: { list: [{ id: 'main', workspace: '${HOME}/w' }] } }", ":1:34", "variable"),
        ("{ agents: { list: [{ id: 'main', model: 7 }] } }", ":1:34", "not an object"),
        ("{ agents: { list: [], entries: {} } }", ":1:3", "both"),
        ("{ agents: { entries: { 'No!': {} } } }", ":1:24", "not a valid agent id"),
        ("{ bindings: [{ match: {} }] }", ":1:14", "names no agent"),
        ("[]", ":1:1", "not an object"),
    ] {
        let said = refused(text, NEW, &moved);
        assert!(
            said.starts_with(&format!("/nowhere/openclaw.json{place}")) && said.contains(why),
            "{text}: {said}"
        );
    }
    let said = refused("{ agents: { entries: {} } }", OLD, &one);
    assert!(said.contains("does not know"), "{said}");
}

#[test]
fn what_stands_in_an_included_file_is_left_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut locations = locations();
    locations.config_path = dir.path().join("openclaw.json");
    let put = |name: &str, text: &str| {
        std::io::Write::write_all(
            &mut crate::files::create_new(&dir.path().join(name)).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
    };
    put("agents.json", r#"{ "entries": { "main": {}, "a": { "default": true } } }"#);
    put("tools.json", r#"{ "tools": { "deny": ["exec"] } }"#);
    let wanted = Wanted { agents: vec![agent("a"), agent("main")], ..Wanted::default() };
    let text = "{\n  agents: { $include: './agents.json' } }";
    let sources = Sources::of(&locations, Some(text.as_bytes())).unwrap();
    let mut more = wanted.clone();
    more.models = model("acme/a", &[]);
    let made = generate(&locations, &sources, NEW, &more).unwrap();
    let [held] = made.held.as_slice() else { panic!("{:?}", made.held) };
    assert!(held.place.ends_with("agents.json:1:3"), "{}", held.place);
    assert!(held.changes.iter().any(|one| one.path == "agents.entries.a.default"), "{:?}", held.changes);
    // The rest is written.
    let said: Vec<&str> = made.changes.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(said, ["agents.defaults.model"]);
    assert!(made.text.reveal_secret().contains("acme/a") && made.left.is_empty());
    // As it is wanted it hinders nothing.
    let mut same = Wanted { agents: vec![agent("main"), agent("a")], ..Wanted::default() };
    same.agents[1].default = true;
    let made = generate(&locations, &sources, NEW, &same).unwrap();
    assert_eq!((made.changes.len(), made.held.len(), made.text.reveal_secret()), (0, 0, text));
    // What is not generated may be included.
    let text = "{ agents: { list: [{ id: 'main', $include: './tools.json' }] } }";
    let sources = Sources::of(&locations, Some(text.as_bytes())).unwrap();
    let made = generate(&locations, &sources, OLD, &wanted).unwrap();
    assert!(made.text.reveal_secret().contains("{ id: 'main', $include: './tools.json' }"));
}

#[test]
fn what_fits_in_no_config_is_refused() {
    let mut wanted = Wanted::default();
    assert!(refused("{}", NEW, &wanted).contains("no agent is enabled"));
    wanted.agents = vec![agent("a"), agent("a")];
    assert!(refused("{}", NEW, &wanted).contains("twice"));
    wanted.agents = vec![agent("a"), agent("b")];
    wanted.agents.iter_mut().for_each(|agent| agent.default = true);
    assert!(refused("{}", NEW, &wanted).contains("both the default"));
}
