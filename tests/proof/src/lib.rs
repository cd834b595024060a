//! The proof that no acknowledged event is lost: what is tried, how much of it, and what came of it.
//!
//! Each row of the scoreboard is a function from an [`Effort`] to a [`Row`]. The tests run the rows in their short form,
//! the `scoreboard` command in their long one.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // a proof may touch anything

pub mod bites;
pub mod checkers;
pub mod fuzzing;
pub mod kills;
pub mod panics;
mod row;
pub mod simulation;
pub mod sweeps;

pub use row::{Effort, Outcome, Row};
