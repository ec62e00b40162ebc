//! The first look at an installation names the way on, and later ones only while there is something to do.

use crate::stage::*;
use keyshoal_core::Layout;

const ASK: &str = "→ keyshoal status --check   asks the providers";
const MEND: &str = "→ keyshoal sync   shows what it would change, and asks before it writes";

/// Which of the ways on `status` names.
fn named(stage: &Stage, arguments: &[&str]) -> (bool, bool) {
    let out = stage.run(arguments).out;
    (out.contains(ASK), out.contains(MEND))
}

#[test]
fn the_way_on_is_named_until_it_was_gone() {
    let stage = Stage::drifted(Layout::JsonFile);
    // Nothing tells stale from meant yet: there is something to ask, and nothing that sync would mend.
    assert_eq!(named(&stage, &["status"]), (true, false));
    assert_eq!(named(&stage, &["status", "--check"]), (false, true));
    assert_eq!(named(&stage, &["status"]), (false, true));
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    assert_eq!(named(&stage, &["status"]), (false, false));
}

#[test]
fn nothing_is_recommended_where_nothing_can_be_asked() {
    assert_eq!(named(&Stage::empty(Layout::JsonFile), &["status"]), (false, false));
}
