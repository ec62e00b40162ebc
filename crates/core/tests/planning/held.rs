//! What of a config is left although a vault wants it otherwise.

use keyshoal_core::judge::judge_held;
use keyshoal_core::*;

fn told(why: HeldWhy, paths: &[&str]) -> Vec<Finding> {
    let change = |path: &&str| ConfigChange { path: (*path).to_owned(), what: "set to x".to_owned() };
    let mut judgement = Judgement::default();
    judge_held(&ConfigHeld { why, changes: paths.iter().map(change).collect() }, &mut judgement);
    judgement.findings
}

#[test]
fn what_is_left_needs_attention_and_has_a_way_out() {
    let place = "/home/ada/.openclaw/agents.json:3:5".to_owned();
    let [included] = told(HeldWhy::Included { place: place.clone() }, &["agents.list[ops].name", "bindings"])
        .try_into()
        .unwrap();
    assert_eq!((included.finding, included.severity), (FindingKind::ConfigDiffers, Severity::Attention));
    for word in [place.as_str(), "agents.list[ops].name set to x", "and 1 more"] {
        assert!(included.message.contains(word), "{}", included.message);
    }
    assert!(included.fix.unwrap().contains("by hand"));
    let [changed] =
        told(HeldWhy::Changed { undecided: None }, &["agents.defaults.model"]).try_into().unwrap();
    let fix = changed.fix.unwrap();
    assert!(fix.contains("keyshoal instance adopt") && fix.contains("keyshoal instance deliver"), "{fix}");
    assert_eq!(told(HeldWhy::Changed { undecided: None }, &[]), []);
    let [unknown] = told(HeldWhy::Unknown { undecided: None }, &["agents[handy]"]).try_into().unwrap();
    assert_eq!((unknown.finding, unknown.severity), (FindingKind::ConfigDiffers, Severity::Attention));
    let fix = unknown.fix.unwrap();
    assert!(fix.contains("keyshoal instance adopt") && fix.contains("keyshoal agent add"), "{fix}");
}

#[test]
fn where_only_a_person_can_tell_who_is_who_no_way_is_named_that_refuses() {
    let undecided = |strangers: &[&str]| {
        let strangers = strangers.iter().map(|id| AgentId::from(*id)).collect();
        Some(Undecided { gone: "academic".into(), strangers })
    };
    let fix = |why: HeldWhy| told(why, &["agents[academic]"]).remove(0).fix.unwrap();
    for fix in [
        fix(HeldWhy::Changed { undecided: undecided(&["handy"]) }),
        fix(HeldWhy::Unknown { undecided: undecided(&["handy"]) }),
    ] {
        assert!(fix.starts_with("keyshoal agent rename academic handy   "), "{fix}");
        assert!(fix.contains("; keyshoal agent add handy   if it is another one"), "{fix}");
        assert!(!fix.contains("adopt   takes it"), "{fix}");
    }
    let changed = fix(HeldWhy::Changed { undecided: undecided(&["handy"]) });
    assert!(
        changed.contains("another one, and then keyshoal instance adopt; keyshoal instance deliver"),
        "{changed}"
    );
    let several = fix(HeldWhy::Unknown { undecided: undecided(&["handy", "spare"]) });
    assert!(several.contains("rename academic NEW") && several.contains("add handy"), "{several}");
}
