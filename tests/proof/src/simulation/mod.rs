//! A world of one thread in which the whole store runs, everything that is open is a choice, and much goes wrong.
//!
//! The actors are the shipped code under the simulated driver, the disk is the simulated storage, the clock is virtual.
//! A run has several lives of the process; at their ends the disk is closed, killed or cut off from power. Then
//! everything heals and must converge. What happened is a [`History`] that the [`checkers`](crate::checkers) judge.

mod census;
mod choices;
mod client;
mod command;
mod deviations;
mod faults;
mod history;
mod notes;
mod opening;
mod plan;
mod replay;
mod rest;
mod rows;
mod run;
mod shrink;
mod staff;
mod sweep;
mod worker;
mod world;

pub use census::{Census, ELSEWHERE};
pub use choices::{Bytes, Source};
pub use deviations::Deviations;
pub use faults::Class;
pub use history::{
    Answer, Asked, Death, Given, Handed, Happened, History, Item, Name, Saying, Sort, Stored, Watch,
};
pub use plan::{Bug, Plan};
pub use replay::{replay, save, traces};

pub use command::{command, show};
pub use rows::{r6, r7, r8, r11, r12, r14};
pub use run::{Outcome, run};
pub use shrink::{shrink, weight};
pub use sweep::{Tally, sweep};
