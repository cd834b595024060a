//! An embedded event store whose every part is a supervised actor.

pub mod journal;
pub mod storage;
