//! What must be true of cursor workers, sentence by sentence.

mod actions;
mod checkpoints;
mod config;
mod delivery;
mod gaps;
mod interplay;
mod reactions;
mod restarts;
mod resume;
mod slow_disk;
mod status;
mod stopping;
mod support;
mod window;
