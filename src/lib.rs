//! An embedded event store whose every part is a supervised actor.

// Floor 0: words.
mod config;
mod error;
mod event;
mod position;
mod region;

// Floor 1: disk.
pub mod storage;

// Floor 2: rooms.
mod cursor;
mod gates;
mod index;
pub mod journal;

pub use gates::{Gate, Proposal, gate};

pub use config::{Config, ConfigError};
pub use error::{AppendError, Denial, OpenError, ReadError, Retry, SharedError};
pub use event::{
    AppendOptions, Batch, BatchIter, Causes, Condition, Coordinate, CoordinateError, Durability, EventId,
    EventIdError, EventRef, Expected, NewEvent, Payload, PayloadError, Receipt, StoredEvent, decode_payload,
};
pub use position::{CheckpointId, CheckpointIdError, Position, Version};
pub use region::{Region, RegionError};
