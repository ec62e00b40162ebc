//! What a watch measures, for Prometheus: the families, their numbers, the text format, and a small server for it.
//!
//! Labels name agents, providers, profiles and words of a fixed set, never a fingerprint or a value. A family has a bounded number of
//! series; what is beyond is counted, not kept.

mod families;
mod registry;
mod serve;
mod text;

pub use families::{FAMILIES, Family, Type};
pub use registry::Registry;
pub use serve::{ListenError, Server, check};
