//! A disk in memory that knows what is durable, fails on request, and crashes into any state a real one could.
//!
//! Everything is deterministic: the disk makes no choice of its own. Faults come from a hook, the outcome of
//! a crash from a function `choose(count) -> index` in which 0 is always the harmless answer.

mod cached;
mod choices;
mod disk;
mod given;
mod image;
mod pages;
#[cfg(test)]
mod tests;

pub use choices::{Exhaustive, Seeded};
pub use disk::{Fault, Operation, SimulatedDisk};
#[cfg(feature = "simulation")]
pub(crate) use given::GivenFile;
pub use image::Image;
