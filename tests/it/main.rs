//! One binary for all integration tests. A test's name is the sentence it holds the store to.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests may touch anything

#[cfg(feature = "cli")]
mod cli;
mod errors;
mod store;
mod tidy;
mod workers;
