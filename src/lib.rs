//! An embedded event store whose every part is a supervised actor.
//!
//! Writer, index, gate and cursor workers talk only through bounded channels; when one of them panics, rolls back or
//! cannot save a checkpoint, its supervisor hears of it as a message and restarts just that part, within a budget, and no
//! acknowledged event is lost. The API is synchronous; there is no async runtime and no unsafe code.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use timberline::{
//!     CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, Payload, Region, Store,
//! };
//!
//! #[derive(Serialize, Deserialize)]
//! struct Felled { tree: u32 }
//! impl Payload for Felled { const KIND: &'static str = "Felled"; }
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path();
//! let store = Store::open(Config::new(path))?;
//! store.append(&Coordinate::new("stand-4", "north-wood")?, &Felled { tree: 17 })?;
//!
//! // A supervised consumer: durable place, exactly-once reactions, restarts within a budget.
//! let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("tally")?);
//! let worker = store.cursor_worker(&Region::kind("Felled"), config, |batch, _context| {
//!     for event in batch {
//!         println!("{} lost a tree at {}", event.entity, event.position());
//!     }
//!     CursorWorkerAction::Stop
//! })?;
//! worker.join()?;
//! store.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The floors, from the cellar to the door: the [`supervisors`] crate; words (events, regions, positions, errors);
//! storage; rooms (gates, journal, index, cursor); actors (gate, writer, indexer, cursor worker); the tree; the door
//! ([`Store`]). A room knows nothing of threads, an actor nothing of the tree.

// Floor 0: words.
mod config;
mod error;
mod event;
mod position;
mod region;

// Floor 1: the disk. Public, with the journal, only so that tests, simulations and fuzz targets reach them; what is
// hidden from the docs is no part of what the crate promises.
#[doc(hidden)]
pub mod storage;

// Floor 2: rooms.
mod cursor;
mod gates;
mod index;
#[doc(hidden)]
pub mod journal;

// Floor 3: actors, and the read side that they keep.
mod cursor_worker;
mod gate;
mod indexer;
mod view;
mod writer;

// Floor 4: the tree.
mod tree;

// Floor 5: the door.
mod store;

pub use config::{Config, ConfigError};
pub use cursor_worker::{
    AtLeastOnce, CursorWorkerAction, CursorWorkerConfig, CursorWorkerConfigError, CursorWorkerError,
    CursorWorkerHandle, CursorWorkerState, CursorWorkerStatus, HandlerContext,
};
pub use error::{AppendError, Denial, OpenError, ReadError, Retry, SharedError};
pub use event::{
    AppendOptions, Batch, BatchIter, Causes, Condition, Coordinate, CoordinateError, Durability, EventId,
    EventIdError, EventRef, Expected, NewEvent, Payload, PayloadError, Receipt, StoredEvent, decode_payload,
};
pub use gate::DeniedProposal;
pub use gates::{Gate, Proposal, gate};
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub use index::fuzzing as index_fuzzing;
pub use journal::{Problem, Recovery, VerifyReport};
pub use position::{CheckpointId, CheckpointIdError, Position, Version};
pub use region::{Region, RegionError};
pub use store::{
    BatchTicket, CausalEdge, CausalGraph, CausalNode, CloseError, GraphOptions, ReadOnlyStore, Reader, Stats,
    Store, StoreBuilder, Ticket,
};
pub use supervisors::{self, Backoff, Reports, RestartPolicy, ShutdownReport, Tree};
pub(crate) use supervisors::{failpoints::point, planted::planted};

/// The README's quick start, compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
