//! The straight way: observe, judge, plan, apply, activate, verify. It knows `core` alone and declares the ports it needs.

pub mod ports;
