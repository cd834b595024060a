//! The door: what a program holds of a store.

mod append;
mod builder;
mod graph;
mod read_only;
mod reader;
mod stats;
mod ticket;
mod workers;

pub use builder::{CloseError, StoreBuilder};
pub use graph::{CausalEdge, CausalGraph, CausalNode, GraphOptions};
pub use read_only::ReadOnlyStore;
pub use reader::Reader;
pub use stats::Stats;
pub use ticket::{BatchTicket, Ticket};

use crate::config::Config;
use crate::error::{AppendError, OpenError, ReadError};
use crate::event::{EventId, StoredEvent};
use crate::journal::{Recovery, VerifyReport};
use crate::position::{Position, Version};
use crate::region::Region;
use crate::storage::WriteLock;
use crate::tree::House;
use crate::view::View;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use supervisors::rt::Mutex;
use supervisors::{Reports, ShutdownReport, Tree};

/// An open store.
///
/// All methods take `&self`, and a store can be shared between threads. Dropping it closes it; [`Store::close`] says how
/// that went.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use timberline::{Config, Coordinate, Payload, Store};
///
/// #[derive(Serialize, Deserialize)]
/// struct Opened { by: String }
/// impl Payload for Opened { const KIND: &'static str = "Opened"; }
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path();
/// let store = Store::open(Config::new(path))?;
/// let receipt = store.append(&Coordinate::new("door-1", "house")?, &Opened { by: "Ida".into() })?;
/// let event = store.get(receipt.id)?.expect("who has a receipt can read the event");
/// assert_eq!(event.payload_as::<Opened>()?.by, "Ida");
/// assert!(store.close()?.is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Store {
    house: House,
    /// Held for as long as the store may write.
    lock: Mutex<Option<Arc<WriteLock>>>,
    /// Set once, by `close`.
    closed: AtomicBool,
    call_deadline: Duration,
    dir: std::path::PathBuf,
    /// Numbers the workers that have no name of their own.
    next_worker: AtomicU64,
    /// The checkpoint ids of workers that may live.
    claims: workers::Claims,
}

impl Store {
    /// Opens the store in the config's directory for writing, and creates it if there is none. Returns when the journal
    /// is recovered and every actor runs.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the config, the directory or the files; nothing on the disk was changed.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        Self::builder(config).open()
    }

    /// A store with more than a config: gates, and what becomes of denials.
    pub fn builder(config: Config) -> StoreBuilder {
        StoreBuilder::new(config)
    }

    /// Opens a store for reading only, also beside a process that writes it.
    ///
    /// # Errors
    /// [`OpenError::NoStore`] if there is none; otherwise as [`Store::open`].
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<ReadOnlyStore, OpenError> {
        ReadOnlyStore::open(dir.as_ref())
    }

    /// The event with this id; `None` if no such event is visible.
    ///
    /// # Errors
    /// [`ReadError`] when its record is damaged or the disk refuses.
    pub fn get(&self, id: EventId) -> Result<Option<StoredEvent>, ReadError> {
        self.view()?.get(id)
    }

    /// The events of a region, in position order, up to the newest at the time of the first call of `next`.
    pub fn read(&self, region: &Region) -> Reader {
        Reader::new(self.view(), region.clone())
    }

    /// The events of one entity, by version.
    pub fn entity(&self, entity: &str) -> Reader {
        self.read(&Region::entity(entity))
    }

    /// The version of the newest visible event of an entity.
    ///
    /// # Errors
    /// [`ReadError`] when what is lost of the index cannot be rebuilt, because the journal cannot be read.
    pub fn last_version(&self, entity: &str) -> Result<Version, ReadError> {
        self.view()?.version(entity)
    }

    /// The highest position that readers see.
    #[must_use]
    pub fn written(&self) -> Position {
        self.house.view.written()
    }

    /// The highest position that is known to be on the disk.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.house.view.durable()
    }

    /// The events that led to this one, breadth first, at most `limit` events.
    ///
    /// # Errors
    /// [`ReadError`] when a record is damaged or the disk refuses.
    pub fn causes(&self, id: EventId, limit: usize) -> Result<CausalGraph, ReadError> {
        self.causes_with(id, GraphOptions::new().events(limit))
    }

    /// The events that this one led to, breadth first, at most `limit` events.
    ///
    /// # Errors
    /// As [`Store::causes`].
    pub fn effects(&self, id: EventId, limit: usize) -> Result<CausalGraph, ReadError> {
        self.effects_with(id, GraphOptions::new().events(limit))
    }

    /// As [`Store::causes`], with limits of depth and count, within the correlation or across.
    ///
    /// # Errors
    /// As [`Store::causes`].
    pub fn causes_with(&self, id: EventId, options: GraphOptions) -> Result<CausalGraph, ReadError> {
        graph::causes(self.view()?, id, options)
    }

    /// As [`Store::effects`], with limits of depth and count, within the correlation or across.
    ///
    /// # Errors
    /// As [`Store::causes`].
    pub fn effects_with(&self, id: EventId, options: GraphOptions) -> Result<CausalGraph, ReadError> {
        graph::effects(self.view()?, id, options)
    }

    /// The supervision tree as it is now. Answers at once, also while actors are busy, restarting or hung.
    #[must_use]
    pub fn tree(&self) -> Tree {
        self.house.running.tree()
    }

    /// What the supervisors report from now on: starts, failures, restarts, ends. Holds the newest 1,024; who reads too
    /// slowly is told how many were lost.
    #[must_use]
    pub fn reports(&self) -> Reports {
        self.house.running.reports(1_024)
    }

    /// Reads the whole store and checks it: checksums, hash chain, positions, files. Takes as long as reading does; appends
    /// go on meanwhile.
    ///
    /// # Errors
    /// [`ReadError`] when the disk refuses; damage is in the report.
    pub fn verify(&self) -> Result<VerifyReport, ReadError> {
        stats::verify(self.view()?)
    }

    /// What opening the store found: the tail that was cut, the events that were written again.
    #[must_use]
    pub fn recovery(&self) -> Option<Recovery> {
        self.house.view.recovery()
    }

    /// How much the store holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        stats::of(&self.house.view)
    }

    /// Where the store lives.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Stops every actor in good order, brings everything to the disk, and waits for every thread. After it, every call
    /// is `Closed`.
    ///
    /// # Errors
    /// [`CloseError`] says what was wrong at the end: a failed store's reason, a last sync that failed, or that a handler
    /// tried to close the store that waits for it.
    pub fn close(&self) -> Result<ShutdownReport, CloseError> {
        builder::close(self)
    }

    fn view(&self) -> Result<&Arc<View>, ReadError> {
        if self.closed.load(Ordering::Acquire) { Err(ReadError::Closed) } else { Ok(&self.house.view) }
    }

    /// Why the pipeline does not answer any more.
    fn gone(&self) -> AppendError {
        if self.closed.load(Ordering::Acquire) {
            return AppendError::Closed;
        }
        match self.house.running.wait_timeout(self.call_deadline) {
            Some(reason) => builder::failure(&reason),
            None => AppendError::Failed { reason: "the pipeline has stopped".into() },
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.dir)
            .field("written", &self.written())
            .finish_non_exhaustive()
    }
}
