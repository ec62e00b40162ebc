//! Keeping secrets out of core dumps.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// The variable by which the C library overwrites memory that is given back. It is for this process, not for those that it starts.
pub const MALLOC_PERTURB: &str = "MALLOC_PERTURB_";

/// Switches core dumps off for this process. Best effort: a system that refuses has its own rules.
pub fn no_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
