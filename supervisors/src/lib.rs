//! An actor runtime with supervision.
#[allow(dead_code)]
mod core;
