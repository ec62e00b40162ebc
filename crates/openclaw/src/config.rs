//! openclaw.json: reading, understanding and safely editing it.

pub mod model;

pub use model::Config;
