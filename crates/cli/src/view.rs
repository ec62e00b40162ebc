//! Values arranged for showing: between what was observed and what is rendered or written as JSON.

pub mod rotations;
pub mod route;
pub mod sends;
pub mod status;
