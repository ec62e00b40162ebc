//! What a person reads: pure functions from values to lines.

pub mod age;
pub mod alarm;
pub mod artifacts;
pub mod doctor;
pub mod explain;
pub mod export;
pub mod findings;
pub mod history;
pub mod import;
pub mod instance;
pub mod page;
pub mod plan;
pub mod question;
pub mod receipts;
pub mod route;
pub mod scrub;
pub mod status;
pub mod trace;
pub mod upstream;
pub mod vault;
pub mod verify;
pub mod verify_page;
pub mod verify_summary;
pub mod words;
