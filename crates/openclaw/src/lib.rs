//! OpenClaw's state on disk and on the wire: config, credential stores, locks, gateway client.
//!
//! This crate stands alone: anyone who writes OpenClaw tools may use it. It never reads the environment by itself, never
//! prints, and never writes what it was not asked to write.

pub mod agent_id;
pub mod artifacts;
pub mod candidates;
pub mod config;
pub mod delivered;
pub mod environment;
pub mod examine;
pub mod files;
pub mod gateway;
pub mod init;
pub mod jobs;
pub mod layout;
pub mod locate;
pub mod models_file;
pub mod other_logins;
pub mod plain_files;
pub mod routing;
pub mod sample;
pub mod sessions;
pub mod store;
pub mod workspaces;

pub use environment::Environment;
pub use files::PathError;
