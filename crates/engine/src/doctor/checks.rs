//! The checks, one a file.

mod activation;
mod agent_ids;
mod all_on_main;
mod clock;
mod cooldowns;
mod disk;
mod dns;
mod environment;
mod expiring;
mod generations;
mod last_update;
mod migration;
mod missing;
mod mode_mismatch;
mod oauth_copies;
mod old_gateway;
mod order;
mod partial_rotation;
mod permissions;
mod references;
mod refresh_lock;
mod rejected;
mod residue;
mod shared_limits;
mod sidecars;
mod split_home;
mod unreadable;

use super::Check;

/// All checks, in the order in which they are run and told: what an update did, what agents send, what lies around, the machine.
pub const CHECKS: &[Check] = &[
    last_update::CHECK,
    generations::CHECK,
    partial_rotation::CHECK,
    activation::CHECK,
    old_gateway::CHECK,
    sidecars::CHECK,
    missing::CHECK,
    mode_mismatch::CHECK,
    order::CHECK,
    rejected::CHECK,
    environment::CHECK,
    references::CHECK,
    expiring::CHECK,
    cooldowns::CHECK,
    shared_limits::CHECK,
    oauth_copies::CHECK,
    refresh_lock::CHECK,
    agent_ids::CHECK,
    all_on_main::CHECK,
    unreadable::CHECK,
    migration::CHECK,
    residue::CHECK,
    permissions::CHECK,
    split_home::CHECK,
    disk::CHECK,
    clock::CHECK,
    dns::CHECK,
];
